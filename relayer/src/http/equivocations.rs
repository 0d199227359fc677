//! What convicts other relayers.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde_json::{Value, json};

use super::{
    App,
    problem::{Problem, ProblemBody},
};
use crate::Error;

/// Relayers of the set in force that signed two results for one appraisal, and are not disabled yet: of each, the call of
/// `proveEquivocation` that disables it. Anyone may send it to the registry.
///
/// A relayer can show only what it was asked to sign itself.
#[utoipa::path(
    get,
    path = "/v1/equivocations",
    tag = "registry",
    responses(
        (status = 200, description = "`equivocations`: relayer, relayer set and place in it, evidence, calldata", body = Object),
        (status = 429, description = "Too many requests from this address", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Something is away", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn equivocations(State(app): State<Arc<App>>) -> Result<Json<Value>, Problem> {
    let cosigner = app.cosigner.clone();
    let proofs = async move { cosigner.proofs().await.map_err(|error| error.to_string()) };
    let proofs = app.keeping.proofs.get(proofs).await.map_err(Error::Rpc)?;
    Ok(Json(json!({"equivocations": proofs})))
}
