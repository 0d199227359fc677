//! Counts and lengths that would exhaust whoever believes them.

use chassis_sim::machine::MachineSpec;
use chassis_verifier::{
    Error,
    bundle::{Bundle, DEFAULT_LIMIT, Evidence, FurtherLog, FurtherLogKind, Tee},
    eventlog::MAX_EVENTS,
};

use crate::world::{World, tpm};

/// Records of the smallest size there is: SHA-1 only, no data.
fn bomb(records: usize) -> Vec<u8> {
    let record = [
        &8_u32.to_le_bytes()[..],
        &0x0d_u32.to_le_bytes(),
        &[1; 20],
        &[0; 4],
    ]
    .concat();
    // The last byte is no padding.
    let last = [
        &8_u32.to_le_bytes()[..],
        &0x0d_u32.to_le_bytes(),
        &[1; 20],
        &[1, 0, 0, 0, 1],
    ]
    .concat();
    [record.repeat(records - 1), last].concat()
}

#[test]
fn a_log_bomb() {
    let world = World::new();
    let machine = world.boot(MachineSpec::new("a"));
    let honest = world.attest(&machine.parts());
    let boot = |log: Vec<u8>| move |evidence: &mut Evidence| tpm(evidence).event_log = Some(log.into());
    let bundle = world.tamper(&honest, boot(bomb(MAX_EVENTS)));
    assert!(world.try_appraise(&bundle, &machine).is_ok());
    let bundle = world.tamper(&honest, boot(bomb(MAX_EVENTS + 1)));
    let error = world.try_appraise(&bundle, &machine).unwrap_err().to_string();
    assert!(error.contains("more than 16384 records"), "{error}");
    let document = world.tampered(&honest, boot(bomb(DEFAULT_LIMIT / 32)));
    let error = Bundle::parse(&document, DEFAULT_LIMIT).unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
}

/// Where lengths and counts stand: of the header's data, of its algorithms, of the first record's digests and of its data, by
/// the layouts of PFP 1.06 §10.4.5.1 and §10.2.2. `digests` is their size, each with its algorithm.
fn lengths_of_a_log(log: &[u8], digests: usize) -> [usize; 4] {
    let spec_id = u32::from_le_bytes(log[28..32].try_into().unwrap());
    let record = 32 + usize::try_from(spec_id).unwrap();
    [28, 32 + 24, record + 8, record + 12 + digests]
}

#[test]
fn lengths_of_two_gibibytes() {
    let world = World::new();
    let machine = world.boot(MachineSpec::new("a"));
    let honest = world.attest(&machine.parts());
    let attempt = |part: &str, place: usize, put: &dyn Fn(&mut Evidence, [u8; 4])| {
        for length in [0x7fff_ffff, 0x8000_0000, u32::MAX] {
            let bundle = world.tamper(&honest, |evidence| put(evidence, length.to_le_bytes()));
            let error = world.try_appraise(&bundle, &machine);
            assert!(
                matches!(error, Err(Error::Parse(_))),
                "{part}, {length} at {place}: {error:#?}"
            );
        }
    };
    let log = honest.evidence.tpm.as_ref().unwrap().event_log.as_ref().unwrap();
    for place in lengths_of_a_log(log, 2 + 32 + 2 + 48) {
        attempt("TPM log", place, &|evidence, length| {
            let log = tpm(evidence).event_log.as_mut().unwrap();
            log.0[place..place + 4].copy_from_slice(&length);
        });
    }
    let Tee::Tdx { ccel, .. } = &honest.evidence.tee;
    for place in lengths_of_a_log(ccel.as_ref().unwrap(), 2 + 48) {
        attempt("CCEL", place, &|evidence, length| {
            let Tee::Tdx { ccel, .. } = &mut evidence.tee;
            ccel.as_mut().unwrap().0[place..place + 4].copy_from_slice(&length);
        });
    }
    // The signature data's, the quoting enclave's part of it, and the certificates' in that.
    for place in [632, 766, 1254] {
        attempt("TD quote", place, &|evidence, length| {
            let Tee::Tdx { quote, .. } = &mut evidence.tee;
            quote.0[place..place + 4].copy_from_slice(&length);
        });
    }
    attempt("IMA list", 24, &|evidence, length| {
        let list = [&10_u32.to_le_bytes()[..], &[1; 20], &length, b"ima-ng"].concat();
        evidence.logs = vec![FurtherLog {
            kind: FurtherLogKind::Ima,
            data: list.into(),
        }];
    });
}
