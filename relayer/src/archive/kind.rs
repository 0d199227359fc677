//! What is archived, and under which name.

use alloy::primitives::B256;
use chassis_verifier::{bundle::Bundle, sha256};
use clap::ValueEnum;
use object_store::path::Path;
use serde::Serialize;

/// What a document is. Each kind has its folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A bundle as received, by the digest of its evidence.
    Bundle,
    /// An endorsement set in canonical form.
    Endorsements,
    /// A policy in canonical form.
    Policy,
    /// An appraisal, by the digest of its `AttestationResult`.
    Result,
    /// What the digests in a report stand for.
    Manifest,
}

impl Kind {
    /// Every kind there is.
    pub const ALL: [Self; 5] = [
        Self::Bundle,
        Self::Endorsements,
        Self::Policy,
        Self::Result,
        Self::Manifest,
    ];

    /// The folder's name.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Bundle => "bundles",
            Self::Endorsements => "endorsements",
            Self::Policy => "policies",
            Self::Result => "results",
            Self::Manifest => "manifests",
        }
    }

    pub(super) fn path(self, digest: B256) -> Path {
        Path::from_iter([self.folder(), &format!("{digest}.json")])
    }

    /// The reverse of [`Kind::path`].
    pub(super) fn digest_of(self, path: &Path) -> Option<B256> {
        let digest = path.filename()?.strip_suffix(".json")?.parse().ok()?;
        (self.path(digest) == *path).then_some(digest)
    }

    /// Whether `document` is the one `digest` names. A result is named by what it says, not by its bytes.
    pub(crate) fn matches(self, digest: B256, document: &[u8]) -> bool {
        match self {
            Self::Bundle => Bundle::parse(document, usize::MAX).is_ok_and(|bundle| bundle.digest == digest),
            Self::Result => serde_json::from_slice::<serde_json::Value>(document)
                .is_ok_and(|result| result["digest"] == digest.to_string()),
            Self::Endorsements | Self::Policy | Self::Manifest => sha256(document) == digest,
        }
    }
}
