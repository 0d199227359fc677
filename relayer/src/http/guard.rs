//! Around every request: an id, a span, a time limit, the client's rate, headers, and what is measured.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use axum::{
    extract::{ConnectInfo, MatchedPath, Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
        },
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use tokio::time::timeout;
use tracing::{Instrument, info_span};

use super::{
    Clients,
    problem::{Kind, Problem},
};
use crate::config::LimitSection;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LONGEST_ID: usize = 64;

/// What clients may take, and how often each asks.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    pub(super) clients: Arc<Clients>,
    pub(super) limits: LimitSection,
}

pub(super) async fn guard(State(guard): State<Guard>, mut request: Request, next: Next) -> Response {
    let (started, id) = (Instant::now(), request_id(request.headers()));
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let method = method(request.method());
    request.headers_mut().insert(REQUEST_ID, id.clone());
    let span = info_span!("request", id = id.to_str().unwrap_or(""), method, route);
    let mut response = admitted(&guard, &route, request, next).instrument(span).await;

    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, id);
    for (name, value) in [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
        (CACHE_CONTROL, "no-store"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    let status = response.status().as_u16().to_string();
    metrics::counter!("chassis_http_requests_total", "method" => method, "route" => route.clone(), "status" => status)
        .increment(1);
    metrics::histogram!("chassis_http_request_duration_seconds", "method" => method, "route" => route)
        .record(started.elapsed().as_secs_f64());
    response
}

async fn admitted(guard: &Guard, route: &str, mut request: Request, next: Next) -> Response {
    // Whoever watches the relayer must not be turned away with those who flood it.
    // Other relayers prove who they are, and are counted by that.
    let is_counted = !["/healthz", "/readyz", "/metrics", "/v1/cosign"].contains(&route);
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let client = peer.map(|ConnectInfo(peer)| guard.clients.identify(*peer, request.headers()));
    if let (true, Some(client)) = (is_counted, client)
        && let Err(wait) = guard.clients.admit(client)
    {
        let detail =
            "one address may ask only so often ([limits] client_per_second); wait, or use another relayer";
        return Problem::new(Kind::ClientRate, detail)
            .retry_after(wait.as_secs() + 1)
            .into_response();
    }
    if let Some(client) = client {
        request.extensions_mut().insert(client);
    }
    let patience = Duration::from_secs(guard.limits.request_timeout_s);
    timeout(patience, next.run(request)).await.unwrap_or_else(|_| {
        let detail = format!(
            "no answer was ready after {} s; try again later",
            patience.as_secs()
        );
        Problem::new(Kind::Unavailable, detail)
            .retry_after(10)
            .into_response()
    })
}

/// The proxy's, if it gave a plain one; else one of ours.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let is_plain = |value: &&HeaderValue| {
        let bytes = value.as_bytes();
        !bytes.is_empty()
            && bytes.len() <= LONGEST_ID
            && bytes
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
    };
    if let Some(given) = headers.get(REQUEST_ID).filter(is_plain) {
        return given.clone();
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    HeaderValue::try_from(format!("{:x}-{number:x}", now.as_millis()))
        .unwrap_or(HeaderValue::from_static("none"))
}

/// A label must not grow with what clients invent.
fn method(method: &axum::http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_keeps_a_plain_id_and_gets_one_otherwise() {
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, HeaderValue::from_static("edge-7.a_b"));
        assert_eq!(request_id(&headers), "edge-7.a_b");
        for bad in ["", "a b", "\"x\""] {
            headers.insert(REQUEST_ID, HeaderValue::from_static(bad));
            assert_ne!(request_id(&headers), bad);
        }
        assert_ne!(request_id(&HeaderMap::new()), request_id(&HeaderMap::new()));
    }
}
