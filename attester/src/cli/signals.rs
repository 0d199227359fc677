//! The end of a service.

use tokio::signal::unix::{SignalKind, signal};

/// Waits until this process is told to end.
pub(crate) async fn ended() {
    let interrupted = tokio::signal::ctrl_c();
    match signal(SignalKind::terminate()) {
        Ok(mut terminated) => {
            tokio::select! {
                _ = interrupted => {}
                _ = terminated.recv() => {}
            }
        }
        Err(_) => drop(interrupted.await),
    }
}
