//! Answers, kept for as long as they are good. Many who want the same thing make one request.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hasher, RandomState},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use chassis_program::unix_now;
use tracing::warn;

use super::{
    Sources,
    client::{Answer, Client},
    health::Health,
};
use crate::Error;

/// Most URLs remembered. Beyond it, those that nobody waits for are forgotten.
const MOST: usize = 20_000;

/// Pause after the first failure.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Hex digits of a PPID.
const PPID_DIGITS: usize = 32;

/// What an answer says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Worth {
    /// Until when it may be used, Unix seconds.
    pub(super) until: u64,
    /// Its place in the order in which its issuer made it: TCB evaluation data number, CRL number.
    pub(super) number: u64,
}

/// Answers by URL.
#[derive(Clone, Debug)]
pub(super) struct Cache {
    client: Client,
    pub(super) health: Health,
    slots: Arc<Mutex<HashMap<String, Slot>>>,
    refresh: u64,
    max_pause: Duration,
}

/// Whoever holds it fetches; the others wait for what he brings.
type Slot = Arc<tokio::sync::Mutex<Kept>>;

#[derive(Debug, Default)]
struct Kept {
    good: Option<Good>,
    failures: u32,
    failed: Option<Failed>,
}

#[derive(Debug)]
struct Good {
    answer: Arc<Answer>,
    worth: Worth,
    /// Unix seconds.
    refresh_at: u64,
}

#[derive(Debug)]
struct Failed {
    problem: String,
    retry_at: Instant,
}

impl Cache {
    pub(super) fn new(client: Client, sources: &Sources) -> Self {
        Self {
            client,
            health: Health::default(),
            slots: Arc::default(),
            refresh: sources.refresh_s,
            max_pause: Duration::from_secs(sources.max_backoff_s),
        }
    }

    /// What `url` answers, which `read` finds worth keeping.
    ///
    /// An answer is asked for again after a while though it is still good. If the source fails then, or answers what
    /// `read` refuses or what is older than the answer before, that one stays in use until its own end.
    pub(super) async fn get(
        &self,
        source: &'static str,
        url: &str,
        read: impl FnOnce(&Answer) -> Result<Worth, String>,
    ) -> Result<Arc<Answer>, Error> {
        let slot = self.slot(url);
        let mut kept = slot.lock().await;
        let now = unix_now();
        if let Some(good) = kept.good.as_ref().filter(|good| now < good.refresh_at) {
            return Ok(Arc::clone(&good.answer));
        }
        if kept
            .failed
            .as_ref()
            .is_none_or(|failed| failed.retry_at <= Instant::now())
        {
            let begin = Instant::now();
            let answer = self.client.get(url).await;
            metrics::histogram!("chassis_endorsement_fetch_seconds", "source" => source)
                .record(begin.elapsed().as_secs_f64());
            let read = answer.and_then(|answer| {
                let worth = read(&answer)?;
                kept.refuse_older(worth, now)?;
                Ok((answer, worth))
            });
            let outcome = if read.is_ok() { "ok" } else { "failed" };
            metrics::counter!("chassis_endorsement_fetches_total", "source" => source, "outcome" => outcome)
                .increment(1);
            match read {
                Ok((answer, worth)) => {
                    self.health.answered(source);
                    let (worth, refresh_at) = if self.client.replays() {
                        let until = u64::MAX;
                        (Worth { until, ..worth }, until)
                    } else {
                        (worth, (now + self.refresh).min(worth.until))
                    };
                    return Ok(kept.keep(answer, worth, refresh_at));
                }
                Err(problem) => {
                    warn!(source, url = nameless(url), problem, "no endorsement");
                    self.health.failed(source, &problem);
                    kept.fail(problem, self.max_pause);
                }
            }
        }
        kept.stale(url, unix_now())
    }

    fn slot(&self, url: &str) -> Slot {
        // Nothing is left half-done by a panic.
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= MOST && !slots.contains_key(url) {
            slots.retain(|_, slot| Arc::strong_count(slot) > 1);
        }
        Arc::clone(slots.entry(url.to_owned()).or_default())
    }
}

