//! Whether it works, for machines.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use serde_json::{Value, json};

use super::App;
use crate::{service::Phase, store::State as BundleState};

/// 503 with every reason why bundles would not get on chain.
pub(super) async fn ready(State(app): State<Arc<App>>) -> (StatusCode, Json<Value>) {
    let mut reasons = match app.cosigner.obstacles().await {
        Ok(obstacles) => obstacles,
        Err(error) => vec![error.to_string()],
    };
    reasons.extend(app.poster.holds());
    if let Err(error) = app.store.count(BundleState::Received).await {
        reasons.push(error.to_string());
    }
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
    (
        status,
        Json(json!({"ready": reasons.is_empty(), "reasons": reasons, "warnings": warnings})),
    )
}

/// Prometheus text.
pub(super) async fn metrics(State(app): State<Arc<App>>) -> String {
    for state in [
        BundleState::Received,
        BundleState::Appraised,
        BundleState::Cosigning,
        BundleState::Queued,
        BundleState::Posted,
    ] {
        if let Ok(count) = app.store.count(state).await {
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            metrics::gauge!("chassis_bundles", "state" => state.name()).set(count);
        }
    }
    app.metrics.render()
}
