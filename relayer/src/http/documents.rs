//! Archived documents: what an auditor needs to repeat an appraisal.

use std::sync::Arc;

use alloy::primitives::B256;
use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};

use super::{
    App,
    answers::Word,
    named::Named,
    problem::{Kind as ProblemKind, Problem, ProblemBody},
};
use crate::archive::Kind;

/// What a digest names never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// An appraisal, by the digest that relayers sign.
#[utoipa::path(
    get,
    path = "/v1/results/{digest}",
    tag = "archive",
    params(("digest" = inline(Word), Path, description = "Digest of the result")),
    responses(
        (status = 200, description = "The document, which has this digest", body = Object),
        (status = 404, description = "Not in this archive", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests from this address", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "The archive cannot be reached", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn result(
    State(app): State<Arc<App>>,
    Named(digest): Named<B256>,
) -> Result<Response, Problem> {
    document(&app, Kind::Result, digest).await
}

/// A set of endorsements, in canonical form.
#[utoipa::path(
    get,
    path = "/v1/endorsements/{digest}",
    tag = "archive",
    params(("digest" = inline(Word), Path, description = "Digest of the endorsement set")),
    responses(
        (status = 200, description = "The document, which has this digest", body = Object),
        (status = 404, description = "Not in this archive", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests from this address", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "The archive cannot be reached", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn endorsements(
    State(app): State<Arc<App>>,
    Named(digest): Named<B256>,
) -> Result<Response, Problem> {
    document(&app, Kind::Endorsements, digest).await
}

/// A policy, in canonical form.
#[utoipa::path(
    get,
    path = "/v1/policies/{digest}",
    tag = "archive",
    params(("digest" = inline(Word), Path, description = "Digest of the policy")),
    responses(
        (status = 200, description = "The document, which has this digest", body = Object),
        (status = 404, description = "Not in this archive", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests from this address", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "The archive cannot be reached", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn policy(
    State(app): State<Arc<App>>,
    Named(digest): Named<B256>,
) -> Result<Response, Problem> {
    document(&app, Kind::Policy, digest).await
}

/// What the digests in a report stand for.
#[utoipa::path(
    get,
    path = "/v1/manifests/{hash}",
    tag = "archive",
    params(("hash" = inline(Word), Path, description = "Digest of the manifest, as the report has it")),
    responses(
        (status = 200, description = "The document, which has this digest", body = Object),
        (status = 404, description = "Not in this archive", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests from this address", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "The archive cannot be reached", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn manifest(
    State(app): State<Arc<App>>,
    Named(digest): Named<B256>,
) -> Result<Response, Problem> {
    document(&app, Kind::Manifest, digest).await
}

/// A bundle itself, if its operator made it public: it names projects and instances.
#[utoipa::path(
    get,
    path = "/v1/evidence/{digest}",
    tag = "archive",
    params(("digest" = inline(Word), Path, description = "Digest of the evidence")),
    responses(
        (status = 200, description = "The bundle as received", body = Object),
        (status = 403, description = "Its operator has not made it public", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "Not received here", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests from this address", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "The archive cannot be reached", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn evidence(
    State(app): State<Arc<App>>,
    Named(digest): Named<B256>,
) -> Result<Response, Problem> {
    match app.store.bundle(digest).await? {
        Some(row) if row.is_public => document(&app, Kind::Bundle, digest).await,
        Some(_) => {
            let detail = "its operator has not made this bundle public: it can be read only in the archive of a relayer that has it";
            Err(Problem::new(ProblemKind::NotPublic, detail))
        }
        None => Err(Problem::not_found(format!(
            "no bundle {digest} has been received here"
        ))),
    }
}

async fn document(app: &App, kind: Kind, digest: B256) -> Result<Response, Problem> {
    match app.archive.get(kind, digest).await? {
        Some(document) => {
            let headers = [
                (header::CONTENT_TYPE, "application/json"),
                (header::CACHE_CONTROL, FOR_EVER),
            ];
            Ok((headers, document).into_response())
        }
        None => Err(Problem::not_found(format!("{digest} is not in this archive"))),
    }
}
