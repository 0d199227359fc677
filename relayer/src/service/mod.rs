//! `chassis relay`: the HTTP interface and all tasks, until told to stop.

mod explore;
mod health;
mod phase;
mod shutdown;
mod supervise;

use std::{path::PathBuf, sync::Arc, time::Duration};

use chassis_verifier::Memo;
use tokio::{net::TcpListener, task::JoinSet};
use tracing::{error, info};

use crate::{
    Error,
    appraiser::{Appraiser, Blocks, Held},
    archive::{Archive, Kind},
    chain::Chain,
    config::Config,
    cosign::Cosigner,
    endorse::Endorser,
    explorer::{Explorer, Results},
    http::{App, Clients, Intake, Keeping, router, serve},
    index::Index,
    post::Poster,
    reappraise::Reappraiser,
    store::Store,
    webhook::Courier,
};

pub use explore::{Explore, explore};
pub use health::Health;
pub use phase::{Phase, Phases};
pub use supervise::Supervisor;

use shutdown::{drain, told_to_stop};

/// Runs a relayer until `SIGTERM` or `SIGINT`. Then, in two phases: intake stops and nothing new is signed, while what
/// is signed, and this relayer's to post, is brought on chain, for at most `[shutdown] grace_s`; then every task ends after
/// the step it is in. All that is signed is stored, to be taken up by the next start. A second signal ends the program at
/// once.
///
/// # Errors
/// If it cannot start, its listener fails, or a task ends by itself.
pub async fn relay(config: Config) -> Result<(), Error> {
    let metrics = crate::metrics::install()?;
    let parts = Parts::open(&config).await?;
    let listener = TcpListener::bind(config.file.listen)
        .await
        .map_err(io(format!("listen on {}", config.file.listen)))?;
    let told_to_stop = told_to_stop()?;
    info!(listen = %config.file.listen, store = %config.store, archive = %config.archive, relayer = %config.signer.address(), chain = parts.chain.id, "started");

    let supervisor = Supervisor {
        health: Health::default(),
        phases: Phases::default(),
        limits: config.file.tasks.clone(),
        pause: Duration::from_millis(config.file.poll_ms),
        bell: Arc::default(),
    };
    let clients = Arc::new(Clients::new(&config.file.limits));
    let mut tasks = parts.tasks(&config, &supervisor, Arc::clone(&clients))?;
    let explorer = parts.explorer(&config, &supervisor.phases);
    let history = explorer.clone();
    tasks.spawn(
        supervisor
            .clone()
            .every("explorer", Phase::Stopped, async move || {
                let moved = history.step().await?;
                Ok(history.tell().await? || moved)
            }),
    );
    let (lease, phases) = (parts.lease.clone(), supervisor.phases.clone());
    let app = App {
        store: parts.store,
        archive: parts.archive,
        chain: parts.chain,
        endorser: parts.endorser,
        cosigner: parts.cosigner,
        index: parts.index,
        explorer,
        has_pages: config.file.explorer.enabled,
        poster: parts.poster,
        max_queue: config.file.max_queue,
        intake: Intake::new(&config.file.limits),
        held: parts.held,
        limits: config.file.limits.clone(),
        clients,
        keeping: Keeping::default(),
        metrics,
        webhooks: config.file.webhooks.clone(),
        health: supervisor.health,
        phases: supervisor.phases,
    };
    let limits = config.file.limits.clone();
    let mut served = tokio::spawn(serve(listener, router(app), limits, phases.clone()));
    let outcome = tokio::select! {
        () = told_to_stop => Ok(()),
        // Only a listener that failed ends by itself.
        result = &mut served => Err(failed_to_serve(result)),
        Some(ended) = tasks.join_next() => Err(Error::Ended { task: ended.unwrap_or("unknown") }),
    };
    if let Err(error) = &outcome {
        error!(code = error.code(), %error, "stopping");
    }
    let grace = Duration::from_secs(config.file.shutdown.grace_s);
    drain(&phases, &lease, config.signer.address(), grace, tasks, served).await;
    info!("stopped");
    outcome
}

