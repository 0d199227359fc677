//! A relayer, as a node sees it: it takes a bundle and tells what becomes of it.
//!
//! Nothing a relayer answers is followed, run or loaded. It can lie about what it did; only the chain says the truth.

mod status;

use std::time::{Duration, Instant};

use alloy_primitives::B256;
use chassis_verifier::bundle::Bundle;
use reqwest::{Client, RequestBuilder, StatusCode, Url, header::CONTENT_TYPE};

use crate::{Error, http};

pub use status::{CheckReport, State, Status};

const POLL: Duration = Duration::from_secs(1);

/// One relayer's HTTP interface.
#[derive(Clone, Debug)]
pub struct Relayer {
    bundles: Url,
    client: Client,
}

impl Relayer {
    /// The relayer at `url`, without `/v1`.
    ///
    /// # Errors
    /// If `url` is no HTTP URL.
    pub fn new(url: &str) -> Result<Self, Error> {
        let error = |problem| Error::Relayer {
            relayer: "of --relayer".to_owned(),
            problem,
            retryable: false,
        };
        let base = http::parse_url(url).map_err(error)?;
        let bundles = format!("{}/v1/bundles", base.as_str().trim_end_matches('/'));
        Ok(Self {
            bundles: http::parse_url(&bundles).map_err(error)?,
            client: http::client().map_err(error)?,
        })
    }

    /// Hands `bundle` over. The same bundle twice gets the same answer.
    ///
    /// # Errors
    /// If the relayer does not answer, or refuses without appraising.
    pub async fn submit(&self, bundle: &Bundle) -> Result<Status, Error> {
        let request = self
            .client
            .post(self.bundles.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(bundle.to_json()?);
        self.ask(request, bundle.digest).await
    }

    /// What has become of the bundle with this evidence digest.
    ///
    /// # Errors
    /// If the relayer does not answer or does not know it.
    pub async fn status(&self, digest: B256) -> Result<Status, Error> {
        let url = format!("{}/{digest}", self.bundles);
        self.ask(self.client.get(url), digest).await
    }

    /// Follows the bundle until it is final or rejected, and tells `progress` of every new state.
    ///
    /// A relayer that is away for a while is asked again.
    ///
    /// # Errors
    /// [`Error::Rejected`], [`Error::NotFinal`] after `patience`, or as [`Relayer::status`] if that will not get better.
    pub async fn follow(
        &self,
        first: Status,
        patience: Duration,
        mut progress: impl FnMut(&Status),
    ) -> Result<Status, Error> {
        let deadline = Instant::now() + patience;
        let mut status = first;
        progress(&status);
        loop {
            match status.state {
                State::Final => return Ok(status),
                State::Rejected => {
                    return Err(Error::Rejected {
                        digest: status.digest,
                        checks: status.checks,
                    });
                }
                _ if Instant::now() >= deadline => {
                    return Err(Error::NotFinal {
                        digest: status.digest,
                        state: status.state,
                        seconds: patience.as_secs(),
                    });
                }
                _ => tokio::time::sleep(POLL).await,
            }
            match self.status(status.digest).await {
                Ok(next) => {
                    if next.state != status.state || next.transaction != status.transaction {
                        progress(&next);
                    }
                    status = next;
                }
                Err(error) if error.is_retryable() => tracing::warn!("{error}; asking again"),
                Err(error) => return Err(error),
            }
        }
    }

    async fn ask(&self, request: RequestBuilder, digest: B256) -> Result<Status, Error> {
        let response = request
            .send()
            .await
            .map_err(|error| self.error(http::problem(error), true))?;
        let code = response.status();
        let body = http::body(response)
            .await
            .map_err(|problem| self.error(problem, true))?;
        let Ok(status) = serde_json::from_slice::<Status>(&body) else {
            return Err(self.refusal(code, &body));
        };
        if status.digest == digest {
            Ok(status)
        } else {
            let problem = format!("it speaks of bundle {}, ours is {digest}", status.digest);
            Err(self.error(problem, false))
        }
    }

    fn refusal(&self, code: StatusCode, body: &[u8]) -> Error {
        let reason = status::reason(body);
        let advice = match code {
            StatusCode::TOO_MANY_REQUESTS => "; wait, or use another relayer",
            StatusCode::NOT_FOUND => "; is this a relayer's URL, without /v1?",
            _ => "",
        };
        let retryable = code.is_server_error() || code == StatusCode::TOO_MANY_REQUESTS;
        self.error(format!("it answers HTTP {code}: {reason}{advice}"), retryable)
    }

    fn error(&self, problem: impl Into<String>, retryable: bool) -> Error {
        Error::Relayer {
            relayer: http::origin(&self.bundles),
            problem: problem.into(),
            retryable,
        }
    }
}
