//! The registrar's HTTP interface: two routes, small bodies, few clients.

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use axum::{
    Json, Router,
    body::Body,
    extract::{ConnectInfo, DefaultBodyLimit, State, rejection::JsonRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use chassis_program::unix_now;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Serialize;
use tokio::{net::TcpListener, sync::Semaphore, time::timeout};
use tower::Service as _;

use super::{Registrar, protocol::Problem, service::Refusal};
use crate::share::Shares;

/// An endorsement key's certificate and three issuers have some ten thousand bytes.
const BODY_LIMIT: usize = 64 << 10;
const CONNECTIONS: usize = 128;
/// Of these, of one site at a time. Whoever has four sites holds them all.
const EACH: usize = 32;
/// For one connection, from first byte to last: it carries one request.
const PATIENCE: Duration = Duration::from_secs(15);
/// Networks remembered before those that have been quiet are forgotten.
const NETWORKS: usize = 10_000;

/// Serves `registrar` at `listener` until it is dropped. `rate`: requests a minute from one network; a host makes two.
pub async fn serve(listener: TcpListener, registrar: Registrar, rate: NonZeroU32) {
    let rates = Arc::new(RateLimiter::keyed(Quota::per_minute(rate)));
    let router = Router::new()
        .route(HEALTH, get(|| async { "ok\n" }))
        .route("/v1/challenges", post(challenge))
        .route("/v1/statements", post(statement))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(Arc::new(registrar));
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    let shares = Shares::of(EACH);
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
        let Some(share) = shares.take(network(peer.ip(), SITE)) else {
            tracing::debug!(%peer, "too many connections of its site; ended one");
            continue;
        };
        let (router, rates) = (router.clone(), Arc::clone(&rates));
        tokio::spawn(async move {
            let service =
                service_fn(move |request| answer(router.clone(), Arc::clone(&rates), peer, request));
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), service);
            if !matches!(timeout(PATIENCE, connection).await, Ok(Ok(()))) {
                tracing::debug!(%peer, "a connection ended early");
            }
            drop((share, permit));
        });
    }
}

/// Who watches it is not counted, and takes nothing from the hosts of its network.
const HEALTH: &str = "/healthz";

/// Who asks too often is told so before anything of the request is read.
async fn answer(
    mut router: Router,
    rates: Arc<DefaultKeyedRateLimiter<IpAddr>>,
    peer: SocketAddr,
    request: hyper::Request<Incoming>,
) -> Result<Response, Infallible> {
    if rates.len() > NETWORKS {
        rates.retain_recent();
    }
    if request.uri().path() != HEALTH && rates.check_key(&network(peer.ip(), SUBNET)).is_err() {
        tracing::debug!(%peer, "too many requests");
        let text = "too many requests from this network";
        return Ok(problem(StatusCode::TOO_MANY_REQUESTS, text));
    }
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    // A router is always ready.
    router.call(request).await
}

/// Bits of IPv6 addresses. A host has 2^64 of them to ask from, of one subnet; whoever holds connections open has up to 2^16
/// subnets, of one site.
const SUBNET: u32 = 64;
const SITE: u32 = 48;

/// The network of an IPv6 address, by that many of its first bits; an IPv4 address is one by itself.
fn network(address: IpAddr, bits: u32) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let prefix = u128::from(address) & !(u128::MAX >> bits);
            Ipv6Addr::from(prefix).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

async fn challenge(
    State(registrar): State<Arc<Registrar>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Result<Json<super::protocol::ChallengeRequest>, JsonRejection>,
) -> Response {
    respond(registrar, peer, request, Registrar::challenge).await
}

async fn statement(
    State(registrar): State<Arc<Registrar>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Result<Json<super::protocol::StatementRequest>, JsonRejection>,
) -> Response {
    respond(registrar, peer, request, Registrar::statement).await
}

async fn respond<Q: Send + 'static, A: Serialize + Send + 'static>(
    registrar: Arc<Registrar>,
    peer: SocketAddr,
    request: Result<Json<Q>, JsonRejection>,
    ask: impl Fn(&Registrar, &Q, u64) -> Result<A, Refusal> + Send + 'static,
) -> Response {
    let Json(request) = match request {
        Ok(request) => request,
        Err(rejection) => return problem(rejection.status(), rejection.body_text()),
    };
    let now = unix_now();
    // It reads and syncs files, and computes.
    let asked = tokio::task::spawn_blocking(move || ask(&registrar, &request, now)).await;
    match asked.unwrap_or_else(|panic| Err(Refusal::Internal(panic.to_string()))) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customers_addresses_are_one_network() {
        let network = |text: &str, bits| network(text.parse().unwrap(), bits).to_string();
        let (first, last) = ("2001:db8:1:2::", "2001:db8:1:2:ffff:ffff:ffff:ffff");
        assert_eq!(network(last, SUBNET), first);
        assert_eq!(network(first, SUBNET), first);
        assert_ne!(network("2001:db8:1:3::", SUBNET), first);
        assert_eq!(network(last, SITE), "2001:db8:1::");
        assert_eq!(network("2001:db8:1:3::", SITE), "2001:db8:1::");
        assert_ne!(network("2001:db8:2:2::", SITE), "2001:db8:1::");
        for bits in [SUBNET, SITE] {
            assert_eq!(network("192.0.2.1", bits), "192.0.2.1");
            assert_eq!(network("::ffff:192.0.2.1", bits), "192.0.2.1");
            assert_ne!(network("192.0.2.1", bits), network("192.0.2.2", bits));
        }
    }
}
