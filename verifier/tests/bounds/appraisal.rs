//! Whole bundles that can be read.

use chassis_verifier::{
    Appraisal, Check, CheckId, Endorsements, Error, Policy, appraise,
    bundle::{Bundle, DEFAULT_LIMIT, Evidence, FurtherLog, FurtherLogKind, PcrValue, Tee, canonical_json},
    eventlog::MAX_EVENTS,
};
use serde_json::json;

use super::{
    hostile,
    memory::{peak, within},
};

/// What a certificate made to have many parts may take.
const CERTIFICATE: usize = 512 << 10;

/// A bundle with nearly all its bytes in one, two or three of its parts.
#[test]
fn large_bundles_are_read() {
    const PART: usize = hostile::SIZE / 4 * 3 - 2048;
    for (ccel, log, certificate) in [
        (PART, 1, 1),
        (1, PART, 1),
        (1, 1, PART),
        (PART / 2, PART / 2, 1),
        (1, PART / 2, PART / 2),
        (PART / 3, PART / 3, PART / 3),
        (1, PART / 3, PART / 3 * 2),
    ] {
        let bundle = bundle(|evidence| {
            set_ccel(evidence, vec![1; ccel]);
            let tpm = evidence.tpm.as_mut().unwrap();
            tpm.event_log = Some(vec![2; log].into());
            tpm.ak_certificates = vec![vec![3; certificate].into()];
        });
        let document = bundle.to_json().unwrap();
        assert!((hostile::SIZE - 2_000..=hostile::SIZE).contains(&document.len()));
        let read = within("bundle", document.len(), || {
            Bundle::parse(&document, DEFAULT_LIMIT).unwrap()
        });
        assert_eq!(read.digest, bundle.digest);
        // Its form is longer than it is: another spelling, which is refused.
        let longer = String::from_utf8(document)
            .unwrap()
            .replace(r#""operator":"0x"#, r#""operator":""#);
        let error = within("longer form", longer.len(), || {
            Bundle::parse(longer.as_bytes(), DEFAULT_LIMIT).unwrap_err()
        });
        assert!(matches!(error, Error::NotCanonical { .. }), "{error}");
    }
}

#[test]
fn bundles_with_logs_of_many_records_are_appraised() {
    for records in [8_193, MAX_EVENTS] {
        let log = hostile::sha384_log(3, records);
        appraised("CCEL", |evidence| set_ccel(evidence, log.clone()));
        appraised("boot log", |evidence| {
            evidence.tpm.as_mut().unwrap().event_log = Some(log.clone().into());
        });
        appraised("both", |evidence| {
            set_ccel(evidence, log.clone());
            evidence.tpm.as_mut().unwrap().event_log = Some(log.clone().into());
        });
        appraised("further logs", |evidence| {
            evidence.logs = vec![further(FurtherLogKind::Tcg2, hostile::sha384_log(8, records)); 3];
            evidence
                .logs
                .push(further(FurtherLogKind::Ima, hostile::ima_list(records)));
        });
    }
}

#[test]
fn a_bundle_with_a_hostile_certificate_is_appraised() {
    let bundle = bundle(|evidence| {
        evidence.tpm.as_mut().unwrap().ak_certificates = vec![hostile::certificate().into(); 4];
    });
    let (held, _) = peak(|| appraise_all(&bundle));
    assert!(
        held < 4 * bundle.to_json().unwrap().len() + CERTIFICATE,
        "{held} bytes"
    );
}

/// What checks repeat of a bundle: PCRs, and of the TPM's structures digests, names and what it was told to say.
#[test]
fn what_checks_repeat_is_short() {
    let long = bundle(|evidence| {
        evidence.tpm.as_mut().unwrap().pcrs = vec![PcrValue {
            index: 17,
            value: vec![7; 65].into(),
        }];
    });
    let error = Bundle::parse(&long.to_json().unwrap(), DEFAULT_LIMIT).unwrap_err();
    assert!(
        error.to_string().contains("a PCR of 65 bytes, at most 64"),
        "{error}"
    );

    let fullest = |say: usize| {
        bundle(|evidence| {
            let tpm = evidence.tpm.as_mut().unwrap();
            tpm.pcrs = (0..24)
                .map(|index| PcrValue {
                    index,
                    value: vec![7; 64].into(),
                })
                .collect();
            tpm.attest = attest(say).into();
            // With it, the evidence looks like a host's, whose PCRs are named.
            tpm.drtm_log = Some(hostile::sha384_log(17, 1).into());
        })
    };
    let document = fullest(66).to_json().unwrap();
    let appraisal = within("full PCRs", document.len(), || {
        appraise_all(&Bundle::parse(&document, DEFAULT_LIMIT).unwrap())
    });
    let named = |check: &&Check| check.id == CheckId::HostPcrs;
    let host = appraisal.checks.iter().find(named).unwrap();
    assert!(host.detail.contains(&"07".repeat(64)), "{}", host.detail);
    for check in &appraisal.checks {
        assert!(
            check.detail.len() < 1_000,
            "{}: {}",
            check.id.name(),
            check.detail
        );
    }
    let error = try_appraise(&fullest(67)).unwrap_err();
    assert!(error.to_string().contains("extraData"), "{error}");
}

/// A quote of nothing that says `say` bytes.
fn attest(say: usize) -> Vec<u8> {
    let mut quote = b"\xffTCG\x80\x18\0\0".to_vec();
    quote.extend(u16::try_from(say).unwrap().to_be_bytes());
    quote.extend(vec![7; say]);
    // Clock and firmware's version, no selection, no digest.
    quote.extend([0; 17 + 8 + 4 + 2]);
    quote
}

fn appraised(name: &str, change: impl FnOnce(&mut Evidence)) {
    let bundle = bundle(change);
    within(name, bundle.to_json().unwrap().len(), || appraise_all(&bundle));
}

fn appraise_all(bundle: &Bundle) -> Appraisal {
    try_appraise(bundle).unwrap()
}

fn try_appraise(bundle: &Bundle) -> Result<Appraisal, Error> {
    let hash = "5e".repeat(32);
    let endorsements = json!({
        "version": 1,
        "anchor": {"chainId": 1, "registry": format!("0x{}", "5e".repeat(20)), "number": 1, "hash": format!("0x{hash}"), "timestamp": 1},
    });
    let endorsements = Endorsements::parse(&canonical_json(&endorsements).unwrap()).unwrap();
    let policy = Policy::from_toml("version = 1\nname = \"test\"").unwrap();
    appraise(bundle, &endorsements, &policy, 100)
}

fn further(kind: FurtherLogKind, log: Vec<u8>) -> FurtherLog {
    FurtherLog {
        kind,
        data: log.into(),
    }
}

fn set_ccel(evidence: &mut Evidence, log: Vec<u8>) {
    let Tee::Tdx { ccel, .. } = &mut evidence.tee;
    *ccel = Some(log.into());
}

/// Evidence of which every part can be read, and nothing is true; then `change`d.
fn bundle(change: impl FnOnce(&mut Evidence)) -> Bundle {
    let mut evidence: Evidence = serde_json::from_value(json!({
        "version": 1,
        "operator": format!("0x{}", "aa".repeat(20)),
        "disclosure": "public",
        "anchor": {"chainId": 1, "registry": format!("0x{}", "22".repeat(20)), "blockNumber": 1, "blockHash": format!("0x{}", "33".repeat(32))},
        "tee": {"kind": "tdx", "quote": ""},
        "tpm": {"akPublic": "", "attest": "", "signature": "", "pcrs": [], "eventLog": ""},
    }))
    .unwrap();
    evidence.tee = Tee::Tdx {
        quote: quote().into(),
        ccel: Some(hostile::sha384_log(1, 1).into()),
        hcl_report: None,
    };
    let number = [&[0, 32][..], &[1; 32]].concat();
    let tpm = evidence.tpm.as_mut().unwrap();
    let area = hex::decode("0023000b00050072000000100018000b00030010").unwrap();
    tpm.ak_public = [&area[..], &number, &number].concat().into();
    tpm.attest = b"\xffTCG\x80\x14".to_vec().into();
    tpm.signature = [&[0, 0x18, 0, 0x0b][..], &number, &number].concat().into();
    tpm.event_log = Some(hostile::sha384_log(8, 1).into());
    change(&mut evidence);
    Bundle::unsigned(evidence).unwrap()
}

/// The smallest quote of format 4.
fn quote() -> Vec<u8> {
    let mut quote = vec![4, 0, 2, 0, 0x81, 0, 0, 0];
    quote.resize(48 + 584, 0);
    quote.extend(590u32.to_le_bytes());
    quote.resize(quote.len() + 128, 0);
    quote.extend([6, 0]);
    quote.extend(456u32.to_le_bytes());
    quote.resize(quote.len() + 456, 0);
    quote
}
