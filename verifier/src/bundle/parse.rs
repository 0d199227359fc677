//! From untrusted bytes to a [`Bundle`], and from evidence to the one document it may be.

use alloy_primitives::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Bundle, Evidence};
use crate::{
    Error,
    canonical::{canonical_digest, canonical_json, first_difference},
    digest::sha256,
    json,
};

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
    /// If it is too large, is not JSON of exactly this shape (unknown fields, duplicate keys, escapes, trailing bytes), or
    /// if its evidence is not in canonical form.
    pub fn parse(document: &[u8], limit: usize) -> Result<Self, Error> {
        if document.len() > limit {
            return Err(Error::TooLarge {
                size: document.len(),
                limit,
            });
        }
        // Reading a text that has one, the library holds it several times over.
        if let Some(offset) = memchr::memchr(b'\\', document) {
            return Err(Error::Json(format!(
                "at offset {offset} it has an escape, which nothing in a bundle needs"
            )));
        }
        let Document {
            evidence: raw,
            consent,
        } = json::parse(document).map_err(Error::Json)?;
        let raw = raw.get().as_bytes();
        let evidence: Evidence = json::parse_printable(raw).map_err(Error::Json)?;
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
