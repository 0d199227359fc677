//! A registrar's statement.
#![no_main]

use chassis_verifier::claims::RegistrarStatement;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(statement) = RegistrarStatement::parse(bytes) {
        statement.claims().to_payload().expect("what was read can be written");
        statement.verify(&[], 0).expect_err("nobody is pinned");
    }
});
