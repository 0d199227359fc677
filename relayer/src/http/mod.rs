//! The HTTP interface.

mod bundles;
mod documents;
mod health;
mod problem;
mod registry;
mod webhooks;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use chassis_verifier::bundle::DEFAULT_LIMIT;
use metrics_exporter_prometheus::PrometheusHandle;
use tower_http::timeout::TimeoutLayer;

pub(crate) use bundles::status_name;

use crate::{
    archive::Archive,
    chain::Chain,
    cosign::Cosigner,
    endorse::Endorser,
    index::Index,
    post::Poster,
    service::{Health, Phase, Phases},
    store::Store,
    webhook,
};

/// What handlers share.
#[derive(Clone, Debug)]
pub struct App {
    /// Where bundles wait.
    pub store: Store,
    /// Where documents are.
    pub archive: Archive,
    /// The chain, and the registry on it.
    pub chain: Chain,
    /// Knows which sources of endorsements fail.
    pub endorser: Endorser,
    /// Knows what keeps bundles from being signed.
    pub cosigner: Cosigner,
    /// What the registry's log says.
    pub index: Index,
    /// Knows what keeps reports from being posted.
    pub poster: Poster,
    /// Most bundles waiting to be appraised.
    pub max_queue: u32,
    /// Renders `/metrics`.
    pub metrics: PrometheusHandle,
    /// Where operators may want to be told.
    pub webhooks: webhook::Settings,
    /// Whether tasks live.
    pub health: Health,
    /// Whether intake is open.
    pub phases: Phases,
}

/// All routes.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/v1/bundles", post(bundles::submit))
        .route("/v1/bundles/{digest}", get(bundles::show))
        .route("/v1/operators/{address}", get(bundles::operator))
        .route("/v1/operators/{address}/webhook", put(webhooks::register))
        .route("/v1/orders", get(webhooks::orders))
        .route("/v1/results/{digest}", get(documents::result))
        .route("/v1/endorsements/{digest}", get(documents::endorsements))
        .route("/v1/policies/{digest}", get(documents::policy))
        .route("/v1/manifests/{hash}", get(documents::manifest))
        .route("/v1/evidence/{digest}", get(documents::evidence))
        .route("/v1/cosign", post(cosign))
        .route("/v1/events", get(registry::events))
        .route("/v1/platforms/{id}", get(registry::platform))
        .route("/v1/batches/{number}", get(registry::batch))
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .layer(DefaultBodyLimit::max(DEFAULT_LIMIT))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::REQUEST_TIMEOUT,
            Duration::from_secs(30),
        ))
        .with_state(Arc::new(app))
}

/// What other relayers ask. One that stops signs nothing more.
async fn cosign(State(app): State<Arc<App>>, request: Request) -> Response {
    if app.phases.now() > Phase::Running {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    app.cosigner.answer(request).await
}
