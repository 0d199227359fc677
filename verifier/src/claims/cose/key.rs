//! A signer's public key, and the one algorithm it signs with.

use std::fmt;

use coset::{RegisteredLabelWithPrivate, iana};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, UnparsedPublicKey, VerificationAlgorithm,
};

use crate::{Cursor, ParseError, claims::ClaimFault};

/// A signature algorithm (RFC 9053 §2). ECDSA signatures are `r ‖ s`, of the curve's length each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256, −7.
    Es256,
    /// ECDSA on P-384 with SHA-384, −35; also `ESP384`, −51 (RFC 9864), which says the same of the curve.
    Es384,
    /// Ed25519, −8.
    EdDsa,
}

/// What kind of key it is. Each signs with one algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// ECDSA on P-256.
    P256,
    /// ECDSA on P-384.
    P384,
    /// Ed25519.
    Ed25519,
}

/// A public key that the policy pins, or that a certificate under a pinned root names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinnedKey {
    kind: KeyKind,
    /// The curve's uncompressed point with its leading `04`, or Ed25519's 32 bytes.
    public: Vec<u8>,
}

impl PinnedKey {
    /// Parses a `SubjectPublicKeyInfo` (RFC 5280 §4.1, DER) of a key on P-256 or P-384 (RFC 5480, point uncompressed) or
    /// of Ed25519 (RFC 8410).
    ///
    /// Whether the point is on its curve shows only when verifying: with one that is not, nothing verifies.
    ///
    /// # Errors
    /// If it is anything else. Each of the three has exactly one encoding, so that is all there is to parse.
    pub fn from_spki(der: &[u8]) -> Result<Self, ParseError> {
        [
            (KeyKind::P256, SPKI_P256),
            (KeyKind::P384, SPKI_P384),
            (KeyKind::Ed25519, SPKI_ED25519),
        ]
        .into_iter()
        .find_map(|(kind, prefix)| {
            let public = der.strip_prefix(prefix)?;
            let uncompressed = kind == KeyKind::Ed25519 || public.first() == Some(&0x04);
            (public.len() == kind.public_len() && uncompressed).then(|| Self {
                kind,
                public: public.to_vec(),
            })
        })
        .ok_or_else(|| {
            Cursor::new("SubjectPublicKeyInfo", der).error(
                "key",
                "it is no P-256, P-384 (uncompressed) or Ed25519 public key in DER",
            )
        })
    }

    /// What kind of key it is.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// That this key made `signature` over `message` by `algorithm`.
    ///
    /// # Errors
    /// If the key signs by another algorithm, or did not sign this.
    pub fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> Result<(), ClaimFault> {
        let verification: &'static dyn VerificationAlgorithm = match (algorithm, self.kind) {
            (Algorithm::Es256, KeyKind::P256) => &ECDSA_P256_SHA256_FIXED,
            (Algorithm::Es384, KeyKind::P384) => &ECDSA_P384_SHA384_FIXED,
            (Algorithm::EdDsa, KeyKind::Ed25519) => &ED25519,
            (algorithm, key) => return Err(ClaimFault::Algorithm { algorithm, key }),
        };
        UnparsedPublicKey::new(verification, &self.public)
            .verify(message, signature)
            .map_err(|_| ClaimFault::Signature)
    }
}

impl Algorithm {
    /// `None` for every other, `none` and HMAC among them.
    pub(super) fn from_cose(algorithm: &coset::Algorithm) -> Option<Self> {
        match algorithm {
            RegisteredLabelWithPrivate::Assigned(iana::Algorithm::ES256) => Some(Self::Es256),
            RegisteredLabelWithPrivate::Assigned(iana::Algorithm::ES384 | iana::Algorithm::ESP384) => {
                Some(Self::Es384)
            }
            RegisteredLabelWithPrivate::Assigned(iana::Algorithm::EdDSA) => Some(Self::EdDsa),
            _ => None,
        }
    }

    pub(super) fn to_cose(self) -> iana::Algorithm {
        match self {
            Self::Es256 => iana::Algorithm::ES256,
            Self::Es384 => iana::Algorithm::ES384,
            Self::EdDsa => iana::Algorithm::EdDSA,
        }
    }
}

impl KeyKind {
    pub(super) fn public_len(self) -> usize {
        match self {
            Self::P256 => 65,
            Self::P384 => 97,
            Self::Ed25519 => 32,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        })
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::Ed25519 => "Ed25519",
        })
    }
}

/// `SEQUENCE {SEQUENCE {id-ecPublicKey, prime256v1}, BIT STRING (66 bytes, none unused)`: the point follows.
const SPKI_P256: &[u8] = b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00";
/// The same with `secp384r1`.
const SPKI_P384: &[u8] =
    b"\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22\x03\x62\x00";
/// `SEQUENCE {SEQUENCE {id-Ed25519}, BIT STRING`: the key follows.
const SPKI_ED25519: &[u8] = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";
