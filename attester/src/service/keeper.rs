//! The loop that keeps an operator attested.

use std::{fs, sync::Arc, time::Duration};

use alloy_primitives::keccak256;
use tracing::{error, info, warn};

use super::{
    LONGEST_PAUSE, Service, SessionHash,
    catalogue::seconds,
    collecting::Collecting,
    memory::{Memory, Pending},
    plan::{self, Reason, Step, View},
    sight::Sight,
    watch::{Watch, count_failure},
};
use crate::{Errand, Error, OnChain, Progress, Request};

/// The service at work.
pub(super) struct Keeper<'a> {
    service: Service,
    memory: Memory,
    sight: &'a Sight,
    watch: Watch,
    collecting: Collecting,
    /// Out of the registry, as that was last said.
    left_as: Option<OnChain>,
}

/// Even for what is old, one look is worth it.
const LEAST_PATIENCE: Duration = Duration::from_secs(15);

impl<'a> Keeper<'a> {
    pub(super) fn new(service: Service, memory: Memory, sight: &'a Sight) -> Self {
        let settings = &service.settings;
        Self {
            watch: Watch::new(settings.watch),
            collecting: Collecting::new(Arc::clone(&service.collector), settings.machine_patience),
            service,
            memory,
            sight,
            left_as: None,
        }
    }

    /// Once nothing else is asked of it.
    pub(super) async fn finish(&self) {
        self.collecting.finish().await;
    }

