//! A chain of certificates, with its roots and CRLs: each a byte for its kind, then a `TPM2B`.
#![no_main]

use chassis_fuzz::World;
use chassis_verifier::{Cursor, ak::verify_chain};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut cursor = Cursor::new("chain", bytes);
    let mut kinds: [Vec<&[u8]>; 4] = Default::default();
    while let (Ok(kind), Ok(der)) = (cursor.u8("kind"), cursor.tpm2b("der")) {
        kinds[usize::from(kind % 4)].push(der);
    }
    let [leaves, intermediates, roots, crls] = kinds;
    let Some(leaf) = leaves.first() else { return };
    let at = World::get().as_of;
    if let Ok(path) = verify_chain(leaf, &intermediates, &roots, &crls, at) {
        assert!(path.root < roots.len() && path.length <= intermediates.len() + 1);
        assert!(path.not_after >= at);
        // Without its root, nothing vouches for it.
        let mut others = roots.clone();
        others.retain(|root| *root != roots[path.root]);
        if others.is_empty() {
            assert!(verify_chain(leaf, &intermediates, &others, &crls, at).is_err());
        }
    }
});
