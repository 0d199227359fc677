//! One HTTP endpoint as an alloy transport: with a deadline, a limit on the answer, and a memory of failures.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use alloy::{
    rpc::json_rpc::{ErrorPayload, RequestPacket, ResponsePacket},
    transports::{TransportError, TransportErrorKind, TransportFut},
};
use reqwest::{StatusCode, Url, header::RETRY_AFTER};
use tower::Service;
use tracing::warn;

use super::{config::Rpc, health::Health};
use crate::Error;

/// How long an endpoint rests that answers 429 without saying how long.
const DEFAULT_WAIT: Duration = Duration::from_secs(1);

/// The transport. Clones share one memory.
#[derive(Clone, Debug)]
pub(super) struct Transport(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Host and port: paths and queries hold keys.
    name: String,
    url: Url,
    client: reqwest::Client,
    limit: usize,
    skip: Duration,
    health: Mutex<Health>,
}

impl Transport {
    pub(super) fn new(url: &Url, rpc: &Rpc) -> Result<Self, Error> {
        let client = reqwest::Client::builder()
            .timeout(rpc.timeout())
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| Error::Rpc(error.without_url().to_string()))?;
        let host = url.host_str().unwrap_or_default();
        let name = url
            .port()
            .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        Ok(Self(Arc::new(Inner {
            name,
            url: url.clone(),
            client,
            limit: rpc.file.max_response_bytes,
            skip: rpc.skip(),
            health: Mutex::default(),
        })))
    }

    /// For people and metrics. Holds no secret.
    pub(super) fn name(&self) -> &str {
        &self.0.name
    }

    pub(super) fn health(&self) -> MutexGuard<'_, Health> {
        self.0.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what is the endpoint's failure, not the question's.
    pub(super) fn failed(&self, problem: &str) {
        metrics::counter!("chassis_rpc_failures_total", "endpoint" => self.0.name.clone()).increment(1);
        let is_new = self
            .health()
            .failed(Instant::now(), self.0.skip, problem.to_owned());
        if is_new {
            metrics::counter!("chassis_rpc_skips_total", "endpoint" => self.0.name.clone()).increment(1);
            warn!(
                endpoint = self.0.name,
                problem, "three failures: leaving the endpoint out"
            );
        }
    }

    async fn ask(self, request: RequestPacket) -> Result<ResponsePacket, TransportError> {
        let answer = match self.exchange(request).await {
            Ok(answer) => answer,
            Err(problem) => {
                let problem = format!("{}: {problem}", self.0.name);
                self.failed(&problem);
                return Err(TransportErrorKind::custom_str(&problem));
            }
        };
        match answer.iter_errors().find(|error| is_endpoints_fault(error)) {
            Some(error) => {
                self.failed(&format!("{}: {error}", self.0.name));
                if is_limit(error) {
                    self.health().limited(Instant::now(), DEFAULT_WAIT);
                }
            }
            None => self.health().succeeded(),
        }
        Ok(answer)
    }

    async fn exchange(&self, request: RequestPacket) -> Result<ResponsePacket, String> {
        let inner = &self.0;
        let mut answer = inner
            .client
            .post(inner.url.clone())
            .json(&request)
            .send()
            .await
            .map_err(plain)?;
        let status = answer.status();
        if status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE {
            let header = answer.headers().get(RETRY_AFTER);
            let seconds = header.and_then(|value| value.to_str().ok()?.trim().parse().ok());
            let wait = seconds.map_or(DEFAULT_WAIT, Duration::from_secs);
            self.health().limited(Instant::now(), wait);
            return Err(format!("{status}"));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(plain)? {
            if body.len() + chunk.len() > inner.limit {
                return Err(format!("its answer has more than {} bytes", inner.limit));
            }
            body.extend_from_slice(&chunk);
        }
        // Some endpoints send JSON-RPC errors with an HTTP error status.
        serde_json::from_slice(&body).map_err(|error| format!("{status}: its answer is no JSON-RPC: {error}"))
    }
}

impl Service<RequestPacket> for Transport {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: RequestPacket) -> Self::Future {
        Box::pin(self.clone().ask(request))
    }
}

/// Whether the endpoint cannot serve, as against: does not like what was asked. A nonce too low, a transaction known or
/// underpriced, a revert: those are answers.
pub(super) fn is_endpoints_fault(error: &ErrorPayload) -> bool {
    is_limit(error)
        || error.code == -32601
        || (error.code == -32603 && error.data.is_none() && is_vague(&error.message))
}

/// Rate limits that come as JSON-RPC errors.
fn is_limit(error: &ErrorPayload) -> bool {
    let message = error.message.to_lowercase();
    matches!(error.code, 429 | -32005 | -32029)
        || ["rate limit", "too many requests", "capacity exceeded"]
            .iter()
            .any(|part| message.contains(part))
}

/// Nodes also use the code for "internal error" for what they think of a transaction.
fn is_vague(message: &str) -> bool {
    let message = message.to_lowercase();
    ["internal error", "internal server error", "timeout", "timed out"]
        .iter()
        .any(|part| message.contains(part))
}

/// A URL may hold a key.
fn plain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(code: i64, message: &'static str) -> bool {
        is_endpoints_fault(&ErrorPayload {
            code,
            message: message.into(),
            data: None,
        })
    }

    #[test]
    fn what_a_node_thinks_of_a_transaction_is_an_answer() {
        assert!(!fault(-32003, "nonce too low"));
        assert!(!fault(-32000, "already known"));
        assert!(!fault(-32000, "replacement transaction underpriced"));
        assert!(!fault(-32603, "insufficient funds for gas * price + value"));
        assert!(!fault(3, "execution reverted"));
    }

    #[test]
    fn limits_and_what_it_cannot_do_are_its_failures() {
        assert!(fault(-32005, "daily request count exceeded"));
        assert!(fault(-32000, "Too Many Requests"));
        assert!(fault(-32601, "the method eth_getLogs does not exist"));
        assert!(fault(-32603, "Internal error"));
    }
}