    pub(super) async fn keep(&mut self) {
        let mut failures = 0;
        loop {
            let pause = match self.turn().await {
                Ok(pause) => {
                    failures = 0;
                    pause
                }
                Err(problem) => {
                    failures += 1;
                    Self::report(&problem);
                    self.pause_after(failures)
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Looks once, and renews if that is due. Gives the time until the next look.
    async fn turn(&mut self) -> Result<Duration, Error> {
        let (now, standing) = self.sight.look().await?;
        self.memory.known.come_down_to(now);
        let (watch, retry) = (self.service.settings.watch, self.service.settings.retry);
        if let Some(pending) = self.memory.known.pending.clone() {
            self.take_up(pending, now).await.inspect_err(count_unanswered)?;
            return Ok(retry);
        }
        let is_warned = self
            .watch
            .is_warned(&self.service.relayers, self.service.key.address())
            .await;
        let boot_id = self.boot_id();
        let step = plan::next(&View {
            operator: self.service.key.address(),
            now,
            standing: &standing,
            landed: self.memory.known.landed,
            unchanged: self.memory.known.unchanged,
            is_same_boot: boot_id == self.memory.known.boot_id,
            is_warned,
            heeded: self.memory.known.heeded,
        });
        let due = if let Step::Wait(due) = step { due } else { 0 };
        metrics::gauge!("chassis_node_next_renewal_timestamp_seconds").set(seconds(due));
        if step != Step::Leave {
            self.left_as = None;
        }
        match step {
            Step::Renew(reason) => {
                self.renew(reason, now, boot_id)
                    .await
                    .inspect_err(count_unanswered)?;
                Ok(retry)
            }
            Step::Wait(due) => Ok(watch.min(Duration::from_secs(due.saturating_sub(now).max(1)))),
            Step::Leave => {
                if self.left_as.replace(standing.status) != Some(standing.status) {
                    let (operator, status) = (self.service.key.address(), standing.status);
                    warn!(
                        "{}; this service leaves it alone",
                        Error::Down { operator, status }
                    );
                }
                Ok(watch)
            }
        }
    }

    async fn renew(&mut self, reason: Reason, now: u64, boot_id: Option<String>) -> Result<(), Error> {
        info!(reason = reason.name(), "renewing");
        if reason == Reason::Warned {
            // Also if it fails: whoever warns must not have us try all the time.
            self.memory.known.heeded = now;
            self.memory.save()?;
        }
        let service = &self.service;
        let registry = &service.relayers.registry;
        let session_key_hash = match &service.session {
            SessionHash::Fixed(hash) => *hash,
            SessionHash::Key(key) => key.next()?,
        };
        let request = Request {
            anchor: registry.rpc.finalized_anchor(registry.address).await?,
            operator: service.key.address(),
            session_key_hash,
            disclosure: service.settings.disclosure,
        };
        let evidence = self.collecting.collect(request).await?;
        let bundle = service.key.consent(evidence).await?;
        let json = bundle.to_json()?;
        let errand = service.relayers.errand(&bundle).await?;
        self.memory.known.pending = Some(Pending::new(&errand, boot_id, session_key_hash, now));
        self.memory.save()?;
        self.land(&errand, Some(json), self.service.settings.patience)
            .await
    }

    /// What was sent before a restart.
    async fn take_up(&mut self, pending: Pending, now: u64) -> Result<(), Error> {
        let errand = pending.errand(self.service.key.address());
        info!(bundle = %errand.digest, "taking up what was sent before");
        let age = Duration::from_secs(now.saturating_sub(pending.sent));
        let patience = self
            .service
            .settings
            .patience
            .saturating_sub(age)
            .max(LEAST_PATIENCE);
        self.land(&errand, None, patience).await
    }

    /// Waits for what was remembered as pending; afterwards it is not any more.
    async fn land(
        &mut self,
        errand: &Errand,
        bundle: Option<Vec<u8>>,
        patience: Duration,
    ) -> Result<(), Error> {
        let outcome = self
            .service
            .relayers
            .land(errand, bundle, patience, &mut |progress| log(&progress))
            .await;
        let pending = self.memory.known.pending.take();
        match (&outcome, pending) {
            (Ok(standing), Some(pending)) => {
                count("landed");
                info!(bundle = %errand.digest, expiry = standing.expiry, "attested");
                if let SessionHash::Key(key) = &self.service.session {
                    key.landed(pending.session_key_hash)?;
                }
                self.memory.known.boot_id = pending.boot_id;
                self.memory.known.landed = pending.evidence_time;
            }
            // Of boot and session key nothing is known: on chain is another bundle.
            (Err(Error::Unchanged { .. }), Some(pending)) => self.memory.known.unchanged = pending.sent,
            _ => {}
        }
        self.memory.save()?;
        outcome.map(|_| ())
    }

    fn report(problem: &Error) {
        match problem {
            // A look is counted by the sight, a renewal by `count_unanswered`.
            Error::Rpc { .. } => {}
            Error::Unchanged { .. } => {
                count("unchanged");
                return info!("{problem}");
            }
            Error::Rejected { checks, .. } => {
                count("rejected");
                for check in checks.iter().filter(|check| check.failed()) {
                    let advice = crate::advice(check.id).unwrap_or("update chassis-node");
                    error!(check = check.id, "{}: {}; {advice}", check.name, check.detail);
                }
            }
            _ => count("failed"),
        }
        error!("{problem}");
    }

    /// Longer after each failure, and not the same for two nodes.
    fn pause_after(&self, failures: u32) -> Duration {
        let pause = self.service.settings.retry * 2u32.saturating_pow((failures - 1).min(16));
        let seed = [self.service.key.address().as_slice(), &failures.to_be_bytes()].concat();
        // Between three and five quarters.
        let part = 192 + u32::from(keccak256(seed)[0]) / 2;
        pause.min(LONGEST_PAUSE) * part / 256
    }

    fn boot_id(&self) -> Option<String> {
        let text = fs::read_to_string(&self.service.boot_id).ok()?;
        Some(text.trim().to_owned())
    }
}

fn count(outcome: &'static str) {
    metrics::counter!("chassis_node_renewals_total", "outcome" => outcome).increment(1);
}

/// Counts a renewal that failed for the chain's endpoint: of the error alone it could not be told from a look that failed.
fn count_unanswered(problem: &Error) {
    if let Error::Rpc { .. } = problem {
        count("failed");
    }
}

fn log(progress: &Progress<'_>) {
    match progress {
        Progress::Said(relayer, status) => info!(relayer = relayer.name(), state = %status.state, "it says"),
        Progress::Trouble(relayer, problem) => {
            count_failure(relayer.name());
            warn!("{problem}");
        }
        Progress::Blind(problem) => warn!("{problem}; asking again"),
        Progress::Included(standing) => info!(expiry = standing.expiry, "on chain; waiting for finality"),
    }
}
