//! Archived documents: what an auditor needs to repeat an appraisal.

use std::sync::Arc;

use alloy::primitives::B256;
use axum::{
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{App, problem::Problem};
use crate::archive::Kind;

pub(super) async fn result(
    State(app): State<Arc<App>>,
    Path(digest): Path<String>,
) -> Result<Response, Problem> {
    document(&app, Kind::Result, &digest).await
}

pub(super) async fn endorsements(
    State(app): State<Arc<App>>,
    Path(digest): Path<String>,
) -> Result<Response, Problem> {
    document(&app, Kind::Endorsements, &digest).await
}

pub(super) async fn policy(
    State(app): State<Arc<App>>,
    Path(digest): Path<String>,
) -> Result<Response, Problem> {
    document(&app, Kind::Policy, &digest).await
}

pub(super) async fn manifest(
    State(app): State<Arc<App>>,
    Path(digest): Path<String>,
) -> Result<Response, Problem> {
    document(&app, Kind::Manifest, &digest).await
}

/// The bundle itself, if its operator let everybody see it: it names projects and instances.
pub(super) async fn evidence(
    State(app): State<Arc<App>>,
    Path(digest): Path<String>,
) -> Result<Response, Problem> {
    let row = app.store.bundle(parse(&digest)?).await?;
    match row {
        Some(row) if row.is_public => document(&app, Kind::Bundle, &digest).await,
        Some(_) => {
            let detail = "its operator shows this bundle to credentialed auditors only";
            Err(Problem::new(StatusCode::FORBIDDEN, "not public", detail))
        }
        None => Err(Problem::not_found(format!(
            "no bundle {digest} has been received here"
        ))),
    }
}

async fn document(app: &App, kind: Kind, digest: &str) -> Result<Response, Problem> {
    match app.archive.get(kind, parse(digest)?).await? {
        Some(document) => Ok(([(header::CONTENT_TYPE, "application/json")], document).into_response()),
        None => Err(Problem::not_found(format!("{digest} is not in this archive"))),
    }
}

fn parse(digest: &str) -> Result<B256, Problem> {
    digest
        .parse()
        .map_err(|_| Problem::not_found(format!("`{digest}` is no digest")))
}
