//! Which nonce is next, and which are missing. Always from what the chain says now: there is no counter that only goes up.

use std::collections::BTreeSet;

/// The lowest nonce that is neither mined nor held by a transaction under way.
pub(super) fn next(mined: u64, held: &BTreeSet<u64>) -> u64 {
    (mined..=u64::MAX)
        .find(|nonce| !held.contains(nonce))
        .unwrap_or(u64::MAX)
}

/// Nonces below a held one that nobody holds: until something is mined with them, nothing above can be.
pub(super) fn gaps(mined: u64, held: &BTreeSet<u64>, most: usize) -> Vec<u64> {
    let top = held.last().copied().unwrap_or(mined);
    (mined..top)
        .filter(|nonce| !held.contains(nonce))
        .take(most)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_nonce_follows_the_chain_up_and_down() {
        let held = BTreeSet::from([5, 6]);
        assert_eq!(next(5, &held), 7);
        assert_eq!(next(9, &held), 9, "somebody else used the key");
        assert_eq!(next(2, &held), 2, "the chain lost blocks");
        assert_eq!(next(2, &BTreeSet::new()), 2);
    }

    #[test]
    fn a_gap_is_what_holds_up_others() {
        assert_eq!(gaps(5, &BTreeSet::from([5, 6]), 16), [0; 0]);
        assert_eq!(gaps(5, &BTreeSet::from([6, 8]), 16), [5, 7]);
        assert_eq!(gaps(9, &BTreeSet::from([6, 8]), 16), [0; 0]);
        assert_eq!(gaps(5, &BTreeSet::new(), 16), [0; 0]);
        assert_eq!(gaps(0, &BTreeSet::from([u64::MAX]), 3), [0, 1, 2]);
    }
}
