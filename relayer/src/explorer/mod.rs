//! The explorer: the registry's log as pages that an auditor reads.
//!
//! Served by `chassis relay` beside its interface, and by `chassis explore` alone, from the same index of the log. Pages are
//! made on the server, complete without a script; a small one keeps times and notices fresh. Nothing is fetched from
//! elsewhere, nothing is inline: the content security policy says so, and holds even for what a hostile archive or query
//! brings in. Every claim says as of which finalized block it holds.

mod asset;
mod batch;
mod batches;
mod book;
mod change;
mod changes;
mod chart;
mod feed;
mod kept;
mod lists;
mod live;
mod moment;
mod news;
mod operator;
mod operators;
mod overview;
mod page;
mod places;
mod platform;
mod platforms;
mod relayers;
mod results;
mod search;
mod settings;
mod standing;
mod story;
mod tell;
mod trouble;
mod words;

use std::sync::{Arc, RwLock};

use axum::{
    Router,
    extract::Request,
    http::{HeaderName, HeaderValue, header},
    middleware::{Next, from_fn},
    response::Response,
    routing::get,
};
pub(crate) use change::ChangeId;
pub use results::Results;
pub use settings::Settings;
pub(crate) use standing::Standing;

use crate::{chain::Chain, index::Index, service::Phases, store::Store};

use book::Book;
use kept::Kept;
use places::Places;
use trouble::Trouble;

/// What pages are made from. Clones are one.
#[derive(Clone, Debug)]
pub struct Explorer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    index: Index,
    chain: Chain,
    results: Results,
    phases: Phases,
    /// For pages that are kept up to date.
    places: Places,
    /// What takes a look at everybody.
    kept: Kept,
    /// The history, up to the block that was published last.
    book: RwLock<Book>,
}

impl Explorer {
    /// Pages about what `index` has read into `store`.
    pub fn new(
        settings: &Settings,
        store: Store,
        index: Index,
        chain: Chain,
        results: Results,
        phases: Phases,
    ) -> Self {
        let book = RwLock::new(Book::new(*chain.registry.address()));
        Self(Arc::new(Inner {
            store,
            index,
            chain,
            results,
            phases,
            places: Places::new(settings.live_connections, settings.live_per_client),
            kept: Kept::default(),
            book,
        }))
    }

    /// All pages, for a router of any state.
    pub fn router<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        Router::new()
            .route("/", get(overview::page))
            .route("/operators", get(operators::page))
            .route("/operators/{address}", get(operator::page))
            .route("/operators/{address}/feed.json", get(feed::of_operator_json))
            .route("/operators/{address}/feed.atom", get(feed::of_operator_atom))
            .route("/platforms", get(platforms::page))
            .route("/platforms/{id}", get(platform::page))
            .route("/batches", get(batches::page))
            .route("/batches/{number}", get(batch::page))
            .route("/relayers", get(relayers::page))
            .route("/changes", get(changes::page))
            .route("/search", get(search::search))
            .route("/feed.json", get(feed::json))
            .route("/feed.atom", get(feed::atom))
            .route("/live", get(live::live))
            .route("/assets/{name}", get(asset::asset))
            .layer(from_fn(shielded))
            .with_state(self)
    }

    /// The page for what there is not.
    pub fn nothing_here(&self) -> Response {
        let about = "there is no such page";
        shield(self.answer_trouble(Trouble::NotFound(about.into())))
    }
}

/// What a page may do: load its own style, script and icon, ask this server, and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'";

async fn shielded(request: Request, next: Next) -> Response {
    shield(next.run(request).await)
}

fn shield(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("permissions-policy"),
            "interest-cohort=()",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-cache"));
    response
}
