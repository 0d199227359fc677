//! Real evidence, where it is at hand.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "every test binary uses a part of this"
)]

use std::path::PathBuf;

use chassis_verifier::tpm::{Public, PublicKey};

/// The file, or `None` with a word on standard error where the fixtures are not at hand.
pub fn fixture(name: &str) -> Option<Vec<u8>> {
    let path = root()?.join(name);
    Some(std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// The folder of fixtures, likewise.
pub fn root() -> Option<PathBuf> {
    let root = std::env::var_os("CHASSIS_FIXTURES").map(PathBuf::from);
    if root.is_none() {
        eprintln!("skipped: CHASSIS_FIXTURES names no folder of real evidence");
    }
    root
}

/// A public area around a certified key: the fixtures hold none.
pub fn public(key: &PublicKey) -> Public {
    let public = Public::parse(&public_area(key)).unwrap();
    assert_eq!(&public.key, key);
    assert!(public.violations().is_empty());
    public
}

/// The same as `TPMT_PUBLIC`.
pub fn public_area(key: &PublicKey) -> Vec<u8> {
    let mut area = Vec::new();
    let mut put = |hex_text: &str| area.extend(hex::decode(hex_text).unwrap());
    match key {
        PublicKey::Rsa { n, .. } => {
            put("0001 000b 00050072 0000 0010 0014 000b 0800 00000000 0100"
                .replace(' ', "")
                .as_str());
            area.extend(n);
        }
        PublicKey::EcP256 { x, y } => {
            put("0023 000b 00050072 0000 0010 0018 000b 0003 0010 0020"
                .replace(' ', "")
                .as_str());
            area.extend(x);
            area.extend([0x00, 0x20]);
            area.extend(y);
        }
    }
    area
}

pub fn pem(text: &[u8]) -> Vec<u8> {
    x509_parser::pem::parse_x509_pem(text).unwrap().1.contents
}

pub fn slices(ders: &[Vec<u8>]) -> Vec<&[u8]> {
    ders.iter().map(Vec::as_slice).collect()
}
