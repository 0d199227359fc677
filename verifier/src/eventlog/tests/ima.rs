//! The kernel's list.

use proptest::prelude::*;

use super::{
    super::{Digest, ImaLog, MAX_EVENTS},
    *,
};
use crate::{
    cross_check::{Class, ima_measured},
    sha256,
};

fn sized(field: &[u8]) -> Vec<u8> {
    [&u32::try_from(field.len()).unwrap().to_le_bytes(), field].concat()
}

fn record(pcr: u32, sha1: u8, template: &[u8], data: &[u8]) -> Vec<u8> {
    [
        &pcr.to_le_bytes()[..],
        &[sha1; 20],
        &sized(template),
        &sized(data),
    ]
    .concat()
}

fn ima_ng(digest: &[u8], name: &[u8]) -> Vec<u8> {
    [sized(digest), sized(name)].concat()
}

fn boot() -> Vec<u8> {
    let mut log = Encoder::agile(&SHA256_AND_384);
    log.event(0, 8, &[1; 64], b"version");
    log.event(9, IPL, &[2; 64], b"initrd");
    log.bytes
}

/// The hash the kernel writes into its first record on this machine.
fn aggregate(boot: &TcgLog<'_>) -> Vec<u8> {
    let registers = boot.replay(Algorithm::Sha256).unwrap();
    let pcrs: Vec<u8> = registers.values()[..10]
        .iter()
        .flat_map(|value| value.as_slice().to_vec())
        .collect();
    [&b"sha256:\0"[..], sha256(&pcrs).as_slice()].concat()
}

#[test]
fn each_bank_gets_its_own_hash_and_a_violation_gets_ones() {
    let data = ima_ng(b"sha256:\0digest", b"/bin/true\0");
    let list = [record(10, 1, b"ima-ng", &data), record(10, 0, b"ima-ng", &data)].concat();
    let ima = ImaLog::parse(&list).unwrap();
    let [file, violation] = ima.records() else {
        panic!()
    };
    assert_eq!(file.describe(), "file /bin/true");
    assert_eq!(violation.describe(), "violation: /bin/true");
    assert_eq!(
        file.digest(Algorithm::Sha256).as_ref().map(Digest::as_slice),
        Some(sha256(&data).as_slice())
    );
    assert_eq!(
        violation.digest(Algorithm::Sha384).unwrap().to_array(),
        Some([0xff; 48])
    );
    assert_eq!(violation.end, list.len());

    let boot = boot();
    let mut registers = TcgLog::parse(&boot).unwrap().replay(Algorithm::Sha256).unwrap();
    ima.continue_replay(&mut registers);
    let first = sha256(&[&[0; 32][..], sha256(&data).as_slice()].concat());
    let second = sha256(&[first.as_slice(), &[0xff; 32]].concat());
    assert_eq!(registers.get(10).unwrap().as_slice(), second.as_slice());
}

#[test]
fn an_error_names_the_offset_at_which_its_field_begins() {
    let first = record(10, 1, b"ima-ng", b"");
    for (second, field, at) in [
        (record(24, 1, b"ima-ng", b""), "pcr", 0),
        (record(10, 1, b"ima", b""), "template name", 24),
    ] {
        let error = ImaLog::parse(&[&first[..], &second].concat()).unwrap_err();
        assert_eq!((error.field, error.offset), (field, Some(first.len() + at)));
    }
}

