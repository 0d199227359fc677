//! The HTTP interface.

mod answers;
mod bundles;
mod callers;
mod client;
mod documents;
mod equivocations;
mod events;
mod guard;
mod health;
mod intake;
mod kept;
mod lists;
mod named;
mod newcomers;
mod openapi;
mod operators;
mod problem;
mod registry;
mod server;
mod webhooks;

use std::sync::Arc;

use axum::{
    Router,
    extract::{FromRef, Request, State},
    http::{HeaderName, Method, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::Semaphore;
use tower_http::cors::{Any, CorsLayer};
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(crate) use client::Client;
pub use client::Clients;
pub use intake::Intake;
pub use kept::Keeping;
pub(crate) use server::serve;

use crate::{
    appraiser::Held,
    archive::Archive,
    chain::Chain,
    config::LimitSection,
    cosign::Cosigner,
    endorse::Endorser,
    explorer::Explorer,
    index::Index,
    post::Poster,
    service::{Health, Phase, Phases},
    store::Store,
    webhook,
};

use guard::Guard;
use problem::{Kind, Problem};

/// Lists made at once.
const LISTS_AT_ONCE: usize = 4;

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
    /// The registry's history.
    pub explorer: Explorer,
    /// Whether pages about it are served.
    pub has_pages: bool,
    /// Knows what keeps reports from being posted.
    pub poster: Poster,
    /// Most bundles waiting to be appraised.
    pub max_queue: u32,
    /// What clients may take.
    pub limits: LimitSection,
    /// How often each asks.
    pub clients: Arc<Clients>,
    /// What is being received.
    pub intake: Intake,
    /// What was received, for the appraiser.
    pub held: Held,
    /// Answers that anybody may ask for at any time.
    pub keeping: Keeping,
    /// Renders `/metrics`.
    pub metrics: PrometheusHandle,
    /// Where operators may want to be told.
    pub webhooks: webhook::Settings,
    /// Whether tasks live.
    pub health: Health,
    /// Whether intake is open.
    pub phases: Phases,
}

/// What handlers read that need no relayer.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) store: Store,
    pub(crate) chain: Chain,
    pub(crate) index: Index,
    pub(crate) explorer: Explorer,
}

impl FromRef<Arc<App>> for Reading {
    fn from_ref(app: &Arc<App>) -> Self {
        Self {
            store: app.store.clone(),
            chain: app.chain.clone(),
            index: app.index.clone(),
            explorer: app.explorer.clone(),
        }
    }
}

/// All routes.
pub fn router(app: App) -> Router {
    let app = Arc::new(app);
    let (router, document) = routes().split_for_parts();
    let document = openapi::closed(document);
    let pages = app.has_pages.then(|| app.explorer.clone().router());
    let guard = Guard {
        clients: Arc::clone(&app.clients),
        limits: app.limits.clone(),
    };
    router
        // For people: not in the document.
        .merge(pages.unwrap_or_default())
        .route("/openapi.json", get(move || openapi::document(document.clone())))
        // Between relayers only, who sign what they ask: not in the document.
        .route("/v1/cosign", post(cosign))
        .fallback(async || Problem::not_found("there is no such route; see `/openapi.json`"))
        .method_not_allowed_fallback(async || {
            Problem::new(
                Kind::NoSuchMethod,
                "the route has no such method; see `/openapi.json`",
            )
        })
        .layer(reads_from_anywhere())
        .layer(from_fn_with_state(guard, guard::guard))
        .with_state(app)
}

/// The pages, and what is read without a relayer.
pub(crate) fn pages(reading: Reading, clients: Arc<Clients>, limits: LimitSection) -> Router {
    let explorer = reading.explorer.clone();
    let elsewhere = explorer.clone();
    let (router, document) = reads().split_for_parts();
    let document = openapi::closed(document);
    router
        .layer(reads_from_anywhere())
        .merge(explorer.router())
        .route("/openapi.json", get(move || openapi::document(document.clone())))
        .route("/healthz", get(health::alive))
        .with_state(reading)
        .fallback(async move || elsewhere.nothing_here())
        .layer(from_fn_with_state(Guard { clients, limits }, guard::guard))
}

/// The registry's log, and what follows from it.
fn reads<S: Clone + Send + Sync + 'static>() -> OpenApiRouter<S>
where
    Reading: FromRef<S>,
{
    let places = Arc::new(Semaphore::new(LISTS_AT_ONCE));
    OpenApiRouter::with_openapi(openapi::Api::openapi())
        .routes(routes!(lists::changes))
        .routes(routes!(lists::operators))
        .routes(routes!(lists::platforms))
        .routes(routes!(lists::batches))
        .routes(routes!(events::events))
        .layer(from_fn_with_state(places, in_turn))
        .routes(routes!(registry::platform))
        .routes(routes!(registry::batch))
}

/// As many lists are made at once as there are places: they are long, and made by those who do everything else.
async fn in_turn(State(places): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    // Nobody closes it.
    let _place = places.acquire().await;
    next.run(request).await
}

fn routes() -> OpenApiRouter<Arc<App>> {
    reads()
        .routes(routes!(bundles::submit))
        .routes(routes!(bundles::show))
        .routes(routes!(operators::operator))
        .routes(routes!(operators::challenge))
        .routes(routes!(equivocations::equivocations))
        .routes(routes!(webhooks::register))
        .routes(routes!(webhooks::orders))
        .routes(routes!(documents::result))
        .routes(routes!(documents::endorsements))
        .routes(routes!(documents::policy))
        .routes(routes!(documents::manifest))
        .routes(routes!(documents::evidence))
        .routes(routes!(health::alive))
        .routes(routes!(health::ready))
        .routes(routes!(health::metrics))
}

/// What other relayers ask. One that stops signs nothing more.
async fn cosign(State(app): State<Arc<App>>, request: Request) -> Response {
    if app.phases.now() > Phase::Running {
        return Problem::stopping().into_response();
    }
    app.cosigner.answer(request).await
}

/// Any page may read. None may post: who hands over bundles is a program.
fn reads_from_anywhere() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::HEAD])
        .expose_headers([header::RETRY_AFTER, HeaderName::from_static("x-request-id")])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::State;

    #[test]
    fn the_document_names_every_state_and_closes_every_object() {
        let document = serde_json::to_value(openapi::closed(routes().to_openapi())).unwrap();
        let schemas = &document["components"]["schemas"];
        assert_eq!(
            schemas["BundleView"]["additionalProperties"],
            serde_json::json!(false)
        );
        let names = schemas["State"].to_string();
        for state in State::ALL {
            assert!(names.contains(&format!("\"{state}\"")), "{state} in {names}");
        }
    }
}
