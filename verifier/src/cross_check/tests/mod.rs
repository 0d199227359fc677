//! Hand-made pairs of logs.

mod learn;
mod properties;

use super::*;
use crate::{
    HexBytes,
    eventlog::{Algorithm, Ccel, TcgLog, encode::Encoder},
};

fn record(class: Class, digest: u8) -> Measured<'static> {
    Measured {
        class,
        digest: [digest; 48],
        index: 0,
        what: What::Words("by hand"),
    }
}

/// Records of RTMR1 with these digests; 0 stands for a separator.
fn rtmr1(digests: &[u8]) -> Vec<Measured<'static>> {
    let mut records: Vec<_> = digests
        .iter()
        .map(|digest| record(Class::Rtmr1, *digest))
        .collect();
    for (index, record) in records.iter_mut().enumerate() {
        record.index = index;
        if record.digest == [0; 48] {
            record.digest = SEPARATOR;
        }
    }
    records
}

/// `a` and `b` may be in the TPM's log alone, `y` and `z` in the CCEL alone.
fn exceptions() -> Exceptions {
    Exceptions {
        tpm_only: [[b'a'; 48], [b'b'; 48]].into(),
        td_only: [[b'y'; 48], [b'z'; 48]].into(),
        ..Exceptions::default()
    }
}

fn compare(tpm: &[u8], td: &[u8]) -> Result<Matched, Box<Mismatch>> {
    let [_, (_, result), _] = cross_check(&rtmr1(tpm), &rtmr1(td), &exceptions()).classes;
    result
}

fn reason(tpm: &[u8], td: &[u8]) -> Reason {
    compare(tpm, td).unwrap_err().reason
}

fn matched(pairs: usize, tpm_only: usize, td_only: usize) -> Matched {
    Matched {
        pairs,
        tpm_only,
        td_only,
    }
}

#[test]
fn the_separator_is_the_hash_of_four_zero_bytes() {
    assert_eq!(
        ring::digest::digest(&ring::digest::SHA384, &[0; 4]).as_ref(),
        SEPARATOR
    );
}

#[test]
fn equal_sequences_pair_and_everything_else_is_refused() {
    assert_eq!(compare(&[1, 2, 2, 3], &[1, 2, 2, 3]), Ok(matched(4, 0, 0)));
    assert_eq!(compare(&[], &[]), Ok(matched(0, 0, 0)));
    assert_eq!(reason(&[1, 2], &[1, 3]), Reason::Differ);
    assert_eq!(reason(&[1, 2], &[2, 1]), Reason::Differ);
    assert_eq!(reason(&[1, 2], &[1]), Reason::OnlyTpm);
    assert_eq!(reason(&[1], &[1, 2]), Reason::OnlyTd);
    assert_eq!(reason(&[1, 1], &[1]), Reason::OnlyTpm);
    assert_eq!(reason(&[], &[1]), Reason::OnlyTd);
}

#[test]
fn separators_need_no_twin() {
    assert_eq!(compare(&[0, 0, 1, 0, 2, 0], &[1, 2]), Ok(matched(2, 4, 0)));
    assert_eq!(compare(&[1, 2], &[0, 1, 0, 2, 0]), Ok(matched(2, 0, 3)));
    assert_eq!(compare(&[1, 0, 0, 2], &[1, 0, 2]), Ok(matched(3, 1, 0)));
    // Between them nothing else gets through.
    assert_eq!(reason(&[0, 5, 0], &[0, 0]), Reason::OnlyTpm);
}

#[test]
fn listed_digests_pass_on_their_side_only() {
    assert_eq!(compare(b"1a2b", b"1y2z"), Ok(matched(2, 2, 2)));
    assert_eq!(reason(b"12", b"1a2"), Reason::Differ);
    assert_eq!(reason(b"1y2", b"12"), Reason::Differ);
    assert_eq!(reason(b"1", b"1a"), Reason::OnlyTd);
    assert_eq!(reason(b"1y", b"1"), Reason::OnlyTpm);
}

#[test]
fn a_listed_digest_in_both_logs_pairs_and_its_repetition_is_passed_over() {
    // GRUB measures the initrd to both sides, the EFI stub once more to the TPM.
    assert_eq!(compare(b"1a2a", b"1a2"), Ok(matched(3, 1, 0)));
    assert_eq!(compare(b"1a2a", b"12a"), Ok(matched(3, 1, 0)));
    // It excuses no other record, and no order of others.
    assert_eq!(reason(b"1a2", b"a12"), Reason::Differ);
    assert_eq!(reason(b"a12", b"1a2"), Reason::Differ);
    assert_eq!(reason(b"21a", b"1a2"), Reason::Differ);
}