#[test]
fn only_the_aggregate_of_this_boot_in_front_goes_unlisted() {
    let boot = boot();
    let boot = TcgLog::parse(&boot).unwrap();
    let right = ima_ng(&aggregate(&boot), b"boot_aggregate\0");
    let file = ima_ng(b"sha256:\0digest", b"/bin/true\0");
    let unlisted = |records: &[&[u8]]| {
        let list: Vec<u8> = records
            .iter()
            .flat_map(|data| record(10, 1, b"ima-ng", data))
            .collect();
        ima_measured(&ImaLog::parse(&list).unwrap(), &boot)
            .map(|event| event.index)
            .collect::<Vec<_>>()
    };
    assert_eq!(unlisted(&[&right]), Vec::<usize>::new());
    assert_eq!(unlisted(&[&right, &file]), [1]);
    assert_eq!(unlisted(&[&[&right[..], &[0; 4]].concat(), &file]), [1]);
    assert_eq!(unlisted(&[&file, &right]), [0, 1]);
    assert_eq!(unlisted(&[&right, &right]), [1]);
    let mut other = right.clone();
    other[20] ^= 1;
    assert_eq!(unlisted(&[&other]), [0]);
    assert_eq!(unlisted(&[&[&right[..], b"\x01\0\0\0x"].concat()]), [0]);
    assert_eq!(unlisted(&[&ima_ng(&aggregate(&boot), b"/bin/false\0")]), [0]);
    assert_eq!(unlisted(&[]), Vec::<usize>::new());
}

/// What goes into the register of a violation is not the aggregate, and the kernel writes it into PCR 10 alone.
#[test]
fn an_aggregate_that_is_a_violation_or_in_another_pcr_is_none() {
    let boot = boot();
    let boot = TcgLog::parse(&boot).unwrap();
    let right = ima_ng(&aggregate(&boot), b"boot_aggregate\0");
    for (pcr, sha1, left) in [
        (10, 1, 0),
        (11, 1, 1),
        (8, 1, 1),
        (10, 0, 1),
        (7, 1, 1),
        (0, 1, 1),
    ] {
        let list = record(pcr, sha1, b"ima-ng", &right);
        let found = ima_measured(&ImaLog::parse(&list).unwrap(), &boot).count();
        assert_eq!(found, left, "PCR {pcr}, template digest {sha1}");
    }
}

/// No policy can list what only firmware may measure.
#[test]
fn a_record_in_firmwares_pcr_is_of_another_class() {
    let boot = boot();
    let boot = TcgLog::parse(&boot).unwrap();
    for pcr in 0..8 {
        let list = record(pcr, 1, b"ima-ng", &ima_ng(b"d", b"n"));
        let measured = ima_measured(&ImaLog::parse(&list).unwrap(), &boot).next();
        assert_ne!(measured.unwrap().class, Class::Rtmr2, "PCR {pcr}");
    }
}

#[test]
fn a_violation_is_listed_by_no_reasonable_policy_but_is_seen() {
    let list = record(11, 0, b"ima-ng", &ima_ng(b"d", b"n"));
    let boot = boot();
    let (list, boot) = (ImaLog::parse(&list).unwrap(), TcgLog::parse(&boot).unwrap());
    let measured = ima_measured(&list, &boot).next().unwrap();
    assert_eq!((measured.class, measured.digest), (Class::Rtmr2, [0xff; 48]));
    assert_eq!(measured.what.to_string(), "PCR 11: violation: n");
}

#[test]
fn lists_that_cannot_be_read_fail() {
    let one = record(10, 1, b"ima-ng", b"data");
    for len in 1..one.len() {
        assert!(ImaLog::parse(&one[..len]).is_err(), "cut at {len}");
    }
    let refusal = |bytes: &[u8]| ImaLog::parse(bytes).unwrap_err().to_string();
    assert!(refusal(&record(24, 1, b"ima-ng", b"data")).contains("24 does not exist"));
    assert!(refusal(&record(10, 1, b"ima", b"data")).contains("`ima` is not supported"));
    assert!(refusal(&[&one[..], b"\0"].concat()).contains("4 bytes announced"));
    assert!(refusal(&one.repeat(MAX_EVENTS + 1)).contains("more than 16384"));
    let mut huge = one.clone();
    huge[24..28].fill(0xff);
    assert!(refusal(&huge).contains("announced"));
}

proptest! {
    #[test]
    fn no_list_makes_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), name in ".{0,20}") {
        let list = record(10, 1, name.as_bytes(), &bytes);
        for bytes in [&bytes, &list] {
            if let Ok(ima) = ImaLog::parse(bytes) {
                ima.records().iter().for_each(|record| drop(record.describe()));
            }
        }
    }
}
