//! Where operators want to be told, and what this relayer has signed to stop some.

use std::sync::Arc;

use alloy::primitives::{Address, Bytes};
use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
    http::StatusCode,
};
use chassis_program::unix_now;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{
    App,
    answers::AddressText,
    named::Named,
    problem::{Kind, Problem, ProblemBody},
};
use crate::{
    registry::domain,
    webhook::{Webhook, read_url},
};

/// How far an operator's clock may be from ours, seconds.
const CLOCK: u64 = 600;

/// What an operator sends: a URL, or none to be told nothing any more.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Registration {
    /// `https://…`, at a public address; empty to be told nothing any more.
    url: String,
    /// Unix seconds. A signature as old as the last one changes nothing.
    issued_at: u64,
    /// EIP-712 `Webhook(address operator,string url,uint64 issuedAt)` in the registry's domain, 65 bytes in hex.
    #[schema(value_type = String)]
    signature: Bytes,
}

#[utoipa::path(
    put,
    path = "/v1/operators/{address}/webhook",
    tag = "bundles",
    params(("address" = inline(AddressText), Path, description = "The operator, who signs")),
    request_body(content = Registration),
    responses(
        (status = 204, description = "In force"),
        (status = 400, description = "Not a registration", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No address, or no bundle of it here", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "A later registration is in force", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Not signed by the operator, too old, or no such URL is told", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests from this address", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Stopping, or something is away", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn register(
    State(app): State<Arc<App>>,
    Named(operator): Named<Address>,
    body: Result<Json<Registration>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    let Json(body) = body.map_err(|rejection| Problem::new(Kind::NotARegistration, rejection.body_text()))?;
    if !body.url.is_empty() {
        read_url(&body.url, &app.webhooks).map_err(|problem| Problem::new(Kind::WebhookRefused, problem))?;
    }
    if unix_now().abs_diff(body.issued_at) > CLOCK {
        let detail = format!("issuedAt is more than {CLOCK} s from now: sign again, and check the clock");
        return Err(Problem::new(Kind::WebhookRefused, detail));
    }
    let signed = Webhook {
        operator,
        url: body.url.clone(),
        issuedAt: body.issued_at,
    };
    let domain = domain(app.chain.id, *app.chain.registry.address());
    if signed.signer(&domain, &body.signature) != Some(operator) {
        let detail = format!("the registration is not signed by {operator}");
        return Err(Problem::new(Kind::WebhookRefused, detail));
    }
    if app.store.latest_bundle_of(operator).await?.is_none() {
        return Err(Problem::not_found(format!(
            "no bundle of {operator} has been received here"
        )));
    }
    let issued_at = i64::try_from(body.issued_at).unwrap_or(i64::MAX);
    if !app.store.set_webhook(operator, &body.url, issued_at).await? {
        let detail = "a registration signed as late or later is in force: sign with a later issuedAt";
        return Err(Problem::new(Kind::WebhookReplay, detail));
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Freezes that this relayer has signed and that the registry would still take. One that is complete is posted; anyone else
/// may send it, too.
#[utoipa::path(
    get,
    path = "/v1/orders",
    tag = "registry",
    responses(
        (status = 200, description = "The orders, each with the call that sends it", body = Object),
        (status = 429, description = "Too many requests from this address", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "The chain does not answer", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn orders(State(app): State<Arc<App>>) -> Result<Json<Value>, Problem> {
    Ok(Json(json!({"orders": app.cosigner.orders().await?})))
}
