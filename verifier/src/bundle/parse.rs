//! From untrusted bytes to a [`Bundle`], and from evidence to the one document it may be.

use std::io;

use alloy_primitives::{B256, Bytes};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json_canonicalizer::to_writer;
use sha2::{Digest, Sha256};

use super::{Bundle, Evidence};
use crate::{Error, digest::sha256, json};

/// Largest bundle accepted by default, in bytes. A CCEL is often dumped padded to as much as 1 MiB.
pub const DEFAULT_LIMIT: usize = 4 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<'a> {
    #[serde(borrow)]
    evidence: &'a RawValue,
    consent: Bytes,
}

impl Bundle {
    /// Parses a bundle of at most `limit` bytes.
    ///
    /// # Errors
    /// If it is too large, is not JSON of exactly this shape (unknown fields, duplicate keys, trailing bytes), or if
    /// its evidence is not in canonical form.
    pub fn parse(document: &[u8], limit: usize) -> Result<Self, Error> {
        if document.len() > limit {
            return Err(Error::TooLarge {
                size: document.len(),
                limit,
            });
        }
        let Document {
            evidence: raw,
            consent,
        } = json::parse(document).map_err(Error::Json)?;
        let raw = raw.get().as_bytes();
        let evidence: Evidence = json::parse(raw).map_err(Error::Json)?;
        if evidence.version != 1 {
            return Err(Error::Json(format!(
                "version {} is not supported, only 1 is",
                evidence.version
            )));
        }
        if let Some(offset) = first_difference(&evidence, raw) {
            return Err(Error::NotCanonical { offset });
        }
        Ok(Self {
            digest: sha256(raw),
            evidence,
            consent,
        })
    }

    /// A bundle of `evidence`, to be signed over [`Bundle::digest`] and then written with [`Bundle::to_json`].
    ///
    /// # Errors
    /// If the evidence cannot be serialised.
    pub fn unsigned(evidence: Evidence) -> Result<Self, Error> {
        let digest = canonical_digest(&evidence)?;
        Ok(Self {
            evidence,
            consent: Bytes::new(),
            digest,
        })
    }

    /// The document to send.
    ///
    /// # Errors
    /// If the evidence cannot be serialised.
    pub fn to_json(&self) -> Result<Vec<u8>, Error> {
        let evidence = canonical_json(&self.evidence)?;
        let consent = format!(r#"{{"consent":"{}","evidence":"#, self.consent);
        Ok([consent.as_bytes(), &evidence, b"}"].concat())
    }
}

/// `value` in canonical form (RFC 8785, JCS).
///
/// # Errors
/// If `value` has no JSON form.
pub fn canonical_json<T: Serialize>(value: &T) -> Result<Vec<u8>, Error> {
    serde_json_canonicalizer::to_vec(value).map_err(|error| Error::Json(error.to_string()))
}

/// SHA-256 of `value` in canonical form.
///
/// # Errors
/// If `value` has no JSON form.
pub(crate) fn canonical_digest<T: Serialize>(value: &T) -> Result<B256, Error> {
    let mut hash = Sha256::new();
    to_writer(value, &mut hash).map_err(|error| Error::Json(error.to_string()))?;
    Ok(B256::from(<[u8; 32]>::from(hash.finalize())))
}

/// The first byte of `document` that is not `value` in canonical form; `None` where it is that form.
pub(crate) fn first_difference<T: Serialize>(value: &T, document: &[u8]) -> Option<usize> {
    let mut comparison = Comparison {
        expected: document,
        matched: 0,
    };
    let equal = to_writer(value, &mut comparison).is_ok();
    (!equal || comparison.matched < document.len()).then_some(comparison.matched)
}

/// Compares what is written with what is expected and keeps no copy of it. Fails at the first difference.
struct Comparison<'a> {
    expected: &'a [u8],
    matched: usize,
}

impl io::Write for Comparison<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let rest = &self.expected[self.matched..];
        if rest.starts_with(bytes) {
            self.matched += bytes.len();
            return Ok(bytes.len());
        }
        let equal = |(a, b): &(&u8, &u8)| a == b;
        self.matched += bytes.iter().zip(rest).take_while(equal).count();
        Err(io::ErrorKind::InvalidData.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