#[test]
fn what_only_a_search_would_pair_is_refused() {
    // `a` is passed over on the left before `y` is on the right.
    assert_eq!(reason(b"a", b"ya"), Reason::OnlyTd);
    assert_eq!(compare(b"ya", b"a").unwrap_err().reason, Reason::Differ);
}

#[test]
fn rtmr0_begins_with_what_the_firmware_is_told() {
    let row = |digests: &[u8]| -> Vec<Measured<'static>> {
        digests
            .iter()
            .map(|digest| record(Class::Rtmr0, *digest))
            .collect()
    };
    let exceptions = Exceptions {
        td_hob: Some(Accept::Any),
        cfv: Some(Accept::OneOf(vec![HexBytes([b'c'; 48])])),
        ..Exceptions::default()
    };
    let reason = |tpm: &[u8], td: &[u8], exceptions: &Exceptions| {
        cross_check(&row(tpm), &row(td), exceptions)
            .mismatch()
            .map(|mismatch| mismatch.reason)
    };
    assert_eq!(reason(b"12", b"hc12", &exceptions), None);
    assert_eq!(reason(b"12", b"xc12", &exceptions), None);
    assert_eq!(reason(b"12", b"hx12", &exceptions), Some(Reason::Cfv));
    assert_eq!(reason(b"12", b"c12", &exceptions), Some(Reason::Cfv));
    assert_eq!(reason(b"12", b"h", &exceptions), Some(Reason::Cfv));
    assert_eq!(reason(b"", b"", &exceptions), Some(Reason::TdHob));
    assert_eq!(reason(b"12", b"1hc2", &exceptions), Some(Reason::Cfv));
    assert_eq!(reason(b"12", b"hc1c2", &exceptions), Some(Reason::Differ));
    assert_eq!(reason(b"hc12", b"hc12", &exceptions), Some(Reason::Differ));
    let none = Exceptions::default();
    assert_eq!(reason(b"12", b"hc12", &none), Some(Reason::Differ));
    let only_cfv = Exceptions {
        td_hob: None,
        ..exceptions.clone()
    };
    assert_eq!(reason(b"12", b"c12", &only_cfv), None);
    // `any` in both slots lets exactly two records go.
    let any = Exceptions {
        cfv: Some(Accept::Any),
        ..exceptions
    };
    assert_eq!(reason(b"12", b"xy12", &any), None);
    assert_eq!(reason(b"12", b"12", &any), Some(Reason::OnlyTpm));
    assert_eq!(reason(b"12", b"xyz12", &any), Some(Reason::Differ));
}

#[test]
fn the_slots_are_of_rtmr0_alone() {
    let exceptions = Exceptions {
        td_hob: Some(Accept::Any),
        ..Exceptions::default()
    };
    let td = [record(Class::Rtmr0, b'h'), record(Class::Rtmr1, b'h')];
    let result = cross_check(&[], &td, &exceptions);
    assert!(result.classes[0].1.is_ok());
    assert_eq!(result.mismatch().unwrap().class, Class::Rtmr1);
}

#[test]
fn classes_do_not_mix() {
    let tpm = [record(Class::Rtmr0, 1), record(Class::Rtmr1, 2)];
    let td = [record(Class::Rtmr1, 2), record(Class::Rtmr0, 1)];
    assert!(cross_check(&tpm, &td, &Exceptions::default()).passed());
    let td = [record(Class::Rtmr2, 2), record(Class::Rtmr0, 1)];
    let result = cross_check(&tpm, &td, &Exceptions::default());
    let outcomes = result.classes.map(|(_, class)| class.map_err(|m| m.reason).err());
    assert_eq!(outcomes, [None, Some(Reason::OnlyTpm), Some(Reason::OnlyTd)]);
}

#[test]
fn a_mismatch_says_where_and_what() {
    let mut tpm = rtmr1(&[1, 2]);
    tpm[1].what = What::Words("PCR 2: GPT (partition table)");
    let mut td = rtmr1(&[1]);
    let message = |tpm: &[Measured<'_>], td: &[Measured<'_>]| {
        let result = cross_check(tpm, td, &Exceptions::default());
        result.mismatch().unwrap().to_string()
    };
    assert_eq!(
        message(&tpm, &td),
        "RTMR1: only the TPM log has this record and the policy does not list it; \
         TPM log record 1 (PCR 2: GPT (partition table), 0202020202020202…), CCEL has no further record of this class"
    );
    td.push(record(Class::Rtmr1, 3));
    td[1].index = 17;
    assert!(message(&tpm, &td).contains("CCEL record 17 (by hand, 0303"));
}

