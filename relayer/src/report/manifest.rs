//! The archive manifest: by what an auditor finds the evidence behind a report's digests.

use alloy::primitives::B256;
use chassis_verifier::bundle::canonical_json;
use serde::Serialize;

use crate::Error;

/// A manifest, version 1. A report's `archive` is the SHA-256 of its canonical form.
#[derive(Clone, Debug, Serialize)]
pub struct Manifest {
    version: u8,
    items: Vec<Item>,
}

/// What one digest in a report stands for.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Item {
    /// The digest: the struct hash of an `AttestationResult`.
    pub result: B256,
    /// Digest of the evidence that was appraised.
    pub evidence: B256,
    /// Digest of the endorsement set it was appraised with.
    pub endorsements: B256,
}

impl Manifest {
    /// A manifest of these items, in the order in which they were signed.
    pub fn new(items: impl IntoIterator<Item = Item>) -> Self {
        Self {
            version: 1,
            items: items.into_iter().collect(),
        }
    }

    /// The canonical form (RFC 8785): what is archived and hashed.
    ///
    /// # Errors
    /// If it cannot be serialised.
    pub fn to_json(&self) -> Result<Vec<u8>, Error> {
        Ok(canonical_json(self)?)
    }
}
