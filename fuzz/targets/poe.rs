//! Intel's platform ownership endorsement.
#![no_main]

use chassis_verifier::claims::Poe;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(poe) = Poe::parse(bytes) {
        assert!(matches!(poe.piid().len(), 16 | 32));
        poe.verify(&[], &[], 0).expect_err("nobody is pinned");
    }
});
