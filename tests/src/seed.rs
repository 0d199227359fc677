//! One number that every simulated key and identifier grows from, so that a failure can be repeated.

use p256::ecdsa::{Signature, SigningKey, signature::Signer as _};
use rcgen::{PKCS_ECDSA_P256_SHA256, PublicKeyData, SignatureAlgorithm};
use sha2::{Digest, Sha256};

/// What a simulated cloud grows from.
///
/// Anybody who knows it has every private key. That is the point of a simulation, and why nothing but a test's own
/// policy may ever trust a root made here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub u64);

impl Seed {
    /// `N` (at most 32) bytes that stand for `label`.
    pub fn bytes<const N: usize>(self, label: &str) -> [u8; N] {
        let mut bytes = [0; N];
        bytes.copy_from_slice(&self.hash(label, 0)[..N]);
        bytes
    }

    /// The private key that stands for `label`.
    pub fn key(self, label: &str) -> Key {
        // All but one in 2^32 digests are valid scalars.
        let secret = (0..)
            .find_map(|attempt| SigningKey::from_slice(&self.hash(label, attempt)).ok())
            .expect("some digest is a valid scalar");
        let mut public = [0; 65];
        public.copy_from_slice(secret.verifying_key().to_encoded_point(false).as_bytes());
        Key { secret, public }
    }

    fn hash(self, label: &str, attempt: u32) -> [u8; 32] {
        Sha256::new()
            .chain_update(b"chassis-sim")
            .chain_update(self.0.to_be_bytes())
            .chain_update(attempt.to_be_bytes())
            .chain_update(label)
            .finalize()
            .into()
    }
}

/// A P-256 key with deterministic (RFC 6979) ECDSA-SHA-256 signatures.
#[derive(Clone)]
pub struct Key {
    secret: SigningKey,
    /// SEC1, uncompressed.
    public: [u8; 65],
}

impl Key {
    /// A serial number for its certificate: positive, 20 bytes.
    pub(crate) fn serial(&self) -> [u8; 20] {
        serial(&self.public)
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.public)
    }

    /// `x ‖ y`, as Intel's structures carry it.
    pub fn public_xy(&self) -> [u8; 64] {
        let mut xy = [0; 64];
        xy.copy_from_slice(&self.public[1..]);
        xy
    }

    /// `r ‖ s`, as Intel's structures carry it.
    pub fn sign_raw(&self, message: &[u8]) -> [u8; 64] {
        let signature: Signature = self.secret.sign(message);
        signature.to_bytes().into()
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").finish_non_exhaustive()
    }
}

/// Somebody else's P-256 key, to be certified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey(
    /// SEC1, uncompressed.
    pub [u8; 65],
);

/// Twenty bytes, a positive number whatever `subject`.
pub(crate) fn serial(subject: &[u8]) -> [u8; 20] {
    let mut serial = [0; 20];
    serial.copy_from_slice(&Sha256::digest(subject)[..20]);
    serial[0] = 0x40 | (serial[0] & 0x3f);
    serial
}

impl PublicKeyData for PublicKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

impl PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        &self.public
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

impl rcgen::SigningKey for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let signature: Signature = self.secret.sign(message);
        Ok(signature.to_der().as_bytes().to_vec())
    }
}
