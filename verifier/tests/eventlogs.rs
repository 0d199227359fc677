//! Event logs of real machines: they parse, and replay to what was quoted.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod common;

use chassis_verifier::{
    cross_check::ima_measured,
    eventlog::{Algorithm, Ccel, ImaLog, Registers, TcgLog},
    sha256,
};
use common::fixture;

/// TCG2 logs of two Google TDX vTPMs: Ubuntu with GRUB, and a unified kernel image.
const GOOGLE_TDX: [&str; 2] = ["openpcc/test_tcg_event_log.pem.der", "dstack/tpm_eventlog.bin"];

#[test]
fn google_tdx_vtpm_logs_give_every_register_of_every_bank() {
    for name in GOOGLE_TDX {
        let Some(bytes) = fixture(name) else { return };
        let log = TcgLog::parse(&bytes).unwrap();
        let banks = log.banks();
        let algorithms: Vec<_> = banks.iter().map(Registers::algorithm).collect();
        assert_eq!(
            algorithms,
            [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha384]
        );
        for bank in &banks {
            let len = bank.algorithm().digest_len();
            assert_eq!(bank.values().len(), 24);
            assert!((0..=7).all(|pcr| bank.had_events(pcr)));
            assert!(!bank.had_events(10) && bank.get(10).unwrap().as_slice() == vec![0; len]);
            assert!(!bank.had_events(17) && bank.get(17).unwrap().as_slice() == vec![0xff; len]);
            // Both machines run one firmware version under one technology, and start nothing but separators in PCR 3 and 6.
            assert_eq!(bank.get(3), bank.get(6));
        }
        assert_eq!(log.content_len(), bytes.len());
    }
}

#[test]
fn pcr_0_of_both_google_tdx_machines_is_one_value() {
    let mut values = Vec::new();
    for name in GOOGLE_TDX {
        let Some(bytes) = fixture(name) else { return };
        values.push(TcgLog::parse(&bytes).unwrap().sha384().unwrap()[0]);
    }
    assert_eq!(values[0], values[1]);
}

#[test]
fn the_cos_113_ccel_replays_to_the_quote_of_its_machine() {
    let Some(bytes) = fixture("go-tdx-guest/ccel_data.dat") else {
        return;
    };
    let quote = fixture("go-tdx-guest/cos-113-tdx-quote.dat").unwrap();
    let quote = dcap_qvl::quote::Quote::parse(&quote).unwrap();
    let report = quote.report.as_td10().unwrap();
    let ccel = Ccel::parse(&bytes).unwrap();
    let quoted = [report.rt_mr0, report.rt_mr1, report.rt_mr2, report.rt_mr3];
    assert_eq!(ccel.rtmrs(), quoted);
    assert_eq!(ccel.rtmrs()[3], [0; 48]);
    assert_eq!((ccel.events().len(), ccel.content_len()), (43, 18_101));
}

#[test]
fn a_ccel_without_its_padding_is_the_same_log() {
    for name in ["go-tdx-guest/ccel_data.dat", "dstack/ccel.bin"] {
        let Some(bytes) = fixture(name) else { return };
        let padded = Ccel::parse(&bytes).unwrap();
        let stripped = Ccel::parse(&bytes[..padded.content_len()]).unwrap();
        assert_eq!(padded.rtmrs(), stripped.rtmrs());
        assert_eq!(padded.events().len(), stripped.events().len());
        let mut garbage = bytes.clone();
        *garbage.last_mut().unwrap() = 1;
        Ccel::parse(&garbage).unwrap_err();
    }
}

#[test]
fn the_cos_85_log_replays_to_its_quoted_pcrs_except_what_ima_extended() {
    let Some(bytes) = fixture("go-tpm-tools/gce-cos-85-nonce9009.pb.eventlog.bin") else {
        return;
    };
    let log = TcgLog::parse(&bytes).unwrap();
    for algorithm in [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha384] {
        let name = format!("go-tpm-tools/gce-cos-85-nonce9009.pb.{algorithm}.pcrs.txt");
        let pcrs = String::from_utf8(fixture(&name).unwrap()).unwrap();
        let replayed = log.replay(algorithm).unwrap();
        let mut unexplained = Vec::new();
        for line in pcrs.lines() {
            let (pcr, value) = line.split_once(' ').unwrap();
            let pcr: usize = pcr.parse().unwrap();
            if replayed.get(pcr).unwrap().to_string() != value {
                unexplained.push(pcr);
            }
        }
        assert_eq!(pcrs.lines().count(), 24);
        assert_eq!(unexplained, [10], "{algorithm}");
        assert!(!replayed.had_events(10));
    }
}

/// COS-85's kernel measured nothing but its `boot_aggregate`, so that its IMA list can be written from its boot log. It is a
/// kernel before 5.8, which extends a padded SHA-1 into the larger banks: only the SHA-1 bank replays, as `ImaLog` says.
#[test]
fn the_cos_85_boot_aggregate_explains_its_pcr_10() {
    let Some(bytes) = fixture("go-tpm-tools/gce-cos-85-nonce9009.pb.eventlog.bin") else {
        return;
    };
    let boot = TcgLog::parse(&bytes).unwrap();
    let pcrs: Vec<u8> = boot.replay(Algorithm::Sha256).unwrap().values()[..10]
        .iter()
        .flat_map(|value| value.as_slice().to_vec())
        .collect();
    let hash = [&b"sha256:\0"[..], sha256(&pcrs).as_slice()].concat();
    let mut list = [&10u32.to_le_bytes()[..], &[1; 20]].concat();
    let sized = |field: &[u8]| [&u32::try_from(field.len()).unwrap().to_le_bytes(), field].concat();
    list.extend(sized(b"ima-ng"));
    list.extend(sized(&[sized(&hash), sized(b"boot_aggregate\0")].concat()));

    let ima = ImaLog::parse(&list).unwrap();
    assert!(ima.begins_with_aggregate_of(&boot));
    assert_eq!(ima_measured(&ima, &boot).next(), None);
    let quoted = |bank: Algorithm| {
        let name = format!("go-tpm-tools/gce-cos-85-nonce9009.pb.{bank}.pcrs.txt");
        let pcrs = String::from_utf8(fixture(&name).unwrap()).unwrap();
        let line = pcrs.lines().find(|line| line.starts_with("10 ")).unwrap();
        line[3..].to_owned()
    };
    for (bank, explained) in [(Algorithm::Sha1, true), (Algorithm::Sha384, false)] {
        let mut registers = boot.replay(bank).unwrap();
        ima.continue_replay(&mut registers);
        assert_eq!(registers.get(10).unwrap().to_string() == quoted(bank), explained);
    }
}

#[test]
fn logs_of_seven_machines_parse() {
    let machines = [
        ("arch-linux-workstation", 24, 2),
        ("confidential-gke-debug-251000_eventlog", 54, 3),
        ("cos-101-amd-sev", 48, 3),
        ("debian-10", 25, 1),
        ("rhel8-uefi", 82, 3),
        ("ubuntu-2104-no-secure-boot", 105, 3),
        ("ubuntu-2404-amd-sevsnp", 116, 3),
    ];
    for (name, events, banks) in machines {
        let Some(bytes) = fixture(&format!("go-tpm-tools/eventlogs/{name}.bin")) else {
            return;
        };
        let log = TcgLog::parse(&bytes).unwrap();
        assert_eq!((log.events().len(), log.banks().len()), (events, banks), "{name}");
        serde_json::to_string(&log.view()).unwrap();
    }
}
