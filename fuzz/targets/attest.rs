//! What the TPM signed.
#![no_main]

use chassis_fuzz::bounded;
use chassis_verifier::tpm::{Attest, HashAlg, PcrSelection, check_selection};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(attest) = bounded(bytes.len(), || Attest::parse(bytes)) else {
        return;
    };
    let is_quote = attest.check_magic().is_ok() && attest.check_kind().is_ok();
    assert_eq!(attest.quote().is_some(), is_quote);
    if let Some(quote) = attest.quote() {
        let _ = check_selection(quote, PcrSelection::new(HashAlg::Sha384, 0..16));
        serde_json::to_string(&attest).expect("JSON");
    }
});
