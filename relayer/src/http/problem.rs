//! Errors as `application/problem+json` (RFC 9457).

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::Error;

/// What is wrong with a request, and what to do.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    title: &'static str,
    detail: String,
    retry_after: Option<u64>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            title,
            detail: detail.into(),
            retry_after: None,
        }
    }

    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "this is not a bundle", detail)
    }

    pub(super) fn refused(title: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, title, detail)
    }

    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not found", detail)
    }

    pub(super) fn retry_after(self, seconds: u64) -> Self {
        Self {
            retry_after: Some(seconds),
            ..self
        }
    }

    pub(super) fn busy(detail: impl Into<String>, retry_after: u64) -> Self {
        let busy = Self::new(StatusCode::TOO_MANY_REQUESTS, "too much at once", detail);
        Self {
            retry_after: Some(retry_after),
            ..busy
        }
    }

    pub(super) fn stopping() -> Self {
        let detail =
            "the relayer is stopping; what it has accepted stays; send this to another one, or again soon";
        Self {
            retry_after: Some(30),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", detail)
        }
    }
}

/// Ours to mend: the cause goes to the log, not to the client.
impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        tracing::error!(%error, "request failed");
        let what = match &error {
            Error::Archive { .. } => "the relayer's archive cannot be reached or is full",
            Error::Store(_) => "the relayer's database is locked, full, or cannot be reached",
            _ => "the relayer cannot do this now",
        };
        let detail = format!("{what}; what it has accepted stays; try again later");
        Self {
            retry_after: Some(10),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({"status": self.status.as_u16(), "title": self.title, "detail": self.detail});
        let mut response = (self.status, Json(body)).into_response();
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
