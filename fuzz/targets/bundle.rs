//! A bundle is what may be written again, to the same digest; its evidence is what the library for canonical JSON writes.
#![no_main]

use chassis_fuzz::bounded;
use chassis_verifier::{
    bundle::{Bundle, DEFAULT_LIMIT},
    consent_signer, sha256,
};

libfuzzer_sys::fuzz_target!(|document: &[u8]| {
    let Ok(bundle) = bounded(document.len(), || Bundle::parse(document, DEFAULT_LIMIT)) else {
        return;
    };
    let _ = consent_signer(&bundle);
    let canonical = serde_json_canonicalizer::to_vec(&bundle.evidence).expect("JSON");
    assert_eq!(sha256(&canonical), bundle.digest);
    let again = Bundle::parse(&bundle.to_json().expect("JSON"), usize::MAX).expect("a bundle");
    assert_eq!(again.digest, bundle.digest);
});
