//! Bundles that intake has parsed, kept for the appraiser, so that it need not read and parse them again.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use alloy::primitives::B256;
use chassis_verifier::bundle::Bundle;

/// Most bytes of documents whose bundles are kept. What is pushed out is read from the archive.
const ROOM: usize = 16 << 20;

/// How many of those that have gone stay in the order, besides as many as are here.
const SLACK: usize = 64;

/// Parsed bundles, the newest few. What is here is in the archive too: this only saves work.
///
/// A digest is the evidence's. Two documents can have it that differ in the operator's consent; intake has checked each.
#[derive(Clone, Debug, Default)]
pub struct Held(Arc<Mutex<Shelf<Bundle>>>);

impl Held {
    /// Keeps a bundle whose document has so many bytes.
    pub fn keep(&self, bundle: Bundle, bytes: usize) {
        let digest = bundle.digest;
        // Nothing in it can be left half-done by a panic.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.keep(digest, bundle, bytes);
    }

    /// Gives a bundle away, if it is here, and how many bytes its document has.
    pub(super) fn take(&self, digest: B256) -> Option<(Bundle, usize)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take(digest)
    }
}

#[derive(Debug)]
struct Shelf<T> {
    things: HashMap<B256, (T, usize)>,
    /// In the order in which they came; also of some that have gone.
    order: VecDeque<B256>,
    bytes: usize,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self {
            things: HashMap::new(),
            order: VecDeque::new(),
            bytes: 0,
        }
    }
}

impl<T> Shelf<T> {
    fn keep(&mut self, digest: B256, thing: T, bytes: usize) {
        // The same twice is one.
        self.take(digest);
        self.things.insert(digest, (thing, bytes));
        self.order.push_back(digest);
        self.bytes += bytes;
        while self.bytes > ROOM
            && let Some(oldest) = self.order.pop_front()
        {
            self.take(oldest);
        }
        if self.order.len() > 2 * self.things.len() + SLACK {
            self.order.retain(|digest| self.things.contains_key(digest));
        }
    }

    fn take(&mut self, digest: B256) -> Option<(T, usize)> {
        let (thing, bytes) = self.things.remove(&digest)?;
        self.bytes -= bytes;
        Some((thing, bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(n: u32) -> B256 {
        B256::left_padding_from(&n.to_be_bytes())
    }

    #[test]
    fn the_newest_are_kept_and_each_is_given_away_once() {
        let mut shelf = Shelf::default();
        for n in 0..5 {
            shelf.keep(name(n), n, ROOM / 4);
        }
        assert!(shelf.take(name(0)).is_none(), "it was pushed out");
        assert_eq!(shelf.take(name(1)), Some((1, ROOM / 4)));
        assert!(shelf.take(name(1)).is_none());
        shelf.keep(name(2), 7, 3);
        assert_eq!(shelf.bytes, 2 * (ROOM / 4) + 3);
        assert_eq!(shelf.take(name(2)), Some((7, 3)));
    }

    #[test]
    fn one_that_nobody_takes_does_not_make_it_grow() {
        let mut shelf = Shelf::default();
        shelf.keep(name(0), 0, 1);
        for n in 1..10_000 {
            shelf.keep(name(n), n, 1);
            shelf.take(name(n));
        }
        assert!(shelf.order.len() <= SLACK + 4, "{}", shelf.order.len());
        assert_eq!(shelf.bytes, 1);
        assert!(shelf.take(name(0)).is_some());
    }
}
