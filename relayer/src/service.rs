//! `chassis relay`: the HTTP interface, the appraiser and the poster, until told to stop.

use std::{path::PathBuf, sync::Arc, time::Duration};

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::{net::TcpListener, signal::unix, sync::watch};
use tracing::{error, info};

use crate::{
    Error,
    appraiser::Appraiser,
    archive::{Archive, Kind},
    chain::Chain,
    config::Config,
    endorse::Endorser,
    http::{App, router},
    post::Poster,
    store::Store,
};

/// Runs a relayer until `SIGTERM` or `SIGINT`: then intake stops, the step under way ends, and all that is signed is
/// stored, to be taken up by the next start.
///
/// # Errors
/// If it cannot start, or its listener fails.
pub async fn relay(config: Config) -> Result<(), Error> {
    let metrics = install_metrics()?;
    let data = &config.file.data_dir;
    std::fs::create_dir_all(data).map_err(io(format!("make {}", data.display())))?;
    let store = Store::connect(&config.store, config.file.store.connections).await?;
    let archive = Archive::open(&data.join("archive"))?;
    let policy = config.policy.digest()?;
    let document = chassis_verifier::bundle::canonical_json(&config.policy)?;
    archive.put(Kind::Policy, policy, document).await?;
    let chain = Chain::connect(&config.rpc, config.file.registry).await?;
    let poster = Poster::new(&config, store.clone(), archive.clone(), chain.clone())?;
    let endorser = Endorser::new(config.file.endorsements.clone(), &config.policy)?;
    let appraiser = Appraiser {
        store: store.clone(),
        archive: archive.clone(),
        chain: chain.clone(),
        endorser: endorser.clone(),
        policy: Arc::new(config.policy.clone()),
    };
    let listener = TcpListener::bind(config.file.listen)
        .await
        .map_err(io(format!("listen on {}", config.file.listen)))?;
    info!(listen = %config.file.listen, store = %config.store, relayer = %config.signer.address(), %policy, chain = chain.id, "started");

    let (stop, stopping) = watch::channel(false);
    let pause = Duration::from_millis(config.file.poll_ms);
    let appraising = tokio::spawn(every(pause, stopping.clone(), "appraise", async move || {
        appraiser.tick().await.map(|moved| moved > 0)
    }));
    let (endpoints, probe) = (chain.clone(), Duration::from_millis(config.rpc.file.probe_ms));
    let probing = tokio::spawn(every(probe, stopping.clone(), "rpc", async move || {
        endpoints.probe().await;
        Ok(false)
    }));
    let steps = poster.clone();
    let posting = tokio::spawn(every(pause, stopping, "post", async move || steps.tick().await));
    let app = App {
        store,
        archive,
        chain,
        endorser,
        poster,
        max_queue: config.file.max_queue,
        metrics,
    };
    let served = axum::serve(listener, router(app))
        .with_graceful_shutdown(told_to_stop()?)
        .await;
    // Nobody listens any more only if both tasks are gone.
    let _ = stop.send(true);
    let _ = tokio::join!(appraising, probing, posting);
    info!("stopped");
    served.map_err(io("serve HTTP".into()))
}

/// Takes steps as long as there are any, then looks again after a pause. An error is a reason to wait, not to end.
async fn every(
    pause: Duration,
    mut stopping: watch::Receiver<bool>,
    task: &'static str,
    step: impl AsyncFn() -> Result<bool, Error>,
) {
    while !*stopping.borrow() {
        metrics::counter!("chassis_steps_total", "task" => task).increment(1);
        match step().await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => {
                metrics::counter!("chassis_step_errors_total", "task" => task).increment(1);
                error!(task, %error, "step failed; trying again");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stopping.changed() => {}
        }
    }
}

fn told_to_stop() -> Result<impl Future<Output = ()>, Error> {
    let signal = |kind| unix::signal(kind).map_err(io("listen for signals".into()));
    let mut terminate = signal(unix::SignalKind::terminate())?;
    let mut interrupt = signal(unix::SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        info!("stopping: no more intake");
    })
}

fn install_metrics() -> Result<PrometheusHandle, Error> {
    let handle = PrometheusBuilder::new()
        .install_recorder()
        .map_err(|error| Error::Io {
            doing: "install metrics".into(),
            source: std::io::Error::other(error),
        })?;
    describe_counter!(
        "chassis_bundles_received_total",
        Unit::Count,
        "Bundles archived and acknowledged"
    );
    describe_counter!("chassis_appraisals_total", Unit::Count, "Appraisals, by outcome");
    describe_counter!(
        "chassis_batches_final_total",
        Unit::Count,
        "Reports whose transaction is final"
    );
    describe_counter!(
        "chassis_gas_used_total",
        Unit::Count,
        "Gas that final reports used"
    );
    describe_counter!(
        "chassis_steps_total",
        Unit::Count,
        "Looks at the queue, by task: its heartbeat"
    );
    describe_counter!(
        "chassis_step_errors_total",
        Unit::Count,
        "Steps that failed and are taken again, by task"
    );
    describe_counter!(
        "chassis_rpc_failures_total",
        Unit::Count,
        "Calls that an RPC endpoint did not answer, by endpoint"
    );
    describe_counter!(
        "chassis_rpc_skips_total",
        Unit::Count,
        "Times that an RPC endpoint was left out after three failures, by endpoint"
    );
    describe_counter!(
        "chassis_rpc_disagreements_total",
        Unit::Count,
        "Decisions put off because no two RPC endpoints said the same"
    );
    describe_gauge!(
        "chassis_rpc_usable",
        Unit::Count,
        "1 if an RPC endpoint is asked, 0 if it is left out, by endpoint"
    );
    describe_counter!(
        "chassis_endorsement_fetches_total",
        Unit::Count,
        "Requests for endorsements, by source and outcome"
    );
    describe_histogram!(
        "chassis_endorsement_fetch_seconds",
        Unit::Seconds,
        "How long a source of endorsements takes to answer, by source"
    );
    describe_gauge!(
        "chassis_endorsement_source_up",
        Unit::Count,
        "1 if the source's last answer was good, by source"
    );
    describe_gauge!("chassis_bundles", Unit::Count, "Bundles on their way, by state");
    Ok(handle)
}

fn io(doing: String) -> impl FnOnce(std::io::Error) -> Error {
    move |source| Error::Io { doing, source }
}

/// Loads the configuration and runs.
///
/// # Errors
/// As [`Config::load`] and [`relay`].
pub async fn relay_from(path: PathBuf) -> Result<(), Error> {
    relay(Config::load(&path)?).await
}
