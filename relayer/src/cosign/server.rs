//! Answers other relayers.
//!
//! In this order, so that a stranger costs headers and one curve operation, and a member no more than its share: headers,
//! signature, membership, rate, room, nonce; only then the body, up to its limit, and its hash.

use std::{collections::HashMap, num::NonZeroU32, sync::Arc};

use alloy::primitives::{Address, B256, keccak256};
use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use chassis_program::unix_now;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use serde::Serialize;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit},
    time::timeout,
};
use tracing::{debug, error};

use super::{
    Cosign, Cosigner, Inner,
    auth::{self, Claim, SKEW},
    judge,
    message::{Message, Refusal},
};
use crate::Error;

/// Largest request, in bytes: a proposal and report of 128 items take half of it.
const REQUEST_LIMIT: usize = 512 << 10;

/// Stages that what a peer asked for may take. Who asks waits for one.
const STAGES: u32 = 2;

/// How much each peer may ask.
pub(super) struct Shares {
    rate: DefaultKeyedRateLimiter<Address>,
    of: HashMap<Address, Share>,
}

struct Share {
    /// For messages.
    room: Arc<Semaphore>,
    /// For items that are judged.
    judging: Semaphore,
}

impl std::fmt::Debug for Shares {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shares").finish_non_exhaustive()
    }
}

impl Shares {
    /// As the configuration has it.
    pub(super) fn new(config: &Cosign) -> Self {
        let per_minute = NonZeroU32::new(config.max_per_minute).unwrap_or(NonZeroU32::MIN);
        let of = config.peers.iter().map(|peer| {
            let share = Share {
                room: Arc::new(Semaphore::new(config.max_concurrent)),
                judging: Semaphore::new(judge::AT_ONCE),
            };
            (peer.address, share)
        });
        Self {
            rate: RateLimiter::keyed(Quota::per_minute(per_minute)),
            of: of.collect(),
        }
    }

    /// Waits until one more of a peer's items may be judged. `None`: it is no peer.
    pub(super) async fn judge(&self, peer: Address) -> Option<SemaphorePermit<'_>> {
        self.of.get(&peer)?.judging.acquire().await.ok()
    }

    fn take(&self, peer: Address) -> Result<OwnedSemaphorePermit, Fault> {
        let busy = |reason: &str| Fault(StatusCode::TOO_MANY_REQUESTS, reason.into());
        let share = self.of.get(&peer).ok_or_else(|| {
            let reason = format!("{peer} is not among this relayer's peers");
            Fault(StatusCode::FORBIDDEN, reason)
        })?;
        if self.rate.check_key(&peer).is_err() {
            return Err(busy("too many messages in a minute"));
        }
        Arc::clone(&share.room)
            .try_acquire_owned()
            .map_err(|_| busy("too many messages at once"))
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) struct Fault(pub(super) StatusCode, pub(super) String);

impl Fault {
    /// The peer asks for what this relayer will not do.
    pub(super) fn refused(reason: impl Into<String>) -> Self {
        Self(StatusCode::UNPROCESSABLE_ENTITY, reason.into())
    }
}

/// Ours to mend: the cause goes to the log, not to the peer.
impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::Equivocation { .. } => Self(StatusCode::CONFLICT, error.to_string()),
            error => {
                error!(%error, "a peer's request failed");
                let reason = "this relayer cannot do that now";
                Self(StatusCode::SERVICE_UNAVAILABLE, reason.into())
            }
        }
    }
}

impl Cosigner {
    /// Answers `POST /v1/cosign`.
    pub async fn answer(&self, request: Request) -> Response {
        let inner = &self.0;
        let (parts, body) = request.into_parts();
        let (claim, digest, permit) = match inner.admit(&parts.headers).await {
            Ok(admitted) => admitted,
            // To whom would it be signed?
            Err(fault) => return plain(&fault),
        };
        let answer = match inner.read(&claim, &parts.headers, body).await {
            Ok(message) => {
                let name = message.name();
                let answer = inner.act_to_the_end(claim.sender, message, permit).await;
                let outcome = if answer.is_ok() { "answered" } else { "refused" };
                metrics::counter!("chassis_cosign_answers_total", "message" => name, "outcome" => outcome)
                    .increment(1);
                answer
            }
            Err(fault) => Err(fault),
        };
        inner.sign_answer(digest, answer).await
    }
}

