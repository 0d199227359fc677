//! Errors as `application/problem+json` (RFC 9457).

use std::borrow::Cow;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use chassis_verifier::CheckId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Error;

/// What can be wrong with a request. Each has a URI that never changes, so programs can act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The body cannot be read as a bundle.
    NotABundle,
    /// The body cannot be read as a webhook's registration.
    NotARegistration,
    /// The registration is not good.
    WebhookRefused,
    /// A later registration is in force.
    WebhookReplay,
    /// The query cannot be read.
    NotAQuery,
    /// The registry's log has not been read yet.
    NotIndexed,
    /// The body is longer than a bundle may be.
    TooLarge,
    /// The body did not arrive in time.
    TooSlow,
    /// Checks failed that need no appraisal.
    Refused,
    /// There is no such thing here.
    NotFound,
    /// The route has no such method.
    NoSuchMethod,
    /// The operator shows it to few.
    NotPublic,
    /// One client asks too often.
    ClientRate,
    /// One operator sent too much today.
    OperatorQuota,
    /// Operators that were never attested sent too much.
    NewcomersQuota,
    /// Too many bundles wait to be appraised.
    QueueFull,
    /// Too many bundles are being received.
    Busy,
    /// The relayer is on its way down.
    Stopping,
    /// Something the relayer needs is away.
    Unavailable,
}

impl Kind {
    #[cfg(test)]
    pub(super) const ALL: [Self; 19] = [
        Self::NotARegistration,
        Self::WebhookRefused,
        Self::WebhookReplay,
        Self::NotABundle,
        Self::NotAQuery,
        Self::NotIndexed,
        Self::TooLarge,
        Self::TooSlow,
        Self::Refused,
        Self::NotFound,
        Self::NoSuchMethod,
        Self::NotPublic,
        Self::ClientRate,
        Self::OperatorQuota,
        Self::NewcomersQuota,
        Self::QueueFull,
        Self::Busy,
        Self::Stopping,
        Self::Unavailable,
    ];

    /// Its URI, status, and title.
    pub(super) fn facts(self) -> (&'static str, StatusCode, &'static str) {
        match self {
            Self::NotABundle => (
                "urn:chassis:problem:not-a-bundle",
                StatusCode::BAD_REQUEST,
                "this is not a bundle",
            ),
            Self::NotARegistration => (
                "urn:chassis:problem:not-a-registration",
                StatusCode::BAD_REQUEST,
                "this is not a registration",
            ),
            Self::WebhookRefused => (
                "urn:chassis:problem:webhook-refused",
                StatusCode::UNPROCESSABLE_ENTITY,
                "the registration is refused",
            ),
            Self::WebhookReplay => (
                "urn:chassis:problem:webhook-replay",
                StatusCode::CONFLICT,
                "a later registration is in force",
            ),
            Self::NotAQuery => (
                "urn:chassis:problem:not-a-query",
                StatusCode::BAD_REQUEST,
                "this is not a query",
            ),
            Self::NotIndexed => (
                "urn:chassis:problem:not-indexed",
                StatusCode::SERVICE_UNAVAILABLE,
                "not indexed yet",
            ),
            Self::TooLarge => (
                "urn:chassis:problem:too-large",
                StatusCode::PAYLOAD_TOO_LARGE,
                "the bundle is too large",
            ),
            Self::TooSlow => (
                "urn:chassis:problem:too-slow",
                StatusCode::REQUEST_TIMEOUT,
                "the bundle did not arrive in time",
            ),
            Self::Refused => (
                "urn:chassis:problem:refused",
                StatusCode::UNPROCESSABLE_ENTITY,
                "the bundle is not for this relayer",
            ),
            Self::NotFound => (
                "urn:chassis:problem:not-found",
                StatusCode::NOT_FOUND,
                "not found",
            ),
            Self::NoSuchMethod => (
                "urn:chassis:problem:no-such-method",
                StatusCode::METHOD_NOT_ALLOWED,
                "no such method",
            ),
            Self::NotPublic => (
                "urn:chassis:problem:not-public",
                StatusCode::FORBIDDEN,
                "not public",
            ),
            Self::ClientRate => (
                "urn:chassis:problem:client-rate",
                StatusCode::TOO_MANY_REQUESTS,
                "too many requests from this address",
            ),
            Self::OperatorQuota => (
                "urn:chassis:problem:operator-quota",
                StatusCode::TOO_MANY_REQUESTS,
                "too many bundles of this operator",
            ),
            Self::NewcomersQuota => (
                "urn:chassis:problem:newcomers-quota",
                StatusCode::TOO_MANY_REQUESTS,
                "too much of operators that were never attested",
            ),
            Self::QueueFull => (
                "urn:chassis:problem:queue-full",
                StatusCode::TOO_MANY_REQUESTS,
                "too many bundles wait",
            ),
            Self::Busy => (
                "urn:chassis:problem:busy",
                StatusCode::SERVICE_UNAVAILABLE,
                "too many bundles arrive at once",
            ),
            Self::Stopping => (
                "urn:chassis:problem:stopping",
                StatusCode::SERVICE_UNAVAILABLE,
                "the relayer is stopping",
            ),
            Self::Unavailable => (
                "urn:chassis:problem:unavailable",
                StatusCode::SERVICE_UNAVAILABLE,
                "the relayer cannot do this now",
            ),
        }
    }
}

