//! Algorithm identifiers (TPM 2.0 Part 2, §6.3 `TPM_ALG_ID`).

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::{Cursor, ParseError, eventlog::Algorithm};

/// `TPM_ALG_NULL`: none chosen.
pub(super) const NULL: u16 = 0x0010;

/// A hash algorithm, as a PCR bank or as part of a signing scheme: those of [`Algorithm`] that a quote may use. A log may have
/// digests of others, which are read over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HashAlg {
    /// SHA-1. A bank may have it; nothing signed with it is accepted.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384: the bank of RTMRs.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl HashAlg {
    /// The algorithm with this `TPM_ALG_ID`, if it is one of these.
    pub fn from_id(id: u16) -> Option<Self> {
        [Self::Sha1, Self::Sha256, Self::Sha384, Self::Sha512]
            .into_iter()
            .find(|hash| hash.id() == id)
    }

    /// Its `TPM_ALG_ID`.
    pub fn id(self) -> u16 {
        Algorithm::from(self).id()
    }

    /// Length of its digests, in bytes.
    pub fn digest_len(self) -> usize {
        Algorithm::from(self).digest_len()
    }

    /// The digest of `parts`, concatenated; `None` for SHA-1, which nothing here may rest on.
    pub fn digest<'a>(self, parts: impl IntoIterator<Item = &'a [u8]>) -> Option<Vec<u8>> {
        match self {
            Self::Sha1 => None,
            Self::Sha256 => Some(digest::<Sha256>(parts)),
            Self::Sha384 => Some(digest::<Sha384>(parts)),
            Self::Sha512 => Some(digest::<Sha512>(parts)),
        }
    }
}

impl From<HashAlg> for Algorithm {
    fn from(hash: HashAlg) -> Self {
        match hash {
            HashAlg::Sha1 => Self::Sha1,
            HashAlg::Sha256 => Self::Sha256,
            HashAlg::Sha384 => Self::Sha384,
            HashAlg::Sha512 => Self::Sha512,
        }
    }
}

fn digest<'a, D: Digest>(parts: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut hash = D::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().to_vec()
}

impl std::fmt::Display for HashAlg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        })
    }
}

/// A signing scheme without its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SchemeKind {
    /// RSASSA-PKCS1-v1.5.
    RsaSsa,
    /// RSASSA-PSS.
    RsaPss,
    /// ECDSA.
    Ecdsa,
}

/// A signing scheme with its hash (Part 2, §11.2 `TPMT_SIG_SCHEME`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Scheme {
    /// The scheme.
    pub kind: SchemeKind,
    /// The hash it signs.
    pub hash: HashAlg,
}

impl Scheme {
    /// Reads a scheme; `None` is `TPM_ALG_NULL`.
    pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Option<Self>, ParseError> {
        let at = cursor.clone();
        let kind = match cursor.u16_be("scheme")? {
            NULL => return Ok(None),
            0x0014 => SchemeKind::RsaSsa,
            0x0016 => SchemeKind::RsaPss,
            0x0018 => SchemeKind::Ecdsa,
            other => return Err(at.error("scheme", format!("{other:#06x} is not RSASSA, RSAPSS or ECDSA"))),
        };
        let at = cursor.clone();
        let id = cursor.u16_be("scheme hash")?;
        let hash = HashAlg::from_id(id).ok_or_else(|| {
            at.error(
                "scheme hash",
                format!("{id:#06x} is not SHA-1, SHA-256, SHA-384 or SHA-512"),
            )
        })?;
        Ok(Some(Self { kind, hash }))
    }
}

impl std::fmt::Display for Scheme {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self.kind {
            SchemeKind::RsaSsa => "RSASSA",
            SchemeKind::RsaPss => "RSAPSS",
            SchemeKind::Ecdsa => "ECDSA",
        };
        write!(f, "{kind} with {}", self.hash)
    }
}
