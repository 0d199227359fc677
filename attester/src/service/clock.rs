//! The chain's time, also while its endpoint stands still.

use std::time::{Duration, Instant};

/// What the newest block says, and what a clock that nobody sets has counted since: an endpoint that shows an old block for
/// ever would keep an attestation alive for ever. So it goes back only where blocks have come at time's own pace for a while, and
/// no further than to where it was before it leapt: then what it leapt to was of a time that had not come. From there it goes
/// back by what our own count may run fast. A first block of such a time it does not come back from.
#[derive(Debug, Default)]
pub(super) struct ChainClock(Option<Seen>);

#[derive(Debug)]
struct Seen {
    /// The newest block's time, and since when that is the newest.
    head: u64,
    moved: Instant,
    told: Count,
    /// What it told before it leapt, counted on: it does not fall behind this by more than `NEAR`.
    floor: Count,
    run: Run,
}

/// Blocks that did not go back.
#[derive(Debug)]
struct Run {
    first: Count,
    head: u64,
    /// The time by these alone.
    told: Count,
}

/// A time, and when it was that.
#[derive(Clone, Copy, Debug)]
struct Count {
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
    /// Whether the block is older than one that was seen.
    pub(super) is_old: bool,
}

/// For so long a run must go.
const WHILE: Duration = Duration::from_mins(5);

/// Seconds: endpoints are often several machines, which are some blocks apart.
const NEAR: u64 = 60;

/// A clock runs fast by less than this part of what has passed. An endpoint that lags more and more would else slow time down.
const DRIFT: u64 = 64;

impl ChainClock {
    /// The time at `at`, when the latest block is of the time `head`.
    pub(super) fn see(&mut self, head: u64, at: Instant) -> Time {
        let seen = self.0.get_or_insert_with(|| Seen {
            head,
            moved: at,
            told: Count { time: head, at },
            floor: Count { time: head, at },
            run: Run::new(head, at),
        });
        if head > seen.head {
            (seen.head, seen.moved) = (head, at);
        }
        seen.raise(head, at);
        seen.run.go_on(head, at);
        if seen.run.first.passed(at) >= WHILE {
            let is_above = seen.run.told.now(at).saturating_add(NEAR) >= seen.floor.now(at);
            if is_above && seen.run.is_in_pace(at) {
                seen.told = seen.run.told;
                seen.lower(at);
                if seen.run.head < seen.head {
                    (seen.head, seen.moved) = (seen.run.head, at);
                }
            }
            seen.run = Run::new(head, at);
        }
        Time {
            now: seen.told.now(at),
            still: at.saturating_duration_since(seen.moved),
            is_old: head < seen.head,
        }
    }
}

impl Seen {
    fn raise(&mut self, head: u64, at: Instant) {
        let leaps = head > self.told.now(at).saturating_add(NEAR);
        let has_leapt = self.told.now(at) > self.floor.now(at).saturating_add(NEAR);
        if leaps && !has_leapt {
            self.floor = self.told;
        }
        self.told.raise(head, at);
    }

    /// To what a run says, as far as drift explains it.
    fn lower(&mut self, at: Instant) {
        let drift = self.run.first.passed(at).as_secs() / DRIFT;
        let least = self.floor.now(at).saturating_sub(drift);
        let time = self.run.told.now(at).max(least);
        self.floor = Count { time, at };
    }
}

impl Run {
    fn new(head: u64, at: Instant) -> Self {
        let first = Count { time: head, at };
        Self {
            first,
            head,
            told: first,
        }
    }

    fn go_on(&mut self, head: u64, at: Instant) {
        if head.saturating_add(NEAR) < self.head {
            *self = Self::new(head, at);
        }
        self.head = self.head.max(head);
        self.told.raise(head, at);
    }

    /// Neither an endpoint that stands still, nor one that is catching up.
    fn is_in_pace(&self, at: Instant) -> bool {
        let passed = self.first.passed(at).as_secs();
        let risen = self.head - self.first.time;
        (passed / 2..=passed * 2).contains(&risen)
    }
}

impl Count {
    fn passed(self, at: Instant) -> Duration {
        at.saturating_duration_since(self.at)
    }

    fn now(self, at: Instant) -> u64 {
        self.time.saturating_add(self.passed(at).as_secs())
    }

