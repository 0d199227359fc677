//! The registry's log, platforms and batches, as indexed: only what is final and fits the registry, unless asked otherwise.

use std::borrow::Cow;

use alloy::primitives::{Address, B256};
use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use serde::Deserialize;
use serde_json::{Value, json};

use utoipa::{
    IntoParams,
    openapi::schema::{Object, ObjectBuilder, Type},
};

use super::{
    Reading,
    answers::{AddressText, Word},
    named::Named,
    problem::{Kind, Problem, ProblemBody},
    status_name,
};
use crate::{
    Error,
    index::{BatchLog, Published, event_json},
    replay::{Event, RegistryLog, Subject},
    store::{EventFilter, EventRow},
};

const DEFAULT_LIMIT: u32 = 100;
const MAX_LIMIT: u32 = 1_000;
/// Bytes of events' data after which a page ends, whatever its limit: a large batch has ten thousand.
const PAGE_BYTES: u32 = 512 << 10;
/// Events in a platform's history.
const HISTORY: u32 = 100;

/// Which events to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EventQuery {
    /// The cursor after which the page begins: `next` of the page before.
    #[param(pattern = "^[0-9a-f]{32}$", nullable = false)]
    after: Option<String>,
    /// Most events on the page; 100 if it is not given. Large ones fill it earlier: `hasMore` says whether there are more.
    #[param(minimum = 1, maximum = 1000, nullable = false)]
    limit: Option<u32>,
    /// Only events about this operator.
    #[param(value_type = Option<AddressText>, inline, nullable = false)]
    operator: Option<Address>,
    /// Only events about this platform.
    #[param(value_type = Option<Word>, inline, nullable = false)]
    platform: Option<B256>,
    /// Only events of this name.
    #[param(schema_with = kinds)]
    kind: Option<String>,
    /// Whether events that are not final yet are listed too.
    #[serde(default)]
    pending: bool,
}

fn kinds() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(Event::NAMES.iter().copied()))
        .build()
}

/// Events in the log's order, page by page. A cursor is a place in the log: that of a final event stays good for ever. One
/// that is not final yet may be taken back, and what comes in its place may stand before the cursor: go on from the last
/// event with `isFinal`.
#[utoipa::path(
    get,
    path = "/v1/events",
    tag = "registry",
    params(EventQuery),
    responses(
        (status = 200, description = "A page of events, and the cursor of the next", body = Object),
        (status = 400, description = "Not a query", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "Not known", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests from this address", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Not indexed yet, or something is away", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn events(
    State(app): State<Reading>,
    query: Result<Query<EventQuery>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Query(query) = query.map_err(|rejection| bad_query(rejection.body_text()))?;
    let limit = page_length(query.limit)?;
    if let Some(kind) = query.kind.as_deref().filter(|kind| !Event::NAMES.contains(kind)) {
        let known = Event::NAMES.join(", ");
        return Err(bad_query(format!("kind: `{kind}` is none of {known}")));
    }
    let after = query.after.as_deref().map(parse_cursor).transpose()?;
    let published = published(&app)?;
    let operator = query.operator.map(Subject::Operator);
    let filter = EventFilter {
        after,
        to: if query.pending {
            published.tip
        } else {
            published.block.number
        },
        subjects: operator
            .into_iter()
            .chain(query.platform.map(Subject::Platform))
            .collect(),
        kind: query.kind,
        limit,
        bytes: Some(PAGE_BYTES),
    };
    let page = app.store.events(&filter).await?;
    let events = page.iter().map(|row| view(row, &published));
    let next = page.last().map(|row| cursor(row.at.block, row.at.log_index));
    Ok(Json(json!({
        "events": events.collect::<Result<Vec<_>, _>>()?,
        "next": next.or(query.after),
        "hasMore": is_full(&page, limit),
        "finalized": as_of(&published),
    })))
}

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

/// Whether there may be more than fits on a page.
fn is_full(page: &[EventRow], limit: u32) -> bool {
    let bytes: usize = page.iter().map(|row| row.data.data.len()).sum();
    page.len() >= limit as usize || bytes >= PAGE_BYTES as usize
}

fn view(row: &EventRow, published: &Published) -> Result<Value, Problem> {
    let mut event = event_json(&read(row)?);
    event["cursor"] = json!(cursor(row.at.block, row.at.log_index));
    event["isFinal"] = json!(row.at.block <= published.block.number);
    Ok(event)
}

fn read(row: &EventRow) -> Result<RegistryLog, Problem> {
    RegistryLog::decode(row.at, &row.data)
        .map_err(|error| Problem::from(Error::Rpc(format!("the index is damaged: {error}"))))
}

fn as_of(published: &Published) -> Value {
    let head = published.replay.state().head();
    json!({"number": published.block.number, "hash": published.block.hash, "head": head})
}

fn published(reading: &Reading) -> Result<Published, Problem> {
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

fn cursor(block: u64, log_index: u64) -> String {
    format!("{block:016x}{log_index:016x}")
}

fn parse_cursor(text: &str) -> Result<(u64, u64), Problem> {
    let number = |part: Option<&str>| part.and_then(|part| u64::from_str_radix(part, 16).ok());
    let parts = (number(text.get(..16)), number(text.get(16..)));
    match parts {
        (Some(block), Some(index)) if text.len() == 32 => Ok((block, index)),
        _ => Err(bad_query(format!(
            "after: `{text}` is no cursor; take one from `next`"
        ))),
    }
}

pub(super) fn bad_query(detail: impl Into<Cow<'static, str>>) -> Problem {
    Problem::new(Kind::NotAQuery, detail)
}

#[cfg(test)]
mod tests {
    use alloy::primitives::LogData;

    use super::*;
    use crate::replay::Position;

    #[test]
    fn a_page_is_full_when_it_is_long_or_large() {
        let rows = |count: usize, bytes: usize| {
            let row = EventRow {
                at: Position {
                    block: 1,
                    block_hash: B256::ZERO,
                    time: 1,
                    transaction: B256::ZERO,
                    log_index: 0,
                },
                kind: String::new(),
                batch: None,
                data: LogData::new_unchecked(Vec::new(), vec![0; bytes].into()),
            };
            vec![row; count]
        };
        for (count, bytes, expected) in [
            (0, 0, false),
            (99, 5_000, false),
            (100, 0, true),
            (52, 10_000, false),
            (53, 10_000, true),
            (1, PAGE_BYTES as usize, true),
        ] {
            assert_eq!(is_full(&rows(count, bytes), 100), expected, "{count} of {bytes}");
        }
    }

    #[test]
    fn a_cursor_comes_back_as_it_went() {
        for place in [(0, 0), (20_000_000, 413), (u64::MAX, u64::MAX)] {
            assert_eq!(parse_cursor(&cursor(place.0, place.1)).unwrap(), place);
        }
        for text in ["", "7", "zz", &"0".repeat(33), "000000000000000é000000000000000"] {
            assert!(parse_cursor(text).is_err(), "{text}");
        }
    }
}
