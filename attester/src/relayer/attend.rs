//! One relayer and one bundle: offered until it is taken, then asked about until it is decided.

use std::{sync::Arc, time::Duration};

use alloy_primitives::B256;
use tokio::{sync::mpsc, time::sleep};

use super::{Relayer, State, Status};
use crate::Error;

/// Between two questions.
const POLL: Duration = Duration::from_secs(1);
/// Before a bundle is offered again. Longer after the first tries.
const PAUSES: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
];

/// What a relayer has to do with a bundle.
#[derive(Debug)]
pub(super) enum Heard {
    /// It says something new.
    Said(Status),
    /// It does not answer, and is asked again. Nothing is known of it yet, if it has not said anything before.
    Away(Error),
    /// It is not asked any more.
    Out(Error),
}

/// Who hears it.
pub(super) type Ear = mpsc::Sender<(usize, Heard)>;

impl Relayer {
    /// Ends when the relayer is done with the bundle, or nobody listens any more. Without `bundle`, the relayer is
    /// expected to have it.
    pub(super) async fn attend(self, number: usize, digest: B256, bundle: Option<Arc<Vec<u8>>>, ear: Ear) {
        let mut last: Option<Status> = None;
        let mut failures = 0;
        loop {
            let answer = match (&bundle, &last) {
                (Some(bundle), None) => self.submit(digest, bundle.to_vec()).await,
                _ => self.status(digest).await,
            };
            let (heard, pause) = match answer {
                Ok(status) => {
                    failures = 0;
                    let is_new = last.as_ref() != Some(&status);
                    last = Some(status.clone());
                    match status.state {
                        State::Rejected => (Some(Heard::Out(rejected(status))), None),
                        State::Failed => (Some(Heard::Out(self.given_up(&status))), None),
                        State::Final => (Some(Heard::Said(status)), None),
                        _ => (is_new.then_some(Heard::Said(status)), Some(POLL)),
                    }
                }
                Err(error) if error.is_retryable() => {
                    let pause = PAUSES[failures.min(PAUSES.len() - 1)];
                    failures += 1;
                    (Some(Heard::Away(error)), Some(pause))
                }
                Err(error) => (Some(Heard::Out(error)), None),
            };
            if let Some(heard) = heard
                && ear.send((number, heard)).await.is_err()
            {
                return;
            }
            match pause {
                Some(pause) => sleep(pause).await,
                None => return,
            }
        }
    }
}

impl Relayer {
    /// Nothing more comes of this bundle there, and a new one is made before long.
    fn given_up(&self, status: &Status) -> Error {
        let reason = if status.reason.is_empty() {
            "it gives no reason"
        } else {
            &status.reason
        };
        Error::Relayer {
            relayer: self.name().to_owned(),
            problem: format!(
                "it has given up bundle {}: {reason}; run again, for fresh evidence",
                status.digest
            ),
            retryable: false,
        }
    }
}

fn rejected(status: Status) -> Error {
    Error::Rejected {
        digest: status.digest,
        reason: status.reason,
        checks: status.checks,
    }
}