/// What is wrong with a request, and what to do.
#[derive(Debug)]
pub(super) struct Problem {
    kind: Kind,
    detail: Cow<'static, str>,
    checks: Vec<FailedCheck>,
    retry_after: Option<u64>,
}

/// A problem's body.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProblemBody {
    /// Names the kind of problem; never changes.
    #[serde(rename = "type")]
    #[schema(example = "urn:chassis:problem:not-found")]
    kind: &'static str,
    /// The kind in words.
    title: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What happened to this request, and what to do.
    detail: Cow<'static, str>,
    /// The checks that failed, if any ran.
    checks: Vec<FailedCheck>,
}

/// A check that failed before the appraisal.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct FailedCheck {
    /// Its number, which never changes.
    id: u16,
    /// Its name.
    #[schema(example = "fresh.anchor")]
    name: &'static str,
    /// What was found instead, and what to do.
    detail: String,
}

impl FailedCheck {
    pub(super) fn new(id: CheckId, detail: impl Into<String>) -> Self {
        Self {
            id: id as u16,
            name: id.name(),
            detail: detail.into(),
        }
    }
}

impl Problem {
    pub(super) fn new(kind: Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            checks: Vec::new(),
            retry_after: None,
        }
    }

    /// With the checks that failed: all of them at once.
    pub(super) fn refused(checks: Vec<FailedCheck>) -> Self {
        let detail =
            "make the bundle anew for this relayer's chain and registry, as `/v1/challenge` names them";
        Self {
            checks,
            ..Self::new(Kind::Refused, detail)
        }
    }

    pub(super) fn not_found(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::NotFound, detail)
    }

    pub(super) fn stopping() -> Self {
        let detail = "what it has accepted stays; send this to another relayer, or again soon";
        Self::new(Kind::Stopping, detail).retry_after(30)
    }

    /// In how many seconds it is worth another try.
    pub(super) fn retry_after(self, seconds: u64) -> Self {
        Self {
            retry_after: Some(seconds),
            ..self
        }
    }
}

/// Ours to mend: the cause goes to the log, not to the client.
impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        tracing::error!(code = error.code(), %error, "request failed");
        let what = match &error {
            Error::Archive { .. } => "the relayer's archive cannot be reached or is full",
            Error::Store(_) => "the relayer's database is locked, full, or cannot be reached",
            _ => "the relayer cannot do this now",
        };
        let detail = format!("{what}; what it has accepted stays; try again later");
        Self::new(Kind::Unavailable, detail).retry_after(10)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (kind, status, title) = self.kind.facts();
        metrics::counter!("chassis_http_problems_total", "type" => kind).increment(1);
        let body = ProblemBody {
            kind,
            title,
            status: status.as_u16(),
            detail: self.detail,
            checks: self.checks,
        };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_has_a_uri_of_its_own() {
        let uris: BTreeSet<_> = Kind::ALL.iter().map(|kind| kind.facts().0).collect();
        assert_eq!(uris.len(), Kind::ALL.len());
        assert!(uris.iter().all(|uri| uri.starts_with("urn:chassis:problem:")));
    }
}
