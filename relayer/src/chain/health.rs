//! What is known about one endpoint, and whether to ask it.

use std::time::{Duration, Instant};

/// Failures in a row after which an endpoint is left out.
const MOST_FAILURES: u32 = 3;
/// No `Retry-After` is honoured for longer, or one answer could silence an endpoint for good.
const LONGEST_WAIT: Duration = Duration::from_mins(5);

/// An endpoint's state of health. Pure: the time comes from outside.
#[derive(Debug, Default)]
pub(super) struct Health {
    failures: u32,
    /// Left out; may be probed from then on.
    skipped: Option<Instant>,
    /// It asked not to be asked before.
    wait: Option<Instant>,
    /// The chain it is on, once it has said.
    pub(super) chain: Option<u64>,
    /// The height of its latest block.
    pub(super) head: Option<u64>,
    /// What last went wrong, for people.
    pub(super) problem: Option<String>,
}

impl Health {
    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
        self.skipped = None;
        self.problem = None;
    }

    /// Notes a failure. Returns whether the endpoint is left out from now on.
    pub(super) fn failed(&mut self, now: Instant, skip: Duration, problem: String) -> bool {
        self.failures = self.failures.saturating_add(1);
        self.problem = Some(problem);
        let is_new = self.failures >= MOST_FAILURES && self.skipped.is_none();
        if self.failures >= MOST_FAILURES {
            self.skipped = Some(now + skip);
        }
        is_new
    }

    /// It answered 429.
    pub(super) fn limited(&mut self, now: Instant, retry_after: Duration) {
        self.wait = Some(now + retry_after.min(LONGEST_WAIT));
    }

    /// Whether it asked to be left alone.
    pub(super) fn is_waiting(&self, now: Instant) -> bool {
        self.wait.is_some_and(|until| now < until)
    }

    /// Whether reads go to it.
    pub(super) fn is_usable(&self, now: Instant) -> bool {
        self.skipped.is_none() && !self.is_waiting(now)
    }

    /// Whether it is time to look at it again.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        !self.is_waiting(now) && self.skipped.is_none_or(|since| now >= since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SKIP: Duration = Duration::from_secs(15);

    #[test]
    fn three_failures_in_a_row_leave_it_out_until_it_answers_a_probe() {
        let (mut health, start) = (Health::default(), Instant::now());
        assert!(!health.failed(start, SKIP, "1".into()));
        health.succeeded();
        assert!(!health.failed(start, SKIP, "1".into()));
        assert!(!health.failed(start, SKIP, "2".into()));
        assert!(health.is_usable(start), "the success between them counts");
        assert!(health.failed(start, SKIP, "3".into()));
        assert!(!health.is_usable(start) && !health.is_due(start));
        assert!(health.is_due(start + SKIP) && !health.is_usable(start + SKIP));
        assert!(!health.failed(start + SKIP, SKIP, "4".into()), "left out already");
        assert!(!health.is_due(start + SKIP));
        health.succeeded();
        assert!(health.is_usable(start + SKIP));
    }

    #[test]
    fn retry_after_is_honoured_but_not_for_ever() {
        let (mut health, start) = (Health::default(), Instant::now());
        health.limited(start, Duration::from_secs(7));
        assert!(!health.is_usable(start + Duration::from_secs(6)));
        assert!(health.is_usable(start + Duration::from_secs(7)));
        health.limited(start, Duration::from_secs(u64::from(u32::MAX)));
        assert!(health.is_usable(start + LONGEST_WAIT));
    }
}