impl Inner {
    /// Who asks and hangs up undoes nothing: what was begun for it ends, in its share of the room. Whoever has signatures
    /// enough hangs up on all others, and these have to know what they voted for.
    async fn act_to_the_end(
        self: &Arc<Self>,
        sender: Address,
        message: Message,
        permit: OwnedSemaphorePermit,
    ) -> Result<Vec<u8>, Fault> {
        let inner = Arc::clone(self);
        let acting = tokio::spawn(async move {
            let _permit = permit;
            // A peer that hands out documents slowly, or not at all, must not fill its room for long.
            timeout(STAGES * inner.config.stage(), inner.act(sender, message))
                .await
                .unwrap_or_else(|_| Err(Fault(StatusCode::GATEWAY_TIMEOUT, "it took too long".into())))
        });
        acting.await.unwrap_or_else(|panic| {
            let error = Error::Io {
                doing: "answer a peer".into(),
                source: std::io::Error::other(panic),
            };
            Err(error.into())
        })
    }

    /// Everything that can be decided by the headers.
    async fn admit(&self, headers: &HeaderMap) -> Result<(Claim, B256, OwnedSemaphorePermit), Fault> {
        let fault = |status| move |reason: String| Fault(status, reason);
        let claim = Claim::read(headers).map_err(fault(StatusCode::UNAUTHORIZED))?;
        let digest = claim
            .verify(&self.domain, self.signer.address(), unix_now())
            .map_err(fault(StatusCode::UNAUTHORIZED))?;
        let permit = self.shares.take(claim.sender)?;
        let set = self.known_set().await?;
        if !set.counts(claim.sender) {
            let reason = format!("{} is not in relayer set {}", claim.sender, set.id);
            return Err(Fault(StatusCode::FORBIDDEN, reason));
        }
        // For as long as its time could still be taken for now.
        if !self
            .store
            .hear(claim.sender, claim.nonce, claim.time + SKEW)
            .await?
        {
            return Err(Fault(
                StatusCode::CONFLICT,
                "this request was heard before".into(),
            ));
        }
        Ok((claim, digest, permit))
    }

    async fn read(&self, claim: &Claim, headers: &HeaderMap, body: Body) -> Result<Message, Fault> {
        let too_large = || {
            let reason = format!("more than {REQUEST_LIMIT} bytes");
            Fault(StatusCode::PAYLOAD_TOO_LARGE, reason)
        };
        let length = headers.get(header::CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        if length.is_some_and(|length| length > REQUEST_LIMIT) {
            return Err(too_large());
        }
        let reading = tokio::time::timeout(self.config.stage(), to_bytes(body, REQUEST_LIMIT)).await;
        let body = reading
            .map_err(|_| Fault(StatusCode::REQUEST_TIMEOUT, "the body did not come".into()))?
            .map_err(|_| too_large())?;
        if keccak256(&body) != claim.body {
            return Err(Fault(
                StatusCode::UNAUTHORIZED,
                "the body is not the signed one".into(),
            ));
        }
        serde_json::from_slice(&body)
            .map_err(|error| Fault(StatusCode::BAD_REQUEST, format!("no message: {error}")))
    }

    async fn sign_answer(&self, request: B256, answer: Result<Vec<u8>, Fault>) -> Response {
        let (status, body) = match answer {
            Ok(body) => (StatusCode::OK, body),
            Err(Fault(status, reason)) => {
                debug!(%status, reason, "refused a peer");
                (status, to_body(&Refusal { reason }))
            }
        };
        let signature = auth::sign_answer(&self.signer, &self.domain, request, status.as_u16(), &body).await;
        let value = signature
            .ok()
            .and_then(|signature| HeaderValue::from_str(&signature).ok());
        let mut response = (status, [(header::CONTENT_TYPE, "application/json")], body).into_response();
        if let Some(value) = value {
            response.headers_mut().insert(auth::SIGNATURE, value);
        }
        response
    }
}

fn plain(fault: &Fault) -> Response {
    let Fault(status, reason) = fault;
    debug!(%status, reason, "refused a stranger");
    let refusal = Refusal {
        reason: reason.clone(),
    };
    (*status, axum::Json(refusal)).into_response()
}

/// What an answer is made of is always JSON: strings, numbers, lists and maps with string keys.
pub(super) fn to_body(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}
