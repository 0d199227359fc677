//! The alliance's token.
#![no_main]

use chassis_verifier::claims::AllianceToken;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(token) = AllianceToken::parse(text) {
        token.verify(&[]).expect_err("nobody is pinned");
    }
});
