//! The registrar's HTTP interface: two routes, small bodies, few clients.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    Json, Router,
    body::Body,
    extract::{ConnectInfo, DefaultBodyLimit, State, rejection::JsonRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Serialize;
use tokio::{net::TcpListener, sync::Semaphore, time::timeout};
use tower::Service as _;

use super::{Registrar, protocol::Problem, service::Refusal};

/// An endorsement key's certificate and three issuers have some ten thousand bytes.
const BODY_LIMIT: usize = 64 << 10;
const CONNECTIONS: usize = 128;
/// For one connection, from first byte to last: it carries one request.
const PATIENCE: Duration = Duration::from_secs(15);
/// Requests a minute from one address. A host makes two.
const RATE: u32 = 60;
/// Addresses remembered before those that have been quiet are forgotten.
const ADDRESSES: usize = 10_000;

#[derive(Clone, Debug)]
struct Shared {
    registrar: Arc<Registrar>,
    rates: Arc<DefaultKeyedRateLimiter<IpAddr>>,
}

/// Serves `registrar` at `listener` until it is dropped.
pub async fn serve(listener: TcpListener, registrar: Registrar) {
    let rate = Quota::per_minute(NonZeroU32::new(RATE).unwrap_or(NonZeroU32::MIN));
    let router = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/v1/challenges", post(challenge))
        .route("/v1/statements", post(statement))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(Shared {
            registrar: Arc::new(registrar),
            rates: Arc::new(RateLimiter::keyed(rate)),
        });
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else {
            return;
        };
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!("cannot accept a connection: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let router = router.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(router.clone(), peer, request));
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), service);
            if !matches!(timeout(PATIENCE, connection).await, Ok(Ok(()))) {
                tracing::debug!(%peer, "a connection ended early");
            }
            drop(permit);
        });
    }
}

async fn answer(
    mut router: Router,
    peer: SocketAddr,
    request: hyper::Request<Incoming>,
) -> Result<Response, Infallible> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    // A router is always ready.
    router.call(request).await
}

async fn challenge(
    State(shared): State<Shared>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Result<Json<super::protocol::ChallengeRequest>, JsonRejection>,
) -> Response {
    respond(&shared, peer, request, Registrar::challenge)
}

async fn statement(
    State(shared): State<Shared>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Result<Json<super::protocol::StatementRequest>, JsonRejection>,
) -> Response {
    respond(&shared, peer, request, Registrar::statement)
}

fn respond<Q, A: Serialize>(
    shared: &Shared,
    peer: SocketAddr,
    request: Result<Json<Q>, JsonRejection>,
    ask: impl Fn(&Registrar, &Q, u64) -> Result<A, Refusal>,
) -> Response {
    if shared.rates.len() > ADDRESSES {
        shared.rates.retain_recent();
    }
    if shared.rates.check_key(&peer.ip()).is_err() {
        return problem(
            StatusCode::TOO_MANY_REQUESTS,
            "too many requests from this address",
        );
    }
    let Json(request) = match request {
        Ok(request) => request,
        Err(rejection) => return problem(rejection.status(), rejection.body_text()),
    };
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    match ask(&shared.registrar, &request, now) {
        Ok(answer) => Json(answer).into_response(),
        Err(refusal) => {
            tracing::warn!(%peer, "refused: {refusal}");
            let status = match &refusal {
                Refusal::Host(_) => StatusCode::FORBIDDEN,
                Refusal::Busy => StatusCode::SERVICE_UNAVAILABLE,
                Refusal::Internal(cause) => {
                    tracing::error!("{cause}");
                    StatusCode::INTERNAL_SERVER_ERROR
                }
            };
            problem(status, refusal.to_string())
        }
    }
}

fn problem(status: StatusCode, error: impl Into<String>) -> Response {
    (status, Json(Problem { error: error.into() })).into_response()
}
