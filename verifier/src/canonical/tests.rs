//! The library decides: what is written without it must be what it writes.

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*};
use serde_json::{Map, Number, Value, json};
use serde_json_canonicalizer::to_vec;

use super::*;
use crate::bundle::{Bundle, DEFAULT_LIMIT, Evidence};

fn assert_same<T: Serialize>(value: &T) {
    let expected = to_vec(value).ok();
    let plain = plain::write(value, None);
    if plain.is_some() {
        assert_eq!(plain, expected);
    }
    assert_eq!(canonical_json(value).ok(), expected);
}

/// Objects in any order: `serde_json` keeps it here, as `dcap-qvl` wants.
fn object(entries: Vec<(String, Value)>) -> Value {
    Value::Object(entries.into_iter().collect::<Map<_, _>>())
}

fn nested(leaf: impl Strategy<Value = Value> + 'static, key: &'static str) -> impl Strategy<Value = Value> {
    leaf.prop_recursive(4, 64, 8, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..8).prop_map(Value::from),
            vec((key, inner), 0..8).prop_map(object),
        ]
    })
}

fn plain_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        (0..=1_u64 << 53).prop_map(Value::from),
        // Strings may hold anything; `\PC` are those that print.
        "(?s).{0,8}".prop_map(Value::from),
        "[\x00-\x7f]{0,8}".prop_map(Value::from),
    ];
    nested(leaf, "[ !#-\\[\\]-~]{0,3}")
}

fn any_value() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        any::<u64>().prop_map(Number::from),
        any::<i64>().prop_map(Number::from),
        any::<f64>().prop_filter_map("JSON has no such number", Number::from_f64),
        (-1e3..1e3).prop_filter_map("JSON has no such number", Number::from_f64),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number.prop_map(Value::from),
        "(?s).{0,8}".prop_map(Value::from),
    ];
    // Of surrogates and what follows them, UTF-16 and UTF-8 order differ.
    nested(leaf, "[a\"\\\\\n\x00\u{7f}é\u{e000}\u{ffff}\u{10000}]{0,3}")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn plain_values_need_no_library(value in plain_value()) {
        prop_assert_eq!(plain::write(&value, None), to_vec(&value).ok());
    }

    #[test]
    fn any_value_is_written_as_the_library_writes_it(value in any_value()) {
        assert_same(&value);
    }

    /// `document` is canonical, or nearly so.
    #[test]
    fn the_first_difference_is_the_librarys(value in any_value(), edit in edit()) {
        let document = edit.of(&to_vec(&value).unwrap());
        prop_assert_eq!(first_difference(&value, &document), library_difference(&value, &document));
        // What was meant by the edited document, compared with it.
        if let Ok(value) = serde_json::from_slice::<Value>(&document) {
            prop_assert_eq!(first_difference(&value, &document), library_difference(&value, &document));
        }
    }

    #[test]
    fn a_bundle_is_canonical_where_the_library_says_so(edits in vec(edit(), 1..3)) {
        let document = edits.iter().fold(to_vec(&full()).unwrap(), |document, edit| edit.of(&document));
        if let Ok(evidence) = serde_json::from_slice::<Evidence>(&document) {
            prop_assert_eq!(
                first_difference(&evidence, &document),
                library_difference(&evidence, &document)
            );
        }
    }
}

#[derive(Clone, Debug)]
struct Edit {
    place: prop::sample::Index,
    removed: usize,
    inserted: &'static str,
}

impl Edit {
    fn of(&self, document: &[u8]) -> Vec<u8> {
        let at = self.place.index(document.len() + 1);
        let end = document.len().min(at + self.removed);
        [&document[..at], self.inserted.as_bytes(), &document[end..]].concat()
    }
}

/// What makes a second spelling: white space, escapes, case, digits, commas, defaults.
fn edit() -> impl Strategy<Value = Edit> {
    let pieces = vec![
        "",
        " ",
        "\n",
        "0",
        "1",
        "-",
        ".0",
        "e0",
        "A",
        "F",
        "a",
        "/",
        "=",
        "\\u0061",
        "\\/",
        "\"",
        ",",
        "null",
        "[]",
        "{}",
        "\"logs\":[],",
        "\"custody\":{},",
        "\"tpm\":null,",
        "0x",
        "\u{e9}",
    ];
    let inserted = prop::sample::select(pieces);
    (any::<prop::sample::Index>(), 0..3_usize, inserted).prop_map(|(place, removed, inserted)| Edit {
        place,
        removed,
        inserted,
    })
}

