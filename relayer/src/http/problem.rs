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

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident $name:literal $status:ident $title:literal;)*) => {
        /// What can be wrong with a request. Each has a URI that never changes, so programs can act on it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Kind {
            $($(#[$doc])* $variant,)*
        }

        impl Kind {
            #[cfg(test)]
            pub(super) const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its URI, status, and title.
            pub(super) fn facts(self) -> (&'static str, StatusCode, &'static str) {
                match self {
                    $(Self::$variant => (
                        concat!("urn:chassis:problem:", $name),
                        StatusCode::$status,
                        $title,
                    ),)*
                }
            }
        }
    };
}

kinds! {
    /// The body cannot be read as a bundle.
    NotABundle "not-a-bundle" BAD_REQUEST "this is not a bundle";
    /// The body cannot be read as a webhook's registration.
    NotARegistration "not-a-registration" BAD_REQUEST "this is not a registration";
    /// The registration is not good.
    WebhookRefused "webhook-refused" UNPROCESSABLE_ENTITY "the registration is refused";
    /// A later registration is in force.
    WebhookReplay "webhook-replay" CONFLICT "a later registration is in force";
    /// The query cannot be read.
    NotAQuery "not-a-query" BAD_REQUEST "this is not a query";
    /// The registry's log has not been read yet.
    NotIndexed "not-indexed" SERVICE_UNAVAILABLE "not indexed yet";
    /// The body is longer than a bundle may be.
    TooLarge "too-large" PAYLOAD_TOO_LARGE "the bundle is too large";
    /// The body did not arrive in time.
    TooSlow "too-slow" REQUEST_TIMEOUT "the bundle did not arrive in time";
    /// Checks failed that need no appraisal.
    Refused "refused" UNPROCESSABLE_ENTITY "the bundle is not for this relayer";
    /// There is no such thing here.
    NotFound "not-found" NOT_FOUND "not found";
    /// The route has no such method.
    NoSuchMethod "no-such-method" METHOD_NOT_ALLOWED "no such method";
    /// The operator shows it to few.
    NotPublic "not-public" FORBIDDEN "not public";
    /// One client asks too often.
    ClientRate "client-rate" TOO_MANY_REQUESTS "too many requests from this address";
    /// One operator sent too much today.
    OperatorQuota "operator-quota" TOO_MANY_REQUESTS "too many bundles of this operator";
    /// Operators that were never attested sent too much.
    NewcomersQuota "newcomers-quota" TOO_MANY_REQUESTS "too much of operators that were never attested";
    /// Too many bundles wait to be appraised.
    QueueFull "queue-full" TOO_MANY_REQUESTS "too many bundles wait";
    /// Evidence of a newcomer names a block that is not final here yet.
    NotFinal "not-final" SERVICE_UNAVAILABLE "the block is not final here yet";
    /// Too many bundles are being received.
    Busy "busy" SERVICE_UNAVAILABLE "too many bundles arrive at once";
    /// The relayer is on its way down.
    Stopping "stopping" SERVICE_UNAVAILABLE "the relayer is stopping";
    /// Something the relayer needs is away.
    Unavailable "unavailable" SERVICE_UNAVAILABLE "the relayer cannot do this now";
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
