//! Digest algorithms of event logs, and a digest of any of them.

use serde::{Serialize, Serializer};

/// An algorithm a log may carry digests of (TCG Algorithm Registry 1.34 §6.10). Others are refused: a bank nobody can name
/// is a bank nobody can check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// SHA-1. Replayed for people to look at; no appraisal accepts it.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
    /// SM3, 256 bits. Read over, not replayed.
    Sm3,
    /// SHA3-256. Read over, not replayed.
    Sha3_256,
    /// SHA3-384. Read over, not replayed.
    Sha3_384,
    /// SHA3-512. Read over, not replayed.
    Sha3_512,
}

impl Algorithm {
    /// How many there are.
    pub(super) const COUNT: usize = 8;

    const ALL: [Self; Self::COUNT] = [
        Self::Sha1,
        Self::Sha256,
        Self::Sha384,
        Self::Sha512,
        Self::Sm3,
        Self::Sha3_256,
        Self::Sha3_384,
        Self::Sha3_512,
    ];

    /// The algorithm of a `TPM_ALG_ID`.
    pub fn from_id(id: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.id() == id)
    }

    /// Its `TPM_ALG_ID`.
    pub fn id(self) -> u16 {
        match self {
            Self::Sha1 => 0x0004,
            Self::Sha256 => 0x000b,
            Self::Sha384 => 0x000c,
            Self::Sha512 => 0x000d,
            Self::Sm3 => 0x0012,
            Self::Sha3_256 => 0x0027,
            Self::Sha3_384 => 0x0028,
            Self::Sha3_512 => 0x0029,
        }
    }

    /// Bytes of a digest.
    pub fn digest_len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 | Self::Sm3 | Self::Sha3_256 => 32,
            Self::Sha384 | Self::Sha3_384 => 48,
            Self::Sha512 | Self::Sha3_512 => 64,
        }
    }

    /// Its name in lower case, as `tpm2-tools` writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
            Self::Sm3 => "sm3_256",
            Self::Sha3_256 => "sha3_256",
            Self::Sha3_384 => "sha3_384",
            Self::Sha3_512 => "sha3_512",
        }
    }

    /// The hash, where this program has it.
    pub(super) fn hash(self) -> Option<&'static ring::digest::Algorithm> {
        match self {
            Self::Sha1 => Some(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY),
            Self::Sha256 => Some(&ring::digest::SHA256),
            Self::Sha384 => Some(&ring::digest::SHA384),
            Self::Sha512 => Some(&ring::digest::SHA512),
            Self::Sm3 | Self::Sha3_256 | Self::Sha3_384 | Self::Sha3_512 => None,
        }
    }

    /// Its place in a table of [`Self::COUNT`].
    pub(super) fn slot(self) -> usize {
        self as usize
    }
}

impl std::fmt::Display for Algorithm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Algorithm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A digest, or a register's value: 20 to 64 bytes, by its algorithm.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest {
    bytes: [u8; 64],
    len: usize,
}

impl Digest {
    /// `fill`, as often as `algorithm` wants.
    pub(super) fn filled(algorithm: Algorithm, fill: u8) -> Self {
        let len = algorithm.digest_len();
        let mut bytes = [0; 64];
        bytes[..len].fill(fill);
        Self { bytes, len }
    }

    /// The first 64 of `value`'s bytes.
    pub(super) fn copied(value: &[u8]) -> Self {
        let len = value.len().min(64);
        let mut bytes = [0; 64];
        bytes[..len].copy_from_slice(&value[..len]);
        Self { bytes, len }
    }

    pub(super) fn set_last(&mut self, byte: u8) {
        self.bytes[self.len - 1] = byte;
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// The bytes, if there are `N`.
    pub fn to_array<const N: usize>(&self) -> Option<[u8; N]> {
        self.as_slice().try_into().ok()
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.as_slice()))
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
