//! The way down.

use std::time::{Duration, Instant};

use alloy::primitives::Address;
use tokio::{
    signal::unix::{SignalKind, signal},
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout_at},
};
use tracing::{info, warn};

use super::phase::{Phase, Phases};
use crate::{Error, store::Store};

/// How long tasks and connections may take to end once nothing is left to be brought on chain.
const LAST_STEP: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(200);

/// Comes back at the first `SIGTERM` or `SIGINT`. The second ends the program, whatever it does: all is stored.
///
/// # Errors
/// If the system does not let it listen.
pub(super) fn told_to_stop() -> Result<impl Future<Output = ()>, Error> {
    let listen = |kind| {
        signal(kind).map_err(|source| Error::Io {
            doing: "listen for signals".into(),
            source,
        })
    };
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tokio::spawn(async move {
            let code = tokio::select! {
                _ = terminate.recv() => 143,
                _ = interrupt.recv() => 130,
            };
            warn!("told to stop twice: stopping at once");
            std::process::exit(code);
        });
    })
}

/// Ends everything, within `grace`.
pub(super) async fn drain(
    phases: &Phases,
    store: &Store,
    own: Address,
    grace: Duration,
    mut tasks: JoinSet<&'static str>,
    served: JoinHandle<std::io::Result<()>>,
) {
    phases.advance(Phase::Draining);
    info!(
        grace_s = grace.as_secs(),
        "stopping: no more intake; bringing on chain what is signed"
    );
    let until = Instant::now() + grace;
    loop {
        match store.signed_and_not_included(own).await {
            Ok(0) => break,
            // Another replica posts: it goes on. Told to stop right after the start, nobody may have taken the lease yet.
            Ok(_) if matches!(store.hold().await, Ok(false)) => break,
            Ok(left) if Instant::now() >= until => {
                warn!(
                    left,
                    "stopping with signed bundles or freezes that are in no block: the next start goes on with them"
                );
                break;
            }
            Ok(_) => {}
            Err(error) => {
                warn!(%error, "cannot tell what is left to do");
                if Instant::now() >= until {
                    break;
                }
            }
        }
        sleep(POLL).await;
    }
    phases.advance(Phase::Stopped);
    let last = tokio::time::Instant::now() + LAST_STEP;
    while let Ok(Some(ended)) = timeout_at(last, tasks.join_next()).await {
        if let Err(error) = ended {
            warn!(%error, "a task did not end well");
        }
    }
    if !tasks.is_empty() || timeout_at(last, served).await.is_err() {
        warn!("some work was cut short: it is stored as far as it came");
    }
    if let Err(error) = store.release().await {
        warn!(%error, "the lease was not given back: another replica posts once it is over");
    }
}
