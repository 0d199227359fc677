//! What the chain says, through this relayer's eyes.

use std::sync::Arc;

use alloy::primitives::Address;
use axum::{Json, extract::State};

use super::{
    App,
    answers::{AddressText, ChallengeView, OperatorView},
    bundles::view,
    named::Named,
    problem::{Problem, ProblemBody},
};
use crate::{Error, chain::Block};

/// What the registry says about an operator, and its latest bundle here.
#[utoipa::path(
    get,
    path = "/v1/operators/{address}",
    tag = "registry",
    params(("address" = inline(AddressText), Path, description = "The operator")),
    responses(
        (status = 200, description = "What the registry says now", body = OperatorView),
        (status = 404, description = "No address", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests from this address", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "The chain does not answer", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn operator(
    State(app): State<Arc<App>>,
    Named(operator): Named<Address>,
) -> Result<Json<OperatorView>, Problem> {
    let registry = &app.chain.registry;
    let stored = registry
        .attestationOf(operator)
        .call()
        .await
        .map_err(Error::from)?;
    let is_attested = registry
        .isAttested_0(operator)
        .call()
        .await
        .map_err(Error::from)?;
    let latest_bundle = match app.store.latest_bundle_of(operator).await? {
        Some(row) => Some(view(&app, &row).await?),
        None => None,
    };
    let warnings = app.store.warning_of(operator).await?;
    Ok(Json(OperatorView {
        operator,
        is_attested,
        status: stored.status.into(),
        platform_id: stored.platformId,
        expiry: stored.expiry.to(),
        attested_since: stored.attestedSince.to(),
        latest_bundle,
        warnings: warnings.into_iter().map(Into::into).collect(),
    }))
}

/// What evidence made now must name.
///
/// A convenience: a node that believed it would let a relayer choose its challenge. Check the block by your own endpoint.
#[utoipa::path(
    get,
    path = "/v1/challenge",
    tag = "registry",
    responses(
        (status = 200, description = "The latest finalized block, the chain, and the registry", body = ChallengeView),
        (status = 429, description = "Too many requests from this address", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "The chain does not answer", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn challenge(State(app): State<Arc<App>>) -> Result<Json<ChallengeView>, Problem> {
    let block = finalized(&app).await?;
    Ok(Json(ChallengeView {
        chain_id: app.chain.id,
        registry: *app.chain.registry.address(),
        block_number: block.number,
        block_hash: block.hash,
        timestamp: block.timestamp,
    }))
}

/// The latest finalized block, as it was a second ago at most.
pub(super) async fn finalized(app: &App) -> Result<Block, Error> {
    let chain = app.chain.clone();
    let finalized = async move { chain.finalized().await.map_err(|error| error.to_string()) };
    app.keeping.finalized.get(finalized).await.map_err(Error::Rpc)
}