/// What the tasks and the interface work with.
struct Parts {
    store: Store,
    /// The same, for what one replica does at a time.
    lease: Store,
    archive: Archive,
    chain: Chain,
    endorser: Endorser,
    cosigner: Cosigner,
    index: Index,
    poster: Poster,
    held: Held,
}

impl Parts {
    async fn open(config: &Config) -> Result<Self, Error> {
        let data = &config.file.data_dir;
        std::fs::create_dir_all(data).map_err(io(format!("make {}", data.display())))?;
        let store = Store::connect(&config.store, &config.file.store).await?;
        let archive = Archive::at(&config.archive)?;
        let policy = config.policy.digest()?;
        let document = chassis_verifier::bundle::canonical_json(&config.policy)?;
        archive.put(Kind::Policy, policy, document).await?;
        let chain = Chain::connect(&config.rpc, config.file.registry).await?;
        let index = Index::new(store.clone(), chain.clone(), config.file.index.clone());
        // Of all replicas with this key, one proposes and posts: nonces are one sequence.
        let lease = store.fenced(&format!("post {}", config.signer.address()));
        let poster = Poster::new(config, lease.clone(), chain.clone());
        let endorser = Endorser::new(config.file.endorsements.clone(), &config.policy)?;
        let cosigner = Cosigner::new(
            config,
            store.clone(),
            archive.clone(),
            chain.clone(),
            endorser.clone(),
            index.alarm().clone(),
        )?;
        info!(%policy, "opened");
        Ok(Self {
            store,
            lease,
            archive,
            chain,
            endorser,
            cosigner,
            index,
            poster,
            held: Held::default(),
        })
    }

    /// Even where no pages are served: operators are told of what changes.
    fn explorer(&self, config: &Config, phases: &Phases) -> Explorer {
        let settings = &config.file.explorer;
        let (store, index, chain) = (self.store.clone(), self.index.clone(), self.chain.clone());
        let results = Results::own(self.archive.clone());
        Explorer::new(settings, store, index, chain, results, phases.clone())
    }

    /// Starts every task. What signs anew runs until [`Phase::Draining`]; what brings on chain, or watches, until
    /// [`Phase::Stopped`].
    fn tasks(
        &self,
        config: &Config,
        supervisor: &Supervisor,
        clients: Arc<Clients>,
    ) -> Result<JoinSet<&'static str>, Error> {
        let appraiser = Appraiser {
            store: self.store.clone(),
            archive: self.archive.clone(),
            held: self.held.clone(),
            chain: self.chain.clone(),
            endorser: self.endorser.clone(),
            policy: Arc::new(config.policy.clone()),
            blocks: Blocks::default(),
            memo: Memo::default(),
        };
        let probe = Duration::from_millis(config.rpc.file.probe_ms);
        let mut tasks = JoinSet::new();
        spawn_cosigning(&mut tasks, supervisor, &self.cosigner, &self.lease);
        spawn_judging(&mut tasks, supervisor, appraiser, self.lease.clone(), config)?;
        spawn_posting(
            &mut tasks,
            supervisor,
            &self.chain,
            &self.poster,
            &self.lease,
            probe,
        );
        tasks.spawn(follow_log(supervisor.clone(), self.index.clone()));
        tasks.spawn(forget_clients(supervisor.clone(), clients));
        Ok(tasks)
    }
}

/// Judges what is new, and again what is on chain, and tells operators.
fn spawn_judging(
    tasks: &mut JoinSet<&'static str>,
    supervisor: &Supervisor,
    appraiser: Appraiser,
    turn: Store,
    config: &Config,
) -> Result<(), Error> {
    let reappraiser = Reappraiser::new(config, &appraiser)?;
    let courier_turn = turn.clone();
    let (settings, store) = (config.file.webhooks.clone(), appraiser.store.clone());
    let courier = Courier::new(settings, store, config.signer.clone());
    let arrival = appraiser.store.arrival();
    tasks.spawn(
        supervisor
            .clone()
            .woken_by(arrival)
            .every("appraise", Phase::Draining, async move || {
                appraiser.tick().await.map(|moved| moved > 0)
            }),
    );
    let interval = Duration::from_secs(config.file.reappraise.interval_s);
    tasks.spawn(
        supervisor
            .clone()
            .pausing(interval)
            .every("reappraise", Phase::Draining, async move || {
                // Of all replicas, one goes round: the one that posts.
                Ok(turn.hold().await? && reappraiser.tick().await?)
            }),
    );
    let turn = courier_turn;
    tasks.spawn(
        supervisor
            .clone()
            .every("webhooks", Phase::Draining, async move || {
                // And sends messages: each replica's tries would count against the same few.
                Ok(turn.hold().await? && courier.tick().await?)
            }),
    );
    Ok(())
}

