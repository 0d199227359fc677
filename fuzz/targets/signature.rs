//! A TPM's signature, and its verification with an honest key.
#![no_main]

use std::sync::OnceLock;

use chassis_fuzz::{World, bounded};
use chassis_verifier::tpm::{Public, Signature};

/// The honest key, and what it signed.
static HONEST: OnceLock<(Public, Vec<u8>)> = OnceLock::new();

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(signature) = bounded(bytes.len(), || Signature::parse(bytes)) else {
        return;
    };
    let (key, attest) = HONEST.get_or_init(|| {
        let world = World::get();
        let key = Public::parse(&world.part("/evidence/tpm/akPublic")).expect("a key");
        (key, world.part("/evidence/tpm/attest"))
    });
    let mut other = attest.clone();
    other[20] ^= 1;
    let _ = signature.verify(key, attest);
    assert!(signature.verify(key, &other).is_err());
});
