//! `chassis-node renew`: keeps an operator attested.
//!
//! A loop that looks (at the chain, this machine's boot, relayers), decides ([`plan`]), and renews. Times are the chain's. It
//! may be killed anywhere: what was sent is remembered before it is sent, and found again on chain or at a relayer. Beside it
//! another one looks at the chain, and tells whoever asks.

mod catalogue;
mod clock;
mod collecting;
mod listen;
mod memory;
mod plan;
mod ready;
mod sight;
mod watch;

use std::{fs, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use alloy_primitives::{B256, keccak256};
use chassis_verifier::bundle::{Disclosure, Evidence};
use tracing::{error, info, warn};

use crate::{Errand, Error, OnChain, OperatorKey, Progress, Relayers, Request, SessionKey};

pub use catalogue::{CATALOGUE, Kind, Metric};

use catalogue::seconds;
use collecting::Collecting;
use memory::{Memory, Pending};
use plan::{Reason, Step, View};
use ready::Ready;
use sight::Sight;
use watch::{Watch, count_failure};

/// Collects evidence; blocks.
pub type Collector = dyn Fn(&Request) -> Result<Evidence, Error> + Send + Sync;

/// All that the service works with.
pub struct Service {
    /// Whom to hand bundles to, and where to see what came of it.
    pub relayers: Relayers,
    /// Whose attestation it keeps.
    pub key: OperatorKey,
    /// Where evidence comes from.
    pub collector: Arc<Collector>,
    /// Where the kernel says which boot this is: `proc/sys/kernel/random/boot_id`.
    pub boot_id: PathBuf,
    /// Whose hash goes into quotes.
    pub session: SessionHash,
    /// How it goes about it.
    pub settings: Settings,
}

/// What quotes say of a session key.
#[derive(Clone, Debug)]
pub enum SessionHash {
    /// This; zero: nothing.
    Fixed(B256),
    /// That of a key in a file.
    Key(SessionKey),
}

/// How it goes about it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to remember.
    pub state: PathBuf,
    /// A file that is there while the registry attests the operator.
    pub ready: Option<PathBuf>,
    /// Where `/metrics`, `/healthz` and `/readyz` are served.
    pub listen: Option<SocketAddr>,
    /// How often chain and relayers are asked.
    pub watch: Duration,
    /// How long this machine may take to make evidence.
    pub machine_patience: Duration,
    /// How long one bundle may take to be final.
    pub patience: Duration,
    /// The pause after the first failure; each further one doubles it, up to [`LONGEST_PAUSE`].
    pub retry: Duration,
    /// Who may read bundles.
    pub disclosure: Disclosure,
}

/// Between two tries, however many have failed.
pub const LONGEST_PAUSE: Duration = Duration::from_mins(10);

/// Even for what is old, one look is worth it.
const LEAST_PATIENCE: Duration = Duration::from_secs(15);

impl Service {
    /// Runs until `stop`. What is under way then is taken up by the next start.
    ///
    /// # Errors
    /// If it cannot start: the chain does not answer, the state file is held by another process, the address is taken.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), Error> {
        let metrics = catalogue::install()?;
        let operator = self.key.address();
        let registry = &self.relayers.registry;
        let chain_id = registry.rpc.chain_id().await?;
        let memory = Memory::open(&self.settings.state, chain_id, registry.address, operator)?;
        let ready = Ready::new(operator, self.settings.ready.clone());
        let listener = match self.settings.listen {
            Some(address) => Some(listen::listen(address, metrics, ready.reader()).await?),
            None => None,
        };
        let listen = async {
            match listener {
                Some(listener) => listener.await,
                None => std::future::pending().await,
            }
        };
        info!(%operator, registry = %registry.address, chain = chain_id, "started");
        let sight = Sight::new(registry.clone(), operator, ready);
        let every = self.settings.watch;
        let mut keeper = Keeper {
            watch: Watch::new(every),
            collecting: Collecting::new(Arc::clone(&self.collector), self.settings.machine_patience),
            service: self,
            memory,
            sight: &sight,
            left_as: None,
        };
        tokio::select! {
            () = stop => {}
            () = listen => {}
            () = sight.keep_looking(every) => {}
            () = keeper.keep() => {}
        }
        keeper.collecting.finish().await;
        info!("stopped");
        Ok(())
    }
}

/// The service at work.
struct Keeper<'a> {
    service: Service,
    memory: Memory,
    sight: &'a Sight,
    watch: Watch,
    collecting: Collecting,
    /// Out of the registry, as that was last said.
    left_as: Option<OnChain>,
}

impl Keeper<'_> {
    async fn keep(&mut self) {
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
