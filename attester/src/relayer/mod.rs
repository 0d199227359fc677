//! Relayers, as a node sees them: they take a bundle and tell what becomes of it.
//!
//! Nothing a relayer answers is followed, run or loaded. It can lie about what it did; only the chain says the truth.

mod attend;
mod follow;
mod land;
mod manifest;
mod operator;
mod status;

use std::time::Duration;

use alloy_primitives::{Address, B256};
use chassis_verifier::sha256;
use reqwest::{Client, RequestBuilder, StatusCode, Url, header::CONTENT_TYPE};
use serde::de::DeserializeOwned;

use crate::{Error, http};

pub use land::{Errand, Progress, Relayers};
pub use operator::{Reason, Warning};
pub use status::{CheckReport, State, Status};

use manifest::Manifest;
use operator::OperatorView;

/// One relayer's HTTP interface.
#[derive(Clone, Debug)]
pub struct Relayer {
    /// Without a slash at its end.
    base: String,
    /// Scheme, host and port.
    name: String,
    client: Client,
}

impl Relayer {
    /// The relayer at `url`, without `/v1`, which gives each answer within 30 seconds.
    ///
    /// # Errors
    /// If `url` is no HTTP URL.
    pub fn new(url: &str) -> Result<Self, Error> {
        Self::within(url, http::TIMEOUT)
    }

    /// The same, which gives each answer within `timeout`.
    ///
    /// # Errors
    /// If `url` is no HTTP URL.
    pub fn within(url: &str, timeout: Duration) -> Result<Self, Error> {
        let error = |problem| Error::Relayer {
            relayer: "of --relayer".to_owned(),
            problem,
            retryable: false,
        };
        let base = http::parse_url(url).map_err(error)?;
        Ok(Self {
            name: http::origin(&base),
            base: base.as_str().trim_end_matches('/').to_owned(),
            client: http::client_within(timeout).map_err(error)?,
        })
    }

    /// Scheme, host and port: what may be shown of its URL.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Hands a bundle's JSON over. The same bundle twice gets the same answer.
    ///
    /// # Errors
    /// If the relayer does not answer, or refuses without appraising.
    pub async fn submit(&self, digest: B256, bundle: Vec<u8>) -> Result<Status, Error> {
        let request = self
            .client
            .post(self.url("bundles")?)
            .header(CONTENT_TYPE, "application/json")
            .body(bundle);
        self.about(request, digest).await
    }

    /// What has become of the bundle with this evidence digest.
    ///
    /// # Errors
    /// If the relayer does not answer or does not know it.
    pub async fn status(&self, digest: B256) -> Result<Status, Error> {
        let url = self.url(&format!("bundles/{digest}"))?;
        self.about(self.client.get(url), digest).await
    }

    /// Why what `operator` has on chain would not be attested so today.
    ///
    /// # Errors
    /// If the relayer does not answer.
    pub async fn warnings(&self, operator: Address) -> Result<Vec<Warning>, Error> {
        let url = self.url(&format!("operators/{operator}"))?;
        let view: OperatorView = self.ask(self.client.get(url)).await?;
        Ok(view.warnings)
    }

    /// Which evidence each result of a report is of, by the manifest with this SHA-256: it is that or nothing.
    ///
    /// # Errors
    /// If the relayer does not answer, or does not have it.
    pub(crate) async fn manifest(&self, digest: B256) -> Result<Manifest, Error> {
        let request = self.client.get(self.url(&format!("manifests/{digest}"))?);
        let (code, body) = self.fetch(request).await?;
        if sha256(&body) != digest {
            return Err(self.refusal(code, &body));
        }
        serde_json::from_slice(&body)
            .map_err(|problem| self.error(format!("manifest {digest} is none: {problem}"), false))
    }

    async fn about(&self, request: RequestBuilder, digest: B256) -> Result<Status, Error> {
        let status: Status = self.ask(request).await?;
        if status.digest == digest {
            Ok(status)
        } else {
            let problem = format!("it speaks of bundle {}, ours is {digest}", status.digest);
            Err(self.error(problem, false))
        }
    }

    async fn ask<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Error> {
        let (code, body) = self.fetch(request).await?;
        serde_json::from_slice(&body).map_err(|_| self.refusal(code, &body))
    }

    async fn fetch(&self, request: RequestBuilder) -> Result<(StatusCode, Vec<u8>), Error> {
        let response = request
            .send()
            .await
            .map_err(|error| self.error(http::problem(error), true))?;
        let code = response.status();
        let body = http::body(response)
            .await
            .map_err(|problem| self.error(problem, true))?;
        Ok((code, body))
    }

    fn refusal(&self, code: StatusCode, body: &[u8]) -> Error {
        let reason = status::reason(body);
        let advice = match code {
            StatusCode::TOO_MANY_REQUESTS => "; wait, or use another relayer",
            StatusCode::NOT_FOUND => "; is this a relayer's URL, without /v1?",
            _ if code.is_redirection() => "; redirects are not followed: name the relayer's own URL",
            _ => "",
        };
        let retryable = code.is_server_error() || code == StatusCode::TOO_MANY_REQUESTS;
        self.error(format!("it answers HTTP {code}: {reason}{advice}"), retryable)
    }

    fn url(&self, path: &str) -> Result<Url, Error> {
        http::parse_url(&format!("{}/v1/{path}", self.base)).map_err(|problem| self.error(problem, false))
    }

    fn error(&self, problem: impl Into<String>, retryable: bool) -> Error {
        Error::Relayer {
            relayer: self.name.clone(),
            problem: problem.into(),
            retryable,
        }
    }
}
