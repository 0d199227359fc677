//! Which documents this process has stored durably, or found so.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use alloy::primitives::B256;

/// Most documents remembered, 32 bytes each.
const MOST: usize = 4096;

/// Documents of a kind that nobody ever deletes. They were whole when they were stored; `chassis archive verify` says
/// whether they still are.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen(Arc<Mutex<HashSet<B256>>>);

impl Seen {
    pub(super) fn holds(&self, digest: B256) -> bool {
        // A document is in it or not: no panic leaves half of one.
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.contains(&digest)
    }

    pub(super) fn keep(&self, digest: B256) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // What is in use is back at once.
        if seen.len() >= MOST {
            seen.clear();
        }
        seen.insert(digest);
    }
}
