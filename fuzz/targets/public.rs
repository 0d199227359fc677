//! A TPM key's public area.
#![no_main]

use chassis_fuzz::bounded;
use chassis_verifier::{challenge::AkName, tpm::Public};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(public) = bounded(bytes.len(), || Public::parse(bytes)) else {
        return;
    };
    assert!(public.name().is_none_or(|name| name == AkName::of(bytes)));
    assert!(public.name().is_some() || !public.violations().is_empty());
    serde_json::to_string(&public).expect("JSON");
});
