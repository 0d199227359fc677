//! Which of those that wait is next: the oldest, but those that failed after the others. So one that cannot be brought on
//! now holds up none that can.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use alloy::primitives::B256;

/// How often each that waits was tried in vain, by its digest. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turns(Arc<Mutex<HashMap<B256, u32>>>);

impl Turns {
    /// Those that wait, the oldest first, in the order in which they are tried. Others are forgotten.
    pub(crate) fn order(&self, mut queued: Vec<B256>) -> Vec<B256> {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failures.retain(|report, _| queued.contains(report));
        // Stable: among those that failed as often, the oldest is first.
        queued.sort_by_key(|report| failures.get(report).copied().unwrap_or(0));
        queued
    }

    /// A try was in vain.
    pub(crate) fn failed(&self, report: B256) {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = failures.entry(report).or_default();
        *count = count.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_is_tried_after_what_does_not_and_after_what_fails_less() {
        let turns = Turns::default();
        let [a, b, c] = [1, 2, 3].map(B256::with_last_byte);
        assert_eq!(turns.order(vec![a, b, c]), [a, b, c]);
        turns.failed(a);
        turns.failed(a);
        turns.failed(b);
        assert_eq!(turns.order(vec![a, b, c]), [c, b, a]);
        turns.failed(b);
        assert_eq!(turns.order(vec![a, b, c]), [c, a, b]);
        assert_eq!(turns.order(vec![b]), [b], "the others are gone");
        assert_eq!(turns.order(vec![a, b]), [a, b], "and begin anew");
    }
}