/// A log of `(register, type, digest)`.
fn encoded(records: &[(u32, u32, u8)]) -> Vec<u8> {
    let mut log = Encoder::agile(&[Algorithm::Sha384]);
    for (register, event_type, digest) in records {
        log.event(*register, *event_type, &[*digest; 48], &[0; 4]);
    }
    log.bytes
}

#[test]
fn a_record_called_separator_or_hand_off_is_none_by_its_name() {
    const SEPARATOR_TYPE: u32 = 4;
    const HAND_OFF: u32 = 0x8000_000b;
    let compare = |tpm: &[u8], td: &[u8]| {
        let tpm = tpm_measured(&TcgLog::parse(tpm).unwrap()).unwrap();
        let td = td_measured(&Ccel::parse(td).unwrap());
        cross_check(&tpm, &td, &exceptions()).passed()
    };
    let both = [(2, 1, 7)];
    assert!(compare(&encoded(&both), &encoded(&both)));
    for name in [SEPARATOR_TYPE, HAND_OFF] {
        let more = [(2, 1, 7), (2, name, 8)];
        assert!(!compare(&encoded(&more), &encoded(&both)));
        assert!(!compare(&encoded(&both), &encoded(&more)));
        assert!(!compare(&encoded(&both), &encoded(&[(1, name, 8), (2, 1, 7)])));
    }
}

#[test]
fn records_that_extended_nothing_or_no_compared_register_take_no_part() {
    let tpm = encoded(&[
        (7, 3, 1),
        (0, 1, 2),
        (16, 1, 3),
        (23, 1, 4),
        (14, 1, 5),
        (1, 1, 6),
    ]);
    let tpm = tpm_measured(&TcgLog::parse(&tpm).unwrap()).unwrap();
    let seen: Vec<_> = tpm
        .iter()
        .map(|event| (event.class, event.digest[0], event.index))
        .collect();
    assert_eq!(seen, [(Class::Rtmr2, 5, 4), (Class::Rtmr0, 6, 5)]);
    let td = encoded(&[(1, 3, 1), (0, 1, 2), (4, 1, 3), (3, 1, 5), (1, 1, 6)]);
    let td = td_measured(&Ccel::parse(&td).unwrap());
    let seen: Vec<_> = td
        .iter()
        .map(|event| (event.class, event.digest[0], event.index))
        .collect();
    assert_eq!(seen, [(Class::Rtmr2, 5, 3), (Class::Rtmr0, 6, 4)]);
}

#[test]
fn a_log_without_sha384_has_nothing_to_compare() {
    let mut log = Encoder::agile(&[Algorithm::Sha256]);
    log.event(7, 1, &[1; 32], b"x");
    assert_eq!(tpm_measured(&TcgLog::parse(&log.bytes).unwrap()), None);
}

#[test]
fn further_records_must_be_listed_and_above_the_firmwares_pcrs() {
    let exceptions = exceptions();
    let listed = [record(Class::Rtmr2, b'a'), record(Class::Rtmr2, b'b')];
    assert_eq!(first_unlisted(listed, &exceptions), None);
    for wrong in [
        record(Class::Rtmr2, 1),
        record(Class::Rtmr2, b'y'),
        record(Class::Rtmr1, b'a'),
    ] {
        assert_eq!(first_unlisted([listed[0], wrong], &exceptions), Some(wrong));
    }
}

#[test]
fn a_workload_entry_gives_its_exceptions() {
    let hex = |byte: u8| format!("\"{}\"", hex::encode([byte; 48]));
    let any = "\"any\"";
    let workload: Workload = serde_json::from_str(&format!(
        r#"{{"name":"x","mrtd":{any},"rtmr0":{any},"rtmr1":{any},"rtmr2":{any},"mrseam":{any},"xfam":{any},
            "td_attributes":{any},"tpm_only":[{}],"td_only":[{}],"td_hob":{any},"cfv":[{}]}}"#,
        hex(b'a'),
        hex(b'y'),
        hex(b'c'),
    ))
    .unwrap();
    let exceptions = Exceptions::from(&workload);
    assert_eq!(exceptions.tpm_only, [[b'a'; 48]].into());
    assert_eq!(exceptions.td_only, [[b'y'; 48]].into());
    assert_eq!(exceptions.td_hob, Some(Accept::Any));
    assert_eq!(exceptions.cfv, Some(Accept::OneOf(vec![HexBytes([b'c'; 48])])));
}
