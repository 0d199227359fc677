//! The chain's time, also while its endpoint stands still.

use std::time::{Duration, Instant};

/// What the last block says, and what a clock that nobody sets has counted since. It never goes back: an endpoint that shows
/// an old block for ever would keep an attestation alive for ever.
#[derive(Debug, Default)]
pub(super) struct ChainClock(Option<Seen>);

#[derive(Clone, Copy, Debug)]
struct Seen {
    /// The latest block's time, and since when that is the latest.
    head: u64,
    moved: Instant,
    /// The time told, and when.
    time: u64,
    at: Instant,
}

/// The chain's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Time {
    /// Unix seconds.
    pub(super) now: u64,
    /// For how long there has been no newer block.
    pub(super) still: Duration,
}

impl ChainClock {
    /// The time at `at`, when the latest block is of the time `head`.
    pub(super) fn see(&mut self, head: u64, at: Instant) -> Time {
        let first = Seen {
            head,
            moved: at,
            time: head,
            at,
        };
        let seen = self.0.get_or_insert(first);
        if head > seen.head {
            (seen.head, seen.moved) = (head, at);
        }
        let passed = at.saturating_duration_since(seen.at).as_secs();
        let now = seen.time.saturating_add(passed);
        if head > now {
            (seen.time, seen.at) = (head, at);
        }
        Time {
            now: now.max(head),
            still: at.saturating_duration_since(seen.moved),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_when_the_chain_stands_still_and_never_back() {
        let start = Instant::now();
        let mut clock = ChainClock::default();
        let mut see = |head, after| {
            let time = clock.see(head, start + Duration::from_secs(after));
            (time.now, time.still.as_secs())
        };
        assert_eq!(see(1000, 0), (1000, 0));
        assert_eq!(see(1012, 12), (1012, 0));
        assert_eq!(see(1012, 72), (1072, 60), "it stands still");
        assert_eq!(see(1000, 82), (1082, 70), "an older block is no news");
        assert_eq!(see(1024, 92), (1092, 0), "one of the past");
        assert_eq!(see(5000, 93), (5000, 0), "it has caught up");
        assert_eq!(see(5000, 95), (5002, 2));
    }
}
