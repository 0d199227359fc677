//! `chassis explore`: the index and the pages, without a relayer.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use alloy::primitives::Address;
use reqwest::Url;
use tokio::{net::TcpListener, task::JoinSet};
use tracing::info;

use super::{Phase, Phases, Supervisor, health::Health, io, shutdown::told_to_stop, watch};
use crate::{
    Error,
    chain::{Chain, Rpc, RpcFile},
    config::{LimitSection, TaskSection},
    explorer::{Explorer, Results, Settings},
    http::{Clients, Reading, pages, serve},
    index::{Index, IndexConfig},
    store::{Store, StoreConfig},
};

/// What is explored, and where it is shown.
#[derive(Clone, Debug)]
pub struct Explore {
    /// Endpoints of the registry's chain. Of several, two must agree.
    pub rpc: Vec<Url>,
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
const CLIENTS_FORGOTTEN: Duration = Duration::from_secs(30);

/// Follows a registry's log and serves pages about it, until `SIGTERM` or `SIGINT`.
///
/// # Errors
/// If it cannot start, or its listener fails.
pub async fn explore(asked: Explore) -> Result<(), Error> {
    let rpc = Rpc {
        urls: asked.rpc,
        file: RpcFile::default(),
    };
    let chain = Chain::connect(&rpc, asked.registry).await?;
    // Lives as long as the database in it.
    let folder = tempfile::tempdir().map_err(io("make a temporary folder".into()))?;
    let data = asked.cache.unwrap_or_else(|| folder.path().to_owned());
    std::fs::create_dir_all(&data).map_err(io(format!("make {}", data.display())))?;
    let settings = StoreConfig::default();
    let url = settings.in_force(&data).map_err(|problem| Error::Config {
        path: data.clone(),
        mistakes: vec![problem],
    })?;
    let store = Store::connect(&url, &settings).await?;
    let index = Index::new(
        store.clone(),
        chain.clone(),
        IndexConfig {
            start_block: asked.start_block,
            ..IndexConfig::default()
        },
    );
    let results = Results::open(&asked.archives)?;
    let listener = TcpListener::bind(asked.listen)
        .await
        .map_err(io(format!("listen on {}", asked.listen)))?;
    let listen = listener.local_addr().map_err(io("listen".into()))?;
    let told_to_stop = told_to_stop()?;
    let supervisor = Supervisor {
        health: Health::default(),
        phases: Phases::default(),
        limits: TaskSection::default(),
        pause: POLL,
        bell: Arc::default(),
    };
    let phases = supervisor.phases.clone();
    let explorer = Explorer::new(
        &Settings::default(),
        store.clone(),
        index.clone(),
        chain.clone(),
        results,
        phases.clone(),
    );
    let reading = Reading {
        store,
        chain,
        index: index.clone(),
        explorer: explorer.clone(),
    };
    info!(%listen, registry = %asked.registry, "exploring");
    let limits = LimitSection::default();
    let clients = Arc::new(Clients::new(&limits));
    let mut tasks = JoinSet::new();
    tasks.spawn(watch(supervisor.clone(), index));
    tasks.spawn(
        supervisor
            .clone()
            .every("explorer", Phase::Stopped, async move || explorer.step().await),
    );
    let counted = Arc::clone(&clients);
    tasks.spawn(
        supervisor
            .pausing(CLIENTS_FORGOTTEN)
            .every("clients", Phase::Stopped, async move || {
                counted.forget();
                Ok(false)
            }),
    );
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

/// How long pages and tasks may take to end.
const LAST_STEP: Duration = Duration::from_secs(5);
