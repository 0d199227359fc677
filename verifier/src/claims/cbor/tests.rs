//! Encodings that mean too much, or several things.

use proptest::prelude::*;

use super::*;
use crate::claims::testing::{announcing_too_much, bytes};

#[test]
fn what_is_announced_must_be_there() {
    for bytes in announcing_too_much() {
        let error = decode("X", &bytes).unwrap_err();
        assert!(
            error.problem.contains("announced"),
            "{} {error}",
            hex::encode(&bytes)
        );
        assert!(error.offset.is_some_and(|offset| offset <= 9), "{error}");
        // Inside of something else, too.
        for outside in [&[0x81][..], &[0xc6], &[0xa1, 0x01], &[0x82, 0x01]] {
            decode("X", &[outside, &bytes].concat()).unwrap_err();
        }
    }
    for cut in [
        "", "18", "19ff", "1a", "42aa", "62", "8201", "a101", "a1", "c1", "d8",
    ] {
        decode("X", &hex::decode(cut).unwrap()).unwrap_err();
    }
}

#[test]
fn an_offset_that_is_not_known_is_not_told() {
    let outer = decode("X", &[0x01, 0x18]).unwrap_err();
    assert!(outer.to_string().starts_with("X: CBOR at offset "), "{outer}");
    let inner = Item::decode("X", "payload", &[0x01, 0x18]).err().unwrap();
    assert!(inner.to_string().starts_with("X: CBOR: "), "{inner}");
    let twice = decode("X", &[0xa2, 0x01, 0x01, 0x01, 0x01]).unwrap_err();
    assert!(twice.to_string().starts_with("X: key: "), "{twice}");
}

#[test]
fn deep_nesting_is_refused_before_it_is_followed() {
    for (open, close) in [
        (&[0x81][..], &[0x00][..]),
        (&[0xa1, 0x01], &[0x00]),
        (&[0xc6], &[0x00]),
    ] {
        let nested = |depth: usize| [open.repeat(depth), close.to_vec()].concat();
        decode("X", &nested(NESTING_LIMIT)).unwrap();
        for depth in [NESTING_LIMIT + 1, 100, 10_000] {
            decode("X", &nested(depth)).unwrap_err();
        }
        let error = decode("X", &nested(NESTING_LIMIT + 1)).unwrap_err();
        assert_eq!(error.problem, "nested deeper than 16");
    }
}

#[test]
fn many_small_items_are_refused() {
    let array = |count: u16| {
        let values = vec![Value::from(0); usize::from(count)];
        bytes(&Value::Array(values))
    };
    decode("X", &array(255)).unwrap();
    for count in [256, 257, 20_000] {
        assert_eq!(
            decode("X", &array(count)).unwrap_err().problem,
            "more than 256 items"
        );
    }
}

#[test]
fn a_second_spelling_is_refused() {
    let spellings = [
        ("1700", "trailing"),
        ("1817", "shortest"),
        ("190017", "shortest"),
        ("1900ff", "shortest"),
        ("1a0000ffff", "shortest"),
        ("1b00000000ffffffff", "shortest"),
        ("3817", "shortest"),
        ("5801aa", "shortest"),
        ("780161", "shortest"),
        ("980100", "shortest"),
        ("b8010000", "shortest"),
        ("d81200", "shortest"),
        ("5f41aaff", "indefinite"),
        ("7f6161ff", "indefinite"),
        ("9f00ff", "indefinite"),
        ("bf0000ff", "indefinite"),
        ("ff", "indefinite"),
        ("c24101", "big number"),
        ("c34101", "big number"),
        ("f7", "neither"),
        ("e0", "neither"),
        ("f820", "neither"),
        ("f90000", "neither"),
        ("fa00000000", "neither"),
        ("fb0000000000000000", "neither"),
        ("fc", "reserved"),
        ("1c", "reserved"),
        ("5d", "reserved"),
        ("a201000100", "twice"),
        ("a2616100616100", "twice"),
        ("81a201000100", "twice"),
        ("c6a201000100", "twice"),
        ("a100a201000100", "twice"),
        ("a1410100", "neither an integer nor text"),
        ("a1f500", "neither an integer nor text"),
        ("a18000", "neither an integer nor text"),
        ("62c328", "no CBOR"),
    ];
    for (hex, problem) in spellings {
        let error = decode("X", &hex::decode(hex).unwrap()).unwrap_err();
        assert!(error.problem.contains(problem), "{hex}: {error}");
    }
}

#[test]
fn every_field_is_asked_for_by_kind() {
    let item = |value: Value| Item::new("X", "field", value);
    assert_eq!(item(Value::from(7)).unsigned(), Ok(7));
    assert!(item(Value::from(-1)).unsigned().is_err());
    assert!(item(Value::from("7")).unsigned().is_err());
    assert!(item(Value::from("a")).bytes().is_err());
    assert!(item(Value::Bytes(vec![1])).text().is_err());
    assert_eq!(item(Value::Bytes(vec![1, 2])).sized(), Ok([1, 2]));
    assert!(item(Value::Bytes(vec![1, 2])).sized::<3>().is_err());
    assert!(item(Value::Tag(7, Box::new(Value::Null))).tagged(8).is_err());
    assert!(item(Value::Null).tagged(7).is_err());
    assert!(item(Value::Null).map().is_err());
    assert!(item(Value::Null).array::<1>().is_err());
    for count in [0, 1, 3] {
        let array = item(Value::Array(vec![Value::Null; count]));
        assert!(array.array::<2>().is_err(), "{count}");
    }
    let mut map = item(Value::Map(vec![
        (Value::from(1), Value::Null),
        (Value::from("a"), Value::Null),
    ]))
    .map()
    .unwrap();
    assert!(map.need(2, "two").is_err());
    assert!(map.need(1, "one").is_ok());
    assert!(map.need(1, "one").is_err());
    assert!(map.finish().is_err());
}

/// `ciborium` reads long texts by pieces of 4096 bytes; a character may lie across.
#[test]
fn a_long_text_is_read_whole() {
    for before in 4_090..4_100 {
        let value = Value::Text("x".repeat(before) + &"é€😀".repeat(3));
        assert_eq!(decode("X", &bytes(&value)), Ok(value));
    }
}

proptest! {
    #[test]
    fn what_decodes_has_no_second_encoding(input in proptest::collection::vec(any::<u8>(), 0..24)) {
        if let Ok(value) = decode("X", &input) {
            prop_assert_eq!(encode("X", &value).unwrap(), input);
        }
    }

    #[test]
    fn every_plain_value_is_read_as_it_was_written(value in plain_value()) {
        prop_assert_eq!(decode("X", &bytes(&value)), Ok(value));
    }
}

fn plain_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::Bool),
        Just(Value::Null),
        ".{0,40}".prop_map(Value::Text),
        proptest::collection::vec(any::<u8>(), 0..300).prop_map(Value::Bytes),
    ];
    leaf.prop_recursive(6, 60, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            (4..1_000_u64, inner.clone()).prop_map(|(tag, value)| Value::Tag(tag, Box::new(value))),
            proptest::collection::btree_map(any::<i32>(), inner, 0..4).prop_map(|map| {
                Value::Map(
                    map.into_iter()
                        .map(|(key, value)| (Value::from(key), value))
                        .collect(),
                )
            }),
        ]
    })
}
