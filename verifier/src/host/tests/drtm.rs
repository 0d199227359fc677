//! Logs of launches, good ones and each with one thing wrong.

use ring::digest::{SHA256, SHA384, digest};

use super::*;
use crate::eventlog::{Algorithm, DrtmLog, EventType, encode::Encoder};

/// A change to a list of records.
type Change = fn(&mut Vec<(u32, u32, u8)>);

#[test]
fn a_launchs_log_replays_from_zero_in_each_bank() {
    let log = launch().bytes;
    let log = DrtmLog::parse(&log).unwrap();
    let sha256 = |values: &[u8]| {
        values.iter().fold(vec![0; 32], |register, by| {
            let extended = [&register[..], &[*by; 32]].concat();
            digest(&SHA256, &extended).as_ref().to_vec()
        })
    };
    let sha384 = |values: &[u8]| {
        values.iter().fold(vec![0; 48], |register, by| {
            let extended = [&register[..], &[*by; 48]].concat();
            digest(&SHA384, &extended).as_ref().to_vec()
        })
    };
    for (bank, pcr17, pcr18) in [
        (HashAlg::Sha256, sha256(&[1, 2]), sha256(&[3])),
        (HashAlg::Sha384, sha384(&[1, 2]), sha384(&[3])),
    ] {
        let registers = drtm_registers(&log, bank).unwrap();
        assert_eq!(registers.pcr17.as_slice(), pcr17);
        assert_eq!(registers.pcr18.as_slice(), pcr18);
        assert_eq!(check_drtm_log(&log, bank, &pcr17, &pcr18), Ok(()));
        for (pcr, a, b) in [(17, &pcr18, &pcr18), (18, &pcr17, &pcr17)] {
            let fault = check_drtm_log(&log, bank, a, b).unwrap_err();
            assert!(
                matches!(fault, HostFault::Replay { pcr: found, .. } if found == pcr),
                "{fault}"
            );
        }
        // A prefix of the register is not the register.
        let fault = check_drtm_log(&log, bank, &pcr17[..31], &pcr18).unwrap_err();
        assert!(matches!(fault, HostFault::Replay { pcr: 17, .. }), "{fault}");
    }
}

#[test]
fn a_record_dropped_added_changed_or_swapped_explains_another_value() {
    let good = registers(&launch());
    let changes: [Change; 5] = [
        |records| {
            records.remove(1);
        },
        |records| records.push((17, MLE_HASH, 9)),
        |records| records[0].2 = 9,
        |records| records.swap(0, 1),
        |records| records[1].0 = 18,
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut records = RECORDS.to_vec();
        change(&mut records);
        assert_ne!(registers(&log_of(&records)), good, "change {number}");
    }
    // A type says nothing, unless it is one of those that extend nothing.
    let mut retyped = RECORDS.to_vec();
    retyped[1].1 = 0x40a;
    assert_eq!(registers(&log_of(&retyped)), good);
    for kind in [3, 0x401, 0x503, 0x504] {
        retyped[1].1 = kind;
        assert_ne!(registers(&log_of(&retyped)), good, "{kind:#x}");
    }
}

/// As real logs have them: the mapping names PCR 255, Secure Launch's marks carry the digest of nothing.
#[test]
fn marks_of_txt_and_secure_launch_extend_nothing() {
    let good = registers(&launch());
    let mut log = Encoder::agile(&BANKS);
    log.event(255, EventType::TXT_PCR_MAPPING.0, &[0; 64], &[1, 0, 0, 0]);
    for (pcr, kind, by) in RECORDS {
        log.event(pcr, EventType::SLAUNCH_START.0, &[0xee; 64], b"");
        log.event(pcr, kind, &[by; 64], b"measured");
        log.event(pcr, EventType::SLAUNCH_END.0, &[0xee; 64], b"");
    }
    assert_eq!(registers(&log), good);
    let parsed = DrtmLog::parse(&log.bytes).unwrap();
    let extended = parsed.view().banks[0].extended.clone();
    assert_eq!(extended, [17, 18]);
    // To a boot log, the same types are types like any other.
    assert!(crate::eventlog::TcgLog::parse(&log.bytes).is_err());
}

#[test]
fn a_record_of_a_register_that_no_launch_resets_fails() {
    for pcr in [0, 7, 16, 23] {
        let mut log = launch();
        log.event(pcr, MLE_HASH, &[4; 64], b"x");
        let log = DrtmLog::parse(&log.bytes).unwrap();
        assert_eq!(
            drtm_registers(&log, HashAlg::Sha256),
            Err(HostFault::ForeignPcr { index: 3, pcr })
        );
        // One that extends nothing does no harm.
        let mut log = launch();
        log.event(pcr, 3, &[4; 64], b"x");
        assert_eq!(registers(&log), registers(&launch()));
    }
    // The others that a launch resets may hold what they like: nobody quotes them.
    for pcr in 19..=22 {
        let mut log = launch();
        log.event(pcr, MLE_HASH, &[4; 64], b"x");
        assert_eq!(registers(&log), registers(&launch()));
    }
    let mut log = launch();
    log.event(24, MLE_HASH, &[4; 64], b"x");
    assert_eq!(DrtmLog::parse(&log.bytes).unwrap_err().field, "register");
}

#[test]
fn a_log_that_leaves_a_register_unexplained_fails() {
    let fault = |records: &[(u32, u32, u8)]| {
        let log = log_of(records);
        drtm_registers(&DrtmLog::parse(&log.bytes).unwrap(), HashAlg::Sha384)
    };
    assert_eq!(fault(&RECORDS[2..]), Err(HostFault::Unexplained(17)));
    assert_eq!(fault(&RECORDS[..2]), Err(HostFault::Unexplained(18)));
}

#[test]
fn a_log_of_another_bank_explains_nothing() {
    let mut log = Encoder::agile(&[Algorithm::Sha256]);
    for (pcr, kind, by) in RECORDS {
        log.event(pcr, kind, &[by; 64], b"x");
    }
    let log = DrtmLog::parse(&log.bytes).unwrap();
    assert_eq!(
        drtm_registers(&log, HashAlg::Sha384),
        Err(HostFault::LogBank(HashAlg::Sha384))
    );
}

/// Two measurements for PCR 17, one for PCR 18: register, type, the byte its digests consist of.
const RECORDS: [(u32, u32, u8); 3] = [(17, HASH_START, 1), (17, MLE_HASH, 2), (18, SINIT_PUBKEY_HASH, 3)];

fn launch() -> Encoder {
    log_of(&RECORDS)
}

fn log_of(records: &[(u32, u32, u8)]) -> Encoder {
    let mut log = Encoder::agile(&BANKS);
    for (pcr, kind, by) in records {
        log.event(*pcr, *kind, &[*by; 64], b"measured");
    }
    log
}

fn registers(log: &Encoder) -> DynamicRegisters {
    drtm_registers(&DrtmLog::parse(&log.bytes).unwrap(), HashAlg::Sha384).unwrap()
}

const BANKS: [Algorithm; 2] = [Algorithm::Sha256, Algorithm::Sha384];
const HASH_START: u32 = 0x402;
const MLE_HASH: u32 = 0x404;
const SINIT_PUBKEY_HASH: u32 = 0x410;
