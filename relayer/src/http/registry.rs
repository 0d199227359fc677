//! The registry's platforms and batches, as indexed: only what is final and fits the registry.

use std::borrow::Cow;

use alloy::primitives::B256;
use axum::{Json, extract::State};
use serde_json::{Value, json};

use super::{
    Reading,
    answers::Word,
    events::cursor,
    named::Named,
    problem::{Kind, Problem, ProblemBody},
};
use crate::{
    Error,
    index::{BatchLog, Published, event_json},
    registry::status_name,
    replay::{RegistryLog, Subject},
    store::EventRow,
};

const DEFAULT_LIMIT: u32 = 100;
const MAX_LIMIT: u32 = 1_000;
/// Events in a platform's history.
const HISTORY: u32 = 100;

/// A platform as the registry has it now; its members and history as of the finalized block.
#[utoipa::path(
    get,
    path = "/v1/platforms/{id}",
    tag = "registry",
    params(("id" = inline(Word), Path, description = "The platform")),
    responses(
        (status = 200, description = "The platform, its members and its history", body = Object),
        (status = 404, description = "Not known", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests from this address", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Not indexed yet, or something is away", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn platform(
    State(app): State<Reading>,
    Named(id): Named<B256>,
) -> Result<Json<Value>, Problem> {
    let published = published(&app)?;
    let state = published.replay.state();
    let now = app
        .chain
        .registry
        .platform(id)
        .call()
        .await
        .map_err(Error::from)?;
    let history = app
        .store
        .latest_events(Subject::Platform(id), published.block.number, HISTORY)
        .await?;
    if history.is_empty() && now.statusNonce == 0 && now.index == 0 {
        return Err(Problem::not_found(format!(
            "the registry does not know platform {id}"
        )));
    }
    let members: Vec<_> = state
        .platform_lanes(id)
        .into_iter()
        .filter_map(|lane| Some((lane, state.lane_owner(lane)?)))
        .map(|(lane, operator)| {
            let word = state.operator(operator);
            json!({
                "operator": operator,
                "status": status_name(word.status()),
                "lane": lane,
                "expiry": state.lane(lane).expiry(),
                "binding": word.binding(),
                "custody": word.custody(),
                "tcb": word.tcb(),
                "attestedSince": word.since(),
                "workloadId": state.workload_id(word.workload()),
            })
        })
        .collect();
    let history = history.iter().map(|row| view(row, &published));
    Ok(Json(json!({
        "platformId": id,
        "status": status_name(now.status),
        "provider": now.provider,
        "custody": now.custody,
        "custodyExpiry": now.custodyExpiry.to::<u64>(),
        "statusNonce": now.statusNonce,
        "issuedAt": now.issuedAt.to::<u64>(),
        "frozenAt": now.frozenAt.to::<u64>(),
        "operatorCount": now.operatorCount,
        "members": members,
        "history": history.collect::<Result<Vec<_>, _>>()?,
        "finalized": as_of(&published),
    })))
}

/// A batch: who signed it, what it applied and skipped, and the leaves of its root.
#[utoipa::path(
    get,
    path = "/v1/batches/{number}",
    tag = "registry",
    params(("number" = u64, Path, description = "The batch, from 0")),
    responses(
        (status = 200, description = "The batch, its signers and its leaves", body = Object),
        (status = 404, description = "Not known", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests from this address", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Not indexed yet, or something is away", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn batch(
    State(app): State<Reading>,
    Named(number): Named<u64>,
) -> Result<Json<Value>, Problem> {
    let published = published(&app)?;
    let state = published.replay.state();
    let batch = BatchLog::read(&app.store, state, number, published.block.number).await?;
    let batch = batch.ok_or_else(|| Problem::not_found(format!("no batch {number} is final")))?;
    let leaves = batch.leaves.iter().map(|leaf| {
        let kind = if leaf.is_grant { "grant" } else { "renewal" };
        json!({"digest": leaf.digest, "kind": kind, "operator": leaf.operator, "expiry": leaf.expiry})
    });
    Ok(Json(json!({
        "batch": number,
        "root": batch.root(),
        "signers": batch.signers(state),
        "posted": view(&batch.row, &published)?,
        "leaves": leaves.collect::<Vec<_>>(),
        "items": batch.items.iter().map(event_json).collect::<Vec<_>>(),
        "finalized": as_of(&published),
    })))
}

pub(super) fn view(row: &EventRow, published: &Published) -> Result<Value, Problem> {
    let mut event = event_json(&read(row)?);
    event["cursor"] = json!(cursor(row.at.block, row.at.log_index));
    event["isFinal"] = json!(row.at.block <= published.block.number);
    Ok(event)
}

fn read(row: &EventRow) -> Result<RegistryLog, Problem> {
    RegistryLog::decode(row.at, &row.data)
        .map_err(|error| Problem::from(Error::Rpc(format!("the index is damaged: {error}"))))
}

pub(super) fn as_of(published: &Published) -> Value {
    let head = published.replay.state().head();
    json!({"number": published.block.number, "hash": published.block.hash, "head": head})
}

pub(super) fn published(reading: &Reading) -> Result<Published, Problem> {
    reading.index.published().ok_or_else(not_indexed)
}

pub(super) fn not_indexed() -> Problem {
    let detail = "the registry's log has not been read and compared with the registry yet; try again later";
    Problem::new(Kind::NotIndexed, detail).retry_after(5)
}

/// How many things a page has at most.
pub(super) fn page_length(asked: Option<u32>) -> Result<u32, Problem> {
    let limit = asked.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(bad_query(format!("limit: from 1 to {MAX_LIMIT}, not {limit}")));
    }
    Ok(limit)
}

pub(super) fn bad_query(detail: impl Into<Cow<'static, str>>) -> Problem {
    Problem::new(Kind::NotAQuery, detail)
}
