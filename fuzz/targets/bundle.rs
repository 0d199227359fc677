//! A bundle is what may be written again, to the same digest.
#![no_main]

use chassis_fuzz::bounded;
use chassis_verifier::{
    bundle::{Bundle, DEFAULT_LIMIT},
    consent_signer,
};

libfuzzer_sys::fuzz_target!(|document: &[u8]| {
    let Ok(bundle) = bounded(document.len(), || Bundle::parse(document, DEFAULT_LIMIT)) else {
        return;
    };
    let _ = consent_signer(&bundle);
    let again = Bundle::parse(&bundle.to_json().expect("JSON"), usize::MAX).expect("a bundle");
    assert_eq!(again.digest, bundle.digest);
});
