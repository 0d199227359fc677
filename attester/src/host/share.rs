//! What one peer may have of what all share.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::address::Peer;

/// Connections of one peer at a time. A guest needs one.
const EACH: usize = 4;

/// How many connections each peer has.
#[derive(Clone, Debug, Default)]
pub(super) struct Shares(Arc<Mutex<HashMap<Peer, usize>>>);

/// One connection of a peer's; given back when dropped.
#[derive(Debug)]
pub(super) struct Share {
    peer: Peer,
    shares: Shares,
}

impl Shares {
    /// One more for `peer`; `None` if it has its share.
    pub(super) fn take(&self, peer: Peer) -> Option<Share> {
        let mut taken = self.taken();
        let count = taken.entry(peer).or_default();
        if *count == EACH {
            return None;
        }
        *count += 1;
        Some(Share {
            peer,
            shares: self.clone(),
        })
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<Peer, usize>> {
        // Nothing here can be left half-done by a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Share {
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
        let shares = Shares::default();
        let mut first: Vec<_> = (0..EACH).map(|_| shares.take(Peer::Guest(3)).unwrap()).collect();
        assert!(shares.take(Peer::Guest(3)).is_none());
        assert!(shares.take(Peer::Guest(4)).is_some());
        assert!(shares.take(Peer::Process(3)).is_some());
        first.pop();
        assert!(shares.take(Peer::Guest(3)).is_some());
        drop(first);
        assert!(shares.taken().is_empty(), "nothing is remembered of who has gone");
    }
}
