//! Bundles in, and what became of them.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use alloy::primitives::{Address, B256};
use axum::{
    Json,
    body::Bytes,
    extract::{Path, State, rejection::BytesRejection},
    http::StatusCode,
};
use chassis_verifier::{
    bundle::{Bundle, DEFAULT_LIMIT, Disclosure},
    consent_signer,
};
use serde_json::{Value, json};

use super::{App, problem::Problem};
use crate::{
    Error,
    archive::Kind,
    registry::IProofOfCloudRegistry::Status,
    service::Phase,
    store::{BundleRow, NewBundle, State as BundleState, Warning},
};

/// Archives before it acknowledges. The same bundle twice gets the same answer and causes no second work.
pub(super) async fn submit(
    State(app): State<Arc<App>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    if app.phases.now() > Phase::Running {
        return Err(Problem::stopping());
    }
    let body =
        body.map_err(|rejection| Problem::new(rejection.status(), "too large", rejection.body_text()))?;
    let bundle =
        Bundle::parse(&body, DEFAULT_LIMIT).map_err(|error| Problem::bad_request(error.to_string()))?;
    if let Some(known) = app.store.bundle(bundle.digest).await? {
        return Ok((StatusCode::OK, Json(view(&app, &known).await?)));
    }
    admit(&app, &bundle).await?;
    metrics::counter!("chassis_bundles_received_total").increment(1);
    app.archive.put(Kind::Bundle, bundle.digest, body).await?;
    let received_at = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |now| now.as_secs());
    let new = NewBundle {
        digest: bundle.digest,
        operator: bundle.evidence.operator,
        is_public: bundle.evidence.disclosure == Disclosure::Public,
        received_at: i64::try_from(received_at).unwrap_or(i64::MAX),
    };
    app.store.add_bundle(&new).await?;
    tracing::info!(digest = %bundle.digest, operator = %new.operator, stage = "intake", "received");
    let answer = json!({"digest": bundle.digest, "state": BundleState::Received.name(), "checks": []});
    Ok((StatusCode::ACCEPTED, Json(answer)))
}

/// Cheap checks that name who pays for the space.
async fn admit(app: &App, bundle: &Bundle) -> Result<(), Problem> {
    let anchor = &bundle.evidence.anchor;
    if (anchor.chain_id, anchor.registry) != (app.chain.id, *app.chain.registry.address()) {
        let detail = format!(
            "this relayer posts to {} on chain {}, the bundle names {} on chain {}",
            app.chain.registry.address(),
            app.chain.id,
            anchor.registry,
            anchor.chain_id
        );
        return Err(Problem::refused("fresh.anchor", detail));
    }
    let operator = bundle.evidence.operator;
    if consent_signer(bundle) != Some(operator) {
        return Err(Problem::refused(
            "fresh.consent",
            format!("the consent is not signed by {operator}"),
        ));
    }
    let waiting = app.store.count(BundleState::Received).await?;
    if waiting >= i64::from(app.max_queue) {
        return Err(Problem::busy(
            format!("{waiting} bundles wait to be appraised"),
            30,
        ));
    }
    Ok(())
}

/// How far a bundle has come, with every check.
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Path(digest): Path<String>,
) -> Result<Json<Value>, Problem> {
    let digest: B256 = digest
        .parse()
        .map_err(|_| Problem::not_found(format!("`{digest}` is no digest")))?;
    let row = app.store.bundle(digest).await?;
    let row = row.ok_or_else(|| Problem::not_found(format!("no bundle {digest} has been received here")))?;
    Ok(Json(view(&app, &row).await?))
}

/// What the registry says about an operator, and its latest bundle here.
pub(super) async fn operator(
    State(app): State<Arc<App>>,
    Path(address): Path<String>,
) -> Result<Json<Value>, Problem> {
    let operator: Address = address
        .parse()
        .map_err(|_| Problem::not_found(format!("`{address}` is no address")))?;
    let stored = app
        .chain
        .registry
        .attestationOf(operator)
        .call()
        .await
        .map_err(Error::from)?;
    let attested = app
        .chain
        .registry
        .isAttested_0(operator)
        .call()
        .await
        .map_err(Error::from)?;
    let latest = match app.store.latest_bundle_of(operator).await? {
        Some(row) => view(&app, &row).await?,
        None => Value::Null,
    };
    let warnings: Vec<_> = app
        .store
        .warning_of(operator)
        .await?
        .iter()
        .map(warning)
        .collect();
    Ok(Json(json!({
        "operator": operator,
        "isAttested": attested,
        "status": status_name(stored.status),
        "platformId": stored.platformId,
        "expiry": stored.expiry.to::<u64>(),
        "attestedSince": stored.attestedSince.to::<u64>(),
        "latestBundle": latest,
        "warnings": warnings,
    })))
}

fn warning(warning: &Warning) -> Value {
    json!({
        "evidence": warning.evidence,
        "since": warning.since,
        "deadline": warning.deadline,
        "barsRenewal": warning.bars,
        "reasons": serde_json::from_str::<Value>(&warning.reasons).unwrap_or_default(),
    })
}

async fn view(app: &App, row: &BundleRow) -> Result<Value, Error> {
    let appraisal = row
        .appraisal
        .as_deref()
        .and_then(|json| serde_json::from_str::<Value>(json).ok());
    let appraisal = appraisal.unwrap_or_default();
    let inclusion = match row.report {
        Some(report) => app.store.inclusion_of(report).await?,
        None => None,
    };
    let checks = if appraisal["checks"].is_array() {
        appraisal["checks"].clone()
    } else {
        json!([])
    };
    Ok(json!({
        "digest": row.digest,
        "operator": row.operator,
        "state": row.state.name(),
        "reason": row.reason,
        "checks": checks,
        "verdict": appraisal["verdict"],
        "result": appraisal["digest"],
        "platformId": appraisal["platformId"],
        "transaction": inclusion.map(|at| at.hash),
        "blockNumber": inclusion.map(|at| at.block_number),
        "gasUsed": inclusion.map(|at| at.gas_used),
    }))
}

pub(crate) fn status_name(status: Status) -> &'static str {
    match status {
        Status::Active => "active",
        Status::Expired => "expired",
        Status::Frozen => "frozen",
        Status::Revoked => "revoked",
        Status::Deregistered => "deregistered",
        Status::Paused => "paused",
        Status::Unknown | Status::__Invalid => "unknown",
    }
}
