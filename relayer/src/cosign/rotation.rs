//! Whom peers are asked about next: those of whom they were asked least, of these the oldest.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use alloy::primitives::B256;

/// How often each that waits was asked about, by its digest. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Rotation(Arc<Mutex<HashMap<B256, u32>>>);

impl Rotation {
    /// Those that wait, the oldest first, in the order in which they are asked about. Others are forgotten.
    pub(super) fn order(&self, mut waiting: Vec<B256>) -> Vec<B256> {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        asked.retain(|order, _| waiting.contains(order));
        // Stable: among those asked about as often, the oldest is first.
        waiting.sort_by_key(|order| asked.get(order).copied().unwrap_or(0));
        waiting
    }

    /// It was asked about.
    pub(super) fn asked(&self, order: B256) {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = asked.entry(order).or_default();
        *count = count.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_about_comes_after_what_was_asked_about_less() {
        let rotation = Rotation::default();
        let [a, b, c] = [1, 2, 3].map(B256::with_last_byte);
        assert_eq!(rotation.order(vec![a, b, c]), [a, b, c]);
        rotation.asked(a);
        rotation.asked(a);
        rotation.asked(b);
        assert_eq!(rotation.order(vec![a, b, c]), [c, b, a]);
        rotation.asked(b);
        assert_eq!(rotation.order(vec![a, b, c]), [c, a, b]);
        assert_eq!(rotation.order(vec![b]), [b], "the others are gone");
        assert_eq!(rotation.order(vec![a, b]), [a, b], "and begin anew");
    }
}
