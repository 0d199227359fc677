//! Connections: how many, and how long a head may take. `axum::serve` bounds neither.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo, http::Request, response::Response};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{net::TcpListener, sync::Semaphore, time::sleep};
use tower::Service;

use super::callers::Callers;
use crate::{
    config::LimitSection,
    service::{Phase, Phases},
};

/// Most bytes of a connection's buffers. Heads are small; bodies are read piece by piece.
const BUFFER: usize = 64 << 10;
/// How long to wait when the system has no more sockets.
const REST: Duration = Duration::from_millis(100);

/// Serves until the service stops; then lets requests under way end.
///
/// # Errors
/// Never: a connection that cannot be accepted is waited for. The type is that of a task which may fail.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    limits: LimitSection,
    phases: Phases,
) -> std::io::Result<()> {
    let connections = Arc::new(Semaphore::new(limits.connections));
    let callers = Callers::new(&limits);
    let graceful = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(limits.header_timeout_s))
        .max_buf_size(BUFFER);
    loop {
        // Who cannot be served yet waits in the kernel's queue.
        let accepted = async {
            let permit = Arc::clone(&connections).acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            accepted = accepted => accepted,
            () = phases.reached(Phase::Stopped) => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                sleep(REST).await;
                continue;
            }
        };
        // Whoever watches the relayer, and other relayers, must find a connection left.
        let Some(call) = callers.enter(peer.ip()) else {
            tracing::debug!(%peer, "it has as many connections as one client may have");
            continue;
        };
        // Answers are small and whole.
        let _ = stream.set_nodelay(true);
        let router = router.clone();
        let service = service_fn(move |request| answer(router.clone(), peer, request));
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            metrics::gauge!("chassis_http_connections").increment(1.0);
            if let Err(error) = connection.await {
                tracing::debug!(%error, %peer, "connection ended");
            }
            metrics::gauge!("chassis_http_connections").decrement(1.0);
            drop((permit, call));
        });
    }
    drop(listener);
    graceful.shutdown().await;
    Ok(())
}

async fn answer(
    mut router: Router,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response, Infallible> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    // A router is always ready.
    router.call(request).await
}
