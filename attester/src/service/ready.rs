//! Whether the registry attests the operator now, for whoever runs on this node.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use alloy_primitives::Address;
use serde_json::{Value, json};

use crate::{Standing, file};

/// The answer, and a file that is there only while it is yes.
#[derive(Clone, Debug)]
pub(super) struct Ready {
    operator: Address,
    path: Option<PathBuf>,
    answer: Arc<Mutex<Answer>>,
}

#[derive(Debug, Default)]
struct Answer {
    /// Until when it is yes; `None`: no. By a clock that nobody sets: how long is left, the chain says.
    until: Option<Instant>,
    json: Value,
}

impl Ready {
    /// Not known yet: no.
    pub(super) fn new(operator: Address, path: Option<PathBuf>) -> Self {
        let ready = Self {
            operator,
            path,
            answer: Arc::default(),
        };
        ready.set(None, json!({"operator": operator, "isAttested": false}));
        ready
    }

    /// What the registry said when the chain's time was `now`. An endpoint that stands still says yes beyond the end.
    pub(super) fn learn(&self, now: u64, standing: &Standing) {
        if standing.is_attested && standing.expiry <= now {
            return self.set(None, self.doubt());
        }
        let mut json = json!(standing);
        json["operator"] = json!(self.operator);
        let left = Duration::from_secs(standing.expiry.saturating_sub(now));
        let until = standing.is_attested.then(|| Instant::now() + left);
        self.set(until, json);
    }

    /// The chain does not answer. Whether what it said last has run out by now.
    pub(super) fn expire(&self) -> bool {
        let has_ended = self.left() == Some(Duration::ZERO);
        if has_ended {
            self.set(None, self.doubt());
        }
        has_ended
    }

    /// How long the answer is still yes; `None` if it is no.
    pub(super) fn left(&self) -> Option<Duration> {
        let until = self.answer().until?;
        Some(until.saturating_duration_since(Instant::now()))
    }

    /// Whether, and what is known.
    pub(super) fn told(&self) -> (bool, Value) {
        if self.left() == Some(Duration::ZERO) {
            return (false, self.doubt());
        }
        let answer = self.answer();
        (answer.until.is_some(), answer.json.clone())
    }

    /// A copy that only answers.
    pub(super) fn reader(&self) -> Self {
        Self {
            operator: self.operator,
            path: None,
            answer: Arc::clone(&self.answer),
        }
    }

    /// The attestation's end has come, and no block after it.
    fn doubt(&self) -> Value {
        json!({"operator": self.operator, "isAttested": false, "reason": "it has run out, and the chain says nothing new"})
    }

    fn set(&self, until: Option<Instant>, json: Value) {
        let written = match &self.path {
            Some(path) if until.is_some() => file::replace(path, format!("{json}\n").as_bytes()),
            Some(path) => file::remove(path),
            None => Ok(()),
        };
        if let (Err(error), Some(path)) = (written, &self.path) {
            tracing::error!("the readiness file {} is not up to date: {error}", path.display());
        }
        *self.answer() = Answer { until, json };
    }

    fn answer(&self) -> MutexGuard<'_, Answer> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ready {
    /// Nobody keeps it up to date any more.
    fn drop(&mut self) {
        // The listener's copy has no path.
        if let Some(path) = &self.path {
            let _ = file::remove(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yes_ends_with_the_attestation_whoever_answers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ready");
        let ready = Ready::new(Address::ZERO, Some(path.clone()));
        let standing = Standing {
            ttl: 600,
            ..Standing::until(1600)
        };
        ready.learn(1000, &standing);
        assert!(ready.told().0 && ready.reader().told().0 && path.exists());
        assert!(!ready.expire(), "it holds for ten minutes");
        ready.learn(1600, &standing);
        assert!(!ready.reader().told().0 && !path.exists());
        assert!(!ready.expire(), "that is no news");
    }
}
