//! What stands around the variable data.

use proptest::prelude::*;

use super::*;

/// Each field, the offset it stands at, and values that are not Azure's.
const FIELDS: &[(&str, usize, &[u32])] = &[
    ("signature", 0, &[0, 0x414c_4342, u32::MAX]),
    ("version", 4, &[0, 1, 3, u32::MAX]),
    ("report size", 8, &[0, 1236, 1 << 31, u32::MAX]),
    ("request type", 12, &[0, 1, 3]),
    ("status", 16, &[1, u32::MAX]),
    ("reserved", 20, &[1]),
    ("data size", 1216, &[0, 20, 1 << 31, u32::MAX]),
    ("request version", 1220, &[0, 2, 3]),
    ("report type", 1224, &[0, 1, 2, 3, 5]),
    ("report data hash type", 1228, &[0, 2, 3]),
];

#[test]
fn every_field_holds_what_azure_writes() {
    let good = Sample::new().bytes();
    HclReport::parse(&good).unwrap();
    for (field, at, values) in FIELDS {
        for value in *values {
            let mut bytes = good.clone();
            bytes[*at..at + 4].copy_from_slice(&value.to_le_bytes());
            let error = HclReport::parse(&bytes).unwrap_err();
            assert_eq!(
                (error.what, error.field, error.offset),
                ("HCL report", *field, Some(*at))
            );
        }
    }
    for (field, offset, zeros) in [
        ("reserved", 20, 20..32),
        ("hardware report padding", 1056, 1056..1216),
        ("padding", good.len() - 168, good.len() - 168..good.len()),
    ] {
        for at in zeros {
            let mut bytes = good.clone();
            bytes[at] = 1;
            let error = HclReport::parse(&bytes).unwrap_err();
            assert_eq!((error.field, error.offset), (field, Some(offset)), "byte {at}");
        }
    }
}

#[test]
fn another_cpus_report_is_refused() {
    let mut sample = Sample::new();
    for kind in [0x00, 0x02, 0x80, 0xff] {
        sample.td_report[0] = kind;
        let bytes = sample.bytes();
        let error = HclReport::parse(&bytes).unwrap_err();
        assert_eq!((error.field, error.offset), ("REPORTTYPE", Some(32)), "{kind:#x}");
    }
}

#[test]
fn all_sizes_agree_to_the_byte() {
    let good = Sample::new().bytes();
    for (field, at) in [("report size", 8), ("data size", 1216)] {
        for step in [1u32, u32::MAX] {
            let mut bytes = good.clone();
            add(&mut bytes, at, step);
            assert_eq!(HclReport::parse(&bytes).unwrap_err().field, field);
        }
    }
    for step in [1u32, u32::MAX] {
        let mut bytes = good.clone();
        add(&mut bytes, 1232, step);
        assert_eq!(HclReport::parse(&bytes).unwrap_err().field, "data size");
    }
    for size in [1 << 31, u32::MAX] {
        let mut bytes = good.clone();
        bytes[1232..1236].copy_from_slice(&size.to_le_bytes());
        let error = HclReport::parse(&bytes).unwrap_err();
        assert_eq!((error.field, error.offset), ("variable data", Some(1236)));
        assert!(error.problem.contains("announced"), "{error}");
    }
}

/// A byte of the document moved out of it, all sizes following: what is hashed must be the whole document.
#[test]
fn the_variable_data_is_exactly_one_document() {
    for step in [1u32, u32::MAX] {
        let mut bytes = Sample::new().bytes();
        for at in [8, 1216, 1232] {
            add(&mut bytes, at, step);
        }
        HclReport::parse(&bytes).unwrap_err();
    }
    for json in [
        String::new(),
        Sample::new().json + "x",
        Sample::new().json.repeat(2),
    ] {
        let bytes = Sample::of(json).bytes();
        assert_eq!(HclReport::parse(&bytes).unwrap_err().field, "variable data");
    }
}

#[test]
fn a_report_cut_anywhere_but_in_its_padding_fails() {
    let sample = Sample::new();
    let bytes = sample.bytes();
    let content = bytes.len() - sample.padding;
    for len in 0..=bytes.len() {
        let parsed = HclReport::parse(&bytes[..len]);
        assert_eq!(parsed.is_ok(), len >= content, "cut at {len}");
    }
    let cut = HclReport::parse(&bytes[..content - 1]).unwrap_err();
    assert_eq!((cut.field, cut.offset), ("variable data", Some(1236)));
}

#[test]
fn a_report_beyond_the_limit_is_not_read() {
    let mut sample = Sample::new();
    sample.padding += REPORT_LIMIT - sample.bytes().len();
    HclReport::parse(&sample.bytes()).unwrap();
    sample.padding += 1;
    let error = HclReport::parse(&sample.bytes()).unwrap_err();
    assert_eq!((error.field, error.offset), ("size", Some(0)));
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..3000)) {
        let _ = HclReport::parse(&bytes);
        let _ = HclReport::parse(&[b"HCLA\x02\0\0\0", &bytes[..]].concat());
    }

    /// Changed anywhere, a report that still parses is not bound to the quote, or says the same.
    #[test]
    fn what_the_quote_binds_does_not_change(at in 0usize..2600, byte: u8) {
        let good = Sample::new().bytes();
        let report = HclReport::parse(&good).unwrap();
        let mut report_data = [0; 64];
        report_data[..32].copy_from_slice(sha256(report.variable_bytes()).as_slice());
        let mut bytes = good.clone();
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(changed) = HclReport::parse(&bytes) {
            let same = changed.variable_bytes() == report.variable_bytes();
            prop_assert_eq!(changed.check_binding(&report_data).is_ok(), same);
            prop_assert!(!same || changed.variable_data() == report.variable_data());
        }
    }
}

fn add(bytes: &mut [u8], at: usize, step: u32) {
    let old = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    bytes[at..at + 4].copy_from_slice(&old.wrapping_add(step).to_le_bytes());
}
