//! What one peer may have of what all share.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// How many connections each peer has, and how many it may have.
#[derive(Clone, Debug)]
pub(crate) struct Shares<P> {
    each: usize,
    taken: Arc<Mutex<HashMap<P, usize>>>,
}

/// One connection of a peer's; given back when dropped.
#[derive(Debug)]
pub(crate) struct Share<P: Eq + Hash> {
    peer: P,
    shares: Shares<P>,
}

impl<P: Copy + Eq + Hash> Shares<P> {
    /// `each`: connections of one peer at a time.
    pub(crate) fn of(each: usize) -> Self {
        Self {
            each,
            taken: Arc::default(),
        }
    }

    /// One more for `peer`; `None` if it has its share.
    pub(crate) fn take(&self, peer: P) -> Option<Share<P>> {
        let mut taken = self.taken();
        let count = taken.entry(peer).or_default();
        if *count >= self.each {
            return None;
        }
        *count += 1;
        Some(Share {
            peer,
            shares: self.clone(),
        })
    }
}

impl<P> Shares<P> {
    fn taken(&self) -> MutexGuard<'_, HashMap<P, usize>> {
        // Nothing here can be left half-done by a panic.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<P: Eq + Hash> Drop for Share<P> {
    fn drop(&mut self) {
        let mut taken = self.shares.taken();
        if let Some(count) = taken.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_with_its_share_gets_no_more_and_takes_none_of_anothers() {
        let shares = Shares::of(4);
        let mut first: Vec<_> = (0..4).map(|_| shares.take(3).unwrap()).collect();
        assert!(shares.take(3).is_none());
        assert!(shares.take(5).is_some());
        first.pop();
        assert!(shares.take(3).is_some());
        drop(first);
        assert!(shares.taken().is_empty(), "nothing is remembered of who has gone");
    }
}
