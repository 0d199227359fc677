//! Canonical JSON is what the library says, whoever writes it.
#![no_main]

use chassis_verifier::bundle::{Evidence, canonical_json};
use serde::Serialize;
use serde_json_canonicalizer::to_vec;

libfuzzer_sys::fuzz_target!(|document: &[u8]| {
    if let Ok(value) = serde_json::from_slice::<serde_json::Value>(document) {
        assert_same(&value);
    }
    if let Ok(evidence) = serde_json::from_slice::<Evidence>(document) {
        assert_same(&evidence);
    }
});

fn assert_same<T: Serialize>(value: &T) {
    assert_eq!(canonical_json(value).ok(), to_vec(value).ok());
}