/// Evidence with every part there can be.
fn full() -> Evidence {
    let bytes = |byte: &str, len| format!("0x{}", byte.repeat(len));
    serde_json::from_value(json!({
        "version": 1,
        "operator": bytes("ab", 20),
        "disclosure": "auditors",
        "anchor": {
            "chainId": 1, "registry": bytes("cd", 20), "blockNumber": "9007199254740993", "blockHash": bytes("ef", 32),
        },
        "sessionKeyHash": bytes("11", 32),
        "tee": {"kind": "tdx", "quote": "AAEC", "ccel": "AA==", "hclReport": "/+8="},
        "tpm": {
            "akPublic": "AQ==", "attest": "AQI=", "signature": "AQID", "pcrs": [{"index": 3, "value": "/////w=="}],
            "eventLog": "", "akCertificates": ["MIIB", ""], "registrarStatement": "0w==", "drtmLog": "AA==",
            "iakCertification": {"iakPublic": "AA==", "attest": "", "signature": "AA=="},
        },
        "custody": {"poe": "AA==", "allianceToken": "a.\"b\".c\u{1}"},
        "logs": [{"kind": "ima", "data": "AA=="}, {"kind": "tcg2", "data": ""}],
    }))
    .unwrap()
}

#[test]
fn evidence_needs_no_library() {
    assert_eq!(plain::write(&full(), None), to_vec(&full()).ok());
    let mut evidence = full();
    // With escapes it is written, and not read.
    evidence.custody.alliance_token = Some("a.b.c".into());
    let bundle = Bundle::unsigned(evidence).unwrap();
    let document = bundle.to_json().unwrap();
    assert_eq!(
        Bundle::parse(&document, DEFAULT_LIMIT).unwrap().digest,
        bundle.digest
    );
}

/// Which `serde_json`'s compact form would write otherwise than the library, or write at all.
#[test]
fn what_is_not_plain_is_left_to_the_library() {
    #[derive(Serialize)]
    struct Twice {
        a: u8,
        #[serde(rename = "a")]
        b: u8,
    }
    #[derive(Serialize)]
    enum Kind {
        Bare,
        One(u8),
        Named { b: u8, a: u8 },
    }
    fn left<T: Serialize>(value: &T) {
        assert_eq!(plain::write(value, None), None);
        assert_same(value);
    }
    left(&f64::NAN);
    left(&f32::INFINITY);
    left(&1.0);
    left(&-0.0);
    left(&1e21);
    left(&-1);
    left(&((1_u64 << 53) + 1));
    left(&u128::MAX);
    left(&None::<u8>);
    left(&());
    left(&Twice { a: 1, b: 2 });
    left(&BTreeMap::from([("\u{e9}", 1)]));
    left(&BTreeMap::from([("a\"", 1)]));
    left(&BTreeMap::from([(vec![1], 1)]));
    left(&serde_json::value::RawValue::from_string("{ }".into()).unwrap());

    assert_same(&Kind::Bare);
    assert_same(&Kind::One(7));
    assert_same(&Kind::Named { b: 1, a: 2 });
    assert_same(&BTreeMap::from([(2, "b"), (10, "a")]));
    assert_same(&BTreeMap::from([(true, 'b'), (false, '\u{10000}')]));
    assert_same(&BTreeMap::from([
        ("", 0),
        ("a", 0),
        ("a ", 0),
        ("a!", 0),
        ("ab", 0),
    ]));
    assert_same(&(0..0x100).filter_map(char::from_u32).collect::<String>());
}

#[test]
fn a_form_that_is_longer_than_it_may_be_is_left() {
    let form = plain::write(&full(), None).unwrap();
    assert_eq!(plain::write(&full(), Some(form.len())), Some(form.clone()));
    for most in 0..form.len() {
        assert_eq!(plain::write(&full(), Some(most)), None);
    }
}