/// Posts, and looks at endpoints and the account every `probe`.
fn spawn_posting(
    tasks: &mut JoinSet<&'static str>,
    supervisor: &Supervisor,
    chain: &Chain,
    poster: &Poster,
    lease: &Store,
    probe: Duration,
) {
    let (endpoints, account) = (chain.clone(), poster.clone());
    tasks.spawn(
        supervisor
            .clone()
            .pausing(probe)
            .every("rpc", Phase::Stopped, async move || {
                endpoints.probe().await;
                account.measure().await
            }),
    );
    let (steps, turn) = (poster.clone(), lease.clone());
    tasks.spawn(supervisor.clone().every("post", Phase::Stopped, async move || {
        Ok(turn.hold().await? && steps.tick().await?)
    }));
}

/// Proposes and finishes reports, and sees who is there. While it drains, nothing new is proposed.
///
/// Others' proposals every replica answers: that no two results are signed under one name is a constraint, not a turn.
fn spawn_cosigning(
    tasks: &mut JoinSet<&'static str>,
    supervisor: &Supervisor,
    cosigner: &Cosigner,
    lease: &Store,
) {
    let (steps, phases, turn) = (cosigner.clone(), supervisor.phases.clone(), lease.clone());
    tasks.spawn(supervisor.clone().every("cosign", Phase::Stopped, async move || {
        if !turn.hold().await? {
            return Ok(false);
        }
        match phases.now() {
            Phase::Running => steps.tick().await,
            Phase::Draining | Phase::Stopped => steps.finish().await,
        }
    }));
    let (steps, turn) = (cosigner.clone(), lease.clone());
    tasks.spawn(
        supervisor
            .clone()
            .pausing(GREETING)
            .every("freeze", Phase::Draining, async move || {
                Ok(turn.hold().await? && steps.freeze().await?)
            }),
    );
    let steps = cosigner.clone();
    tasks.spawn(
        supervisor
            .clone()
            .pausing(GREETING)
            .every("greet", Phase::Draining, async move || steps.greet().await),
    );
}

async fn follow_log(supervisor: Supervisor, index: Index) -> &'static str {
    let step = async move || index.step().await;
    supervisor.every("index", Phase::Stopped, step).await
}

async fn forget_clients(supervisor: Supervisor, clients: Arc<Clients>) -> &'static str {
    let step = async move || {
        clients.forget();
        Ok(false)
    };
    let supervisor = supervisor.pausing(CLIENTS_FORGOTTEN);
    supervisor.every("clients", Phase::Stopped, step).await
}

/// How often the other relayers are greeted, and asked about freezes.
const GREETING: Duration = Duration::from_secs(5);
/// How often the counts of clients that have gone are dropped.
const CLIENTS_FORGOTTEN: Duration = Duration::from_secs(30);

fn failed_to_serve(result: Result<std::io::Result<()>, tokio::task::JoinError>) -> Error {
    let source = match result {
        Ok(Ok(())) => std::io::Error::other("the listener is gone"),
        Ok(Err(error)) => error,
        Err(panic) => std::io::Error::other(panic),
    };
    io("serve HTTP".into())(source)
}

fn io(doing: String) -> impl FnOnce(std::io::Error) -> Error {
    move |source| Error::Io { doing, source }
}

/// Loads the configuration and runs.
///
/// # Errors
/// As [`Config::load`] and [`relay`].
pub async fn relay_from(path: PathBuf) -> Result<(), Error> {
    relay(Config::load(&path).await?).await
}