    fn raise(&mut self, head: u64, at: Instant) {
        if head > self.now(at) {
            *self = Self { time: head, at };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows a clock heads, each so many seconds after the start: now, for how long it has stood still, whether that is old.
    fn clock() -> impl FnMut(u64, u64) -> (u64, u64, bool) {
        let start = Instant::now();
        let mut clock = ChainClock::default();
        move |head, after| {
            let time = clock.see(head, start + Duration::from_secs(after));
            (time.now, time.still.as_secs(), time.is_old)
        }
    }

    #[test]
    fn time_goes_on_when_the_chain_stands_still() {
        let mut see = clock();
        assert_eq!(see(1000, 0), (1000, 0, false));
        assert_eq!(see(1012, 12), (1012, 0, false));
        assert_eq!(see(1012, 72), (1072, 60, false), "it stands still");
        assert_eq!(see(1000, 82), (1082, 70, true), "an older block is no news");
        assert_eq!(see(1024, 92), (1092, 0, false), "one of the past");
        assert_eq!(see(5000, 93), (5000, 0, false), "it has caught up");
        for hour in 1..100 {
            let after = 93 + 3600 * hour;
            assert_eq!(see(5000, after), (5000 + 3600 * hour, 3600 * hour, false));
        }
    }

    #[test]
    fn it_comes_back_from_a_block_of_a_time_that_has_not_come() {
        let mut see = clock();
        see(1000, 0);
        assert_eq!(see(1_000_000, 60), (1_000_000, 0, false));
        for minute in 2..7 {
            let seen = see(1000 + 60 * minute, 60 * minute);
            assert_eq!(seen, (999_940 + 60 * minute, 60 * minute - 60, true), "not yet");
        }
        for minute in 7..100 {
            let time = 60 * minute;
            // Its machines are some blocks apart.
            let head = 1000 + time - 24 * (minute % 2);
            let (now, still, _) = see(head, time);
            assert!(
                (1000 + time - 24..=1000 + time).contains(&now),
                "{now} after {time} s"
            );
            assert!(still <= 60, "{still}");
        }
    }

    #[test]
    fn one_wrong_block_after_another_does_not_keep_it() {
        let mut see = clock();
        see(1000, 0);
        see(1_000_000, 60);
        see(2_000_000, 120);
        for minute in 3..20 {
            see(1000 + 60 * minute, 60 * minute);
        }
        assert_eq!(see(2200, 1200), (2200, 0, false));
    }

    #[test]
    fn blocks_of_the_past_do_not_set_it_back() {
        type Heads = fn(u64) -> u64;
        let kinds: [(&str, Heads); 5] = [
            ("one of another chain, or that lags", |minute| 1000 + minute * 60),
            ("one that catches up slowly", |minute| 1000 + minute * 90),
            ("three that stand still", |minute| 1000 + minute % 3 * 600),
            ("one that is far behind and catching up", |minute| {
                1000 + minute * 180
            }),
            ("one that hardly moves", |minute| 1000 + minute * 20),
        ];
        for (what, head) in kinds {
            let mut see = clock();
            see(100_000, 0);
            for minute in 1..200 {
                let (now, still, is_old) = see(head(minute), 60 * minute);
                assert_eq!(
                    (now, still, is_old),
                    (100_000 + 60 * minute, 60 * minute, true),
                    "{what}"
                );
            }
        }
    }

    #[test]
    fn one_that_falls_behind_by_and_by_does_not_slow_it_down() {
        for pace in [31, 40, 48, 55, 58] {
            let mut see = clock();
            see(100_000, 0);
            for minute in 1..2000 {
                let (now, ..) = see(100_000 + pace * minute, 60 * minute);
                let due = 100_000 + 60 * minute;
                let least = due - NEAR - 60 * minute / DRIFT;
                assert!((least..=due).contains(&now), "{pace} in 60 s: {now}, not {due}");
            }
        }
    }

    #[test]
    fn a_count_that_runs_fast_or_slow_is_put_right() {
        for second in [990, 1010] {
            let mut see = clock();
            for block in 0..7200 {
                let (now, ..) = see(1000 + 12 * block, 12 * block * second / 1000);
                assert!(now.abs_diff(1000 + 12 * block) <= 12, "block {block}: {now}");
            }
        }
    }
}
