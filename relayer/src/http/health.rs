//! Whether it works, for machines.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};

use super::{App, answers::ReadyView};
use crate::{service::Phase, store::State as BundleState};

/// Whether the process answers.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "health",
    responses((status = 200, description = "It does", body = String, content_type = "text/plain; charset=utf-8"))
)]
pub(super) async fn alive() -> &'static str {
    "ok"
}

/// Whether bundles would get on chain.
///
/// With every reason why they would not, and what is about to become one.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "health",
    responses(
        (status = 200, description = "Ready", body = ReadyView),
        (status = 503, description = "Not ready", body = ReadyView),
    )
)]
pub(super) async fn ready(State(app): State<Arc<App>>) -> (StatusCode, Json<ReadyView>) {
    let mut reasons = app.keeping.obstacles.get(obstacles(Arc::clone(&app))).await;
    reasons.extend(app.poster.holds());
    reasons.extend(app.health.silent());
    reasons.extend(
        app.index
            .alarm()
            .divergence()
            .map(|divergence| divergence.to_string()),
    );
    if app.phases.now() > Phase::Running {
        reasons.push("it is stopping and takes no more bundles".into());
    }
    let status = if reasons.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let mut warnings = app.health.failing();
    warnings.extend(app.chain.warnings());
    warnings.extend(app.endorser.warnings());
    let ready = ReadyView {
        ready: reasons.is_empty(),
        reasons,
        warnings,
    };
    (status, Json(ready))
}

/// What has to be asked of others.
async fn obstacles(app: Arc<App>) -> Vec<String> {
    let mut obstacles = match app.cosigner.obstacles().await {
        Ok(obstacles) => obstacles,
        Err(error) => vec![error.to_string()],
    };
    if let Err(error) = app.store.count(BundleState::Received).await {
        obstacles.push(error.to_string());
    }
    obstacles
}

/// Prometheus text.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "health",
    responses((status = 200, description = "All metrics", body = String, content_type = "text/plain; charset=utf-8"))
)]
pub(super) async fn metrics(State(app): State<Arc<App>>) -> String {
    app.keeping.metrics.get(rendered(Arc::clone(&app))).await
}

async fn rendered(app: Arc<App>) -> String {
    if let Ok(counts) = app.store.under_way().await {
        for (state, count) in counts {
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            metrics::gauge!("chassis_bundles", "state" => state.name()).set(count);
        }
    }
    if let Some(bytes) = resident_bytes().await {
        metrics::gauge!("chassis_process_resident_bytes").set(bytes);
    }
    app.metrics.render()
}

/// Linux tells it in kilobytes, in a line `VmRSS:     1234 kB`.
async fn resident_bytes() -> Option<f64> {
    let status = tokio::fs::read_to_string("/proc/self/status").await.ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024.0)
}
