//! Counting what is held.

use std::sync::{Mutex, PoisonError};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// Bytes for error messages and small tables, whatever the input.
pub const SLACK: usize = 16 << 10;

/// Runs `read`; gives the bytes it held at most, its result included.
pub fn peak<T>(read: impl FnOnce() -> T) -> (usize, T) {
    // One at a time: what other threads hold would count too.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let _profiler = dhat::Profiler::builder().testing().build();
    let result = read();
    (dhat::HeapStats::get().max_bytes, result)
}

/// Runs `read`, which reads `len` bytes, and fails if it held more than four times that.
pub fn within<T>(name: &str, len: usize, read: impl FnOnce() -> T) -> T {
    let (held, result) = peak(read);
    assert!(
        held <= 4 * len + SLACK,
        "{name}: {held} bytes held for {len} bytes of input"
    );
    result
}

/// A root and a leaf that it signed, DER.
pub fn chain() -> (Vec<u8>, Vec<u8>) {
    let named = |name: &str| {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params
    };
    let (mut root, keys) = (named("root"), [(); 2].map(|()| KeyPair::generate().unwrap()));
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let leaf = named("leaf")
        .signed_by(&keys[1], &Issuer::from_params(&root, &keys[0]))
        .unwrap();
    let root = root.self_signed(&keys[0]).unwrap();
    (root.der().to_vec(), leaf.der().to_vec())
}
