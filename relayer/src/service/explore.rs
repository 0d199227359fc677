//! `chassis explore`: the index and the pages, without a relayer.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use alloy::primitives::Address;
use tokio::{net::TcpListener, task::JoinSet};
use tracing::info;

use super::{
    Phase, Phases, Supervisor, follow_log, forget_clients, health::Health, io, shutdown::told_to_stop,
};
use crate::{
    Error,
    chain::{Chain, Rpc},
    config::{LimitSection, TaskSection},
    explorer::{Explorer, Results, Settings},
    http::{Clients, Reading, pages, serve},
    index::{Index, IndexConfig},
    store::{Store, StoreConfig},
};

/// What is explored, and where it is shown.
#[derive(Clone, Debug)]
pub struct Explore {
    /// By what the registry's chain is read.
    pub rpc: Rpc,
    /// The registry.
    pub registry: Address,
    /// Relayers' interfaces or folders of archives, for appraisals.
    pub archives: Vec<String>,
    /// Where pages are served.
    pub listen: SocketAddr,
    /// Folder for what was read. `None`: it is read anew each time.
    pub cache: Option<PathBuf>,
    /// The block of the registry's creation, or one before it.
    pub start_block: Option<u64>,
}

const POLL: Duration = Duration::from_secs(1);

/// Follows a registry's log and serves pages about it, until `SIGTERM` or `SIGINT`.
///
/// # Errors
/// If it cannot start, or its listener fails.
pub async fn explore(asked: Explore) -> Result<(), Error> {
    let supervisor = Supervisor {
        health: Health::default(),
        phases: Phases::default(),
        limits: TaskSection::default(),
        pause: POLL,
        bell: Arc::default(),
    };
    let phases = supervisor.phases.clone();
    // Lives as long as the database in it.
    let folder = tempfile::tempdir().map_err(io("make a temporary folder".into()))?;
    let data = asked.cache.as_deref().unwrap_or_else(|| folder.path());
    let reading = open(&asked, data, phases.clone()).await?;
    let listener = TcpListener::bind(asked.listen)
        .await
        .map_err(io(format!("listen on {}", asked.listen)))?;
    let listen = listener.local_addr().map_err(io("listen".into()))?;
    let told_to_stop = told_to_stop()?;
    info!(%listen, registry = %asked.registry, "exploring");
    let limits = LimitSection::default();
    let clients = Arc::new(Clients::new(&limits));
    let mut tasks = JoinSet::new();
    tasks.spawn(follow_log(supervisor.clone(), reading.index.clone()));
    tasks.spawn(forget_clients(supervisor.clone(), Arc::clone(&clients)));
    let explorer = reading.explorer.clone();
    tasks.spawn(supervisor.every("explorer", Phase::Stopped, async move || explorer.step().await));
    let router = pages(reading, clients, limits.clone());
    let served = serve(listener, router, limits, phases.clone());
    tokio::pin!(served);
    let outcome = tokio::select! {
        () = told_to_stop => Ok(()),
        result = &mut served => result.map_err(io("serve HTTP".into())),
    };
    phases.advance(Phase::Stopped);
    if outcome.is_ok() {
        let _ = tokio::time::timeout(LAST_STEP, served).await;
    }
    let _ = tokio::time::timeout(LAST_STEP, async { while tasks.join_next().await.is_some() {} }).await;
    info!("stopped");
    outcome
}

/// What pages are made from, with the database in `data`.
async fn open(asked: &Explore, data: &Path, phases: Phases) -> Result<Reading, Error> {
    let chain = Chain::connect(&asked.rpc, asked.registry).await?;
    std::fs::create_dir_all(data).map_err(io(format!("make {}", data.display())))?;
    let settings = StoreConfig::default();
    let url = settings.in_force(data).map_err(|problem| Error::Config {
        path: data.to_owned(),
        mistakes: vec![problem],
    })?;
    let store = Store::connect(&url, &settings).await?;
    let settings = IndexConfig {
        start_block: asked.start_block,
        ..IndexConfig::default()
    };
    let index = Index::new(store.clone(), chain.clone(), settings);
    let explorer = Explorer::new(
        &Settings::default(),
        store.clone(),
        index.clone(),
        chain.clone(),
        Results::open(&asked.archives)?,
        phases,
    );
    Ok(Reading {
        store,
        chain,
        index,
        explorer,
    })
}

/// How long pages and tasks may take to end.
const LAST_STEP: Duration = Duration::from_secs(5);
