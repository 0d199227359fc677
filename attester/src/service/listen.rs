//! `/metrics`, `/healthz` and `/readyz`, for this machine's own monitoring.

use std::{net::SocketAddr, sync::Arc};

use axum::{Json, Router, extract::State, http::StatusCode, response::IntoResponse, routing::get};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;

use super::ready::Ready;
use crate::Error;

struct Shared {
    metrics: PrometheusHandle,
    ready: Ready,
}

/// Listens at `address` until it is dropped.
pub(super) async fn listen(
    address: SocketAddr,
    metrics: PrometheusHandle,
    ready: Ready,
) -> Result<impl Future<Output = ()>, Error> {
    let error = |problem: std::io::Error| Error::Listen { address, problem };
    let listener = TcpListener::bind(address).await.map_err(error)?;
    let router = Router::new()
        .route(
            "/metrics",
            get(|State(shared): State<Arc<Shared>>| async move { shared.metrics.render() }),
        )
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .with_state(Arc::new(Shared { metrics, ready }));
    Ok(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!("nobody listens at {address} any more: {error}");
        }
    })
}

async fn readyz(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    let (is_ready, answer) = shared.ready.told();
    let code = if is_ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (code, Json(answer))
}
