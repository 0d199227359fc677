//! Where operators want to be told, and what this relayer has signed to stop some.

use std::sync::Arc;

use alloy::primitives::{Address, Bytes};
use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
    http::StatusCode,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    App,
    named::Named,
    problem::{Kind, Problem},
};
use crate::{
    registry::domain,
    webhook::{Webhook, read_url, unix_now},
};

/// How far an operator's clock may be from ours, seconds.
const CLOCK: u64 = 600;

/// What an operator sends: a URL, or none to be told nothing any more.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Registration {
    url: String,
    /// Unix seconds. A signature as old as the last one changes nothing.
    issued_at: u64,
    /// EIP-712 `Webhook(address operator,string url,uint64 issuedAt)` in the registry's domain, 65 bytes.
    signature: Bytes,
}

pub(super) async fn register(
    State(app): State<Arc<App>>,
    Named(operator): Named<Address>,
    body: Result<Json<Registration>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    let Json(body) = body.map_err(|rejection| Problem::new(Kind::NotARegistration, rejection.body_text()))?;
    if !body.url.is_empty() {
        read_url(&body.url, app.webhooks.danger_allow_loopback)
            .map_err(|problem| Problem::new(Kind::WebhookRefused, problem))?;
    }
    let now = unix_now();
    if now.unsigned_abs().abs_diff(body.issued_at) > CLOCK {
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

/// Signed freezes that the registry would still take. Anyone may send them, once enough relayers have signed.
pub(super) async fn orders(State(app): State<Arc<App>>) -> Result<Json<Value>, Problem> {
    let now = app.chain.latest().await?.timestamp;
    let orders = app.store.orders(i64::try_from(now).unwrap_or(i64::MAX)).await?;
    let documents = orders
        .iter()
        .map(|order| serde_json::from_str::<Value>(&order.document).unwrap_or_default());
    Ok(Json(json!({"orders": documents.collect::<Vec<_>>()})))
}
