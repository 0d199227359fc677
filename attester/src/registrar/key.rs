//! The registrar's signing key: Ed25519, in a file of its own (PKCS #8, DER).

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use chassis_verifier::claims::{Algorithm, RegistrarClaims};
use ring::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair as _},
};

use zeroize::Zeroizing;

use chassis_program::read_private;

use crate::Error;

/// Signs statements. Whoever has it can put any machine into the data center, until policies stop pinning it.
#[derive(Debug)]
pub struct RegistrarKey(Ed25519KeyPair);

impl RegistrarKey {
    /// Makes a key and writes it to `path`, for its owner alone to read. Never over a file that is there.
    ///
    /// # Errors
    /// If there is one, or it cannot be written.
    pub fn generate(path: &Path) -> Result<Self, Error> {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
            .map_err(|_| Error::Key("the system gives no randomness".into()))?;
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .and_then(|mut file| file.write_all(document.as_ref()).and_then(|()| file.sync_all()))
            .map_err(|source| Error::File {
                doing: "write the registrar's key to",
                path: path.to_owned(),
                source,
                hint: "",
            })?;
        Self::parse(document.as_ref(), path)
    }

    /// Reads the key.
    ///
    /// # Errors
    /// If it cannot be read, others can read it, too, or it is no Ed25519 key in PKCS #8.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes = read_private(path)
            .map(Zeroizing::new)
            .map_err(|source| Error::File {
                doing: "read the registrar's key from",
                path: path.to_owned(),
                hint: match source.kind() {
                    io::ErrorKind::NotFound => "; make one with `chassis-node registrar keygen`",
                    _ => "",
                },
                source,
            })?;
        Self::parse(&bytes, path)
    }

    /// `SubjectPublicKeyInfo` (DER; RFC 8410), for policies to pin.
    pub fn spki(&self) -> Vec<u8> {
        const HEAD: &[u8] = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";
        [HEAD, self.0.public_key().as_ref()].concat()
    }

    pub(super) fn sign(&self, claims: &RegistrarClaims) -> Result<Vec<u8>, chassis_verifier::ParseError> {
        claims.sign_with(Algorithm::EdDsa, |message| {
            Ok(self.0.sign(message).as_ref().to_vec())
        })
    }

    fn parse(bytes: &[u8], path: &Path) -> Result<Self, Error> {
        Ed25519KeyPair::from_pkcs8(bytes).map(Self).map_err(|error| {
            Error::Key(format!(
                "{} is no Ed25519 key in PKCS #8: {error}",
                path.display()
            ))
        })
    }
}
