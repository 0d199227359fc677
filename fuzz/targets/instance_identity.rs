//! Google's instance extension.
#![no_main]

use chassis_fuzz::bounded;
use chassis_verifier::ak::InstanceIdentity;

libfuzzer_sys::fuzz_target!(|der: &[u8]| {
    if let Ok(identity) = bounded(der.len(), || InstanceIdentity::parse(der)) {
        assert!(!identity.is_production() || identity.security.is_some());
        serde_json::to_string(&identity).expect("JSON");
    }
});
