//! What a report's results stand for: the document whose SHA-256 the report has as `archive`.

use alloy_primitives::B256;
use serde::Deserialize;

/// As far as it is read.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Manifest {
    items: Vec<Item>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Item {
    result: B256,
    evidence: B256,
}

impl Manifest {
    /// Whether this result is of this evidence.
    pub(super) fn says(&self, result: B256, evidence: B256) -> bool {
        let mut items = self.items.iter();
        items.any(|item| (item.result, item.evidence) == (result, evidence))
    }
}