impl Kept {
    /// A source that goes back to what was in force earlier is broken, or somebody stands in between. What has expired bars
    /// nothing.
    fn refuse_older(&self, worth: Worth, now: u64) -> Result<(), String> {
        match &self.good {
            Some(good) if now < good.worth.until && worth.number < good.worth.number => Err(format!(
                "number {} is older than number {}, which it answered before",
                worth.number, good.worth.number
            )),
            _ => Ok(()),
        }
    }

    fn keep(&mut self, answer: Answer, worth: Worth, refresh_at: u64) -> Arc<Answer> {
        let answer = Arc::new(answer);
        *self = Self {
            good: Some(Good {
                answer: Arc::clone(&answer),
                worth,
                refresh_at,
            }),
            ..Self::default()
        };
        answer
    }

    fn fail(&mut self, problem: String, max_pause: Duration) {
        let pause = FIRST_PAUSE
            .saturating_mul(1 << self.failures.min(16))
            .min(max_pause);
        self.failures = self.failures.saturating_add(1);
        self.failed = Some(Failed {
            problem,
            retry_at: Instant::now() + jittered(pause),
        });
    }

    /// The last good answer if it is still good.
    fn stale(&self, url: &str, now: u64) -> Result<Arc<Answer>, Error> {
        match &self.good {
            Some(good) if now < good.worth.until => Ok(Arc::clone(&good.answer)),
            _ => Err(Error::Endorsement {
                url: nameless(url),
                problem: self
                    .failed
                    .as_ref()
                    .map_or("no answer yet", |failed| &failed.problem)
                    .to_owned(),
            }),
        }
    }
}

/// A URL without the PPID in it: that names a machine, and logs and reasons are read by many.
pub(super) fn nameless(url: &str) -> String {
    let mut shown = String::new();
    let mut rest = url;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        shown.push_str(if digits < PPID_DIGITS { number } else { "{ppid}" });
        // What ends the digits may be of any length.
        let other = after.find(|c: char| c.is_ascii_hexdigit()).unwrap_or(after.len());
        let (between, next) = after.split_at(other);
        shown.push_str(between);
        rest = next;
    }
    shown
}

/// Between half the pause and all of it, so that relayers that failed together do not come back together.
fn jittered(pause: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish();
    pause.mul_f64(0.5 + 0.5 * f64::from((random >> 32) as u32) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ppid_is_not_shown_and_an_fmspc_is() {
        for (url, shown) in [
            (
                "https://hosts.example/0123456789abcdef0123456789ABCDEF/v1?x=é",
                "https://hosts.example/{ppid}/v1?x=é",
            ),
            (
                "https://pccs.example/tcb?fmspc=00906ed50000",
                "https://pccs.example/tcb?fmspc=00906ed50000",
            ),
        ] {
            assert_eq!(nameless(url), shown);
        }
    }

    #[test]
    fn what_is_older_is_refused_until_what_it_is_older_than_has_expired() {
        let mut kept = Kept::default();
        let worth = |until, number| Worth { until, number };
        let answer = Answer {
            url: String::new(),
            fetched_at: 10,
            status: 200,
            headers: std::collections::BTreeMap::new(),
            body: Vec::new().into(),
        };
        kept.keep(answer, worth(100, 7), 15);
        assert!(kept.refuse_older(worth(200, 7), 99).is_ok());
        assert!(kept.refuse_older(worth(200, 6), 99).is_err());
        assert!(kept.refuse_older(worth(200, 6), 100).is_ok());
    }

    #[test]
    fn pauses_grow_to_their_limit_and_are_never_none() {
        let mut kept = Kept::default();
        let most = Duration::from_mins(1);
        for failure in 0..40 {
            let before = Instant::now();
            kept.fail("down".into(), most);
            let pause = kept.failed.as_ref().unwrap().retry_at - before;
            let least = FIRST_PAUSE.saturating_mul(1 << failure.min(16)).min(most) / 2;
            assert!(
                pause >= least && pause <= most + Duration::from_secs(1),
                "{failure}: {pause:?}"
            );
        }
    }
}
