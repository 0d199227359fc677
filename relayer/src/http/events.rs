//! The registry's log, as indexed: only what is final and fits the registry, unless asked otherwise.

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
    problem::{Problem, ProblemBody},
    registry::{as_of, bad_query, page_length, published, view},
};
use crate::{
    replay::{Event, Subject},
    store::{EventFilter, EventRow},
};

/// Bytes of events' data after which a page ends, whatever its limit: a large batch has ten thousand.
const PAGE_BYTES: u32 = 512 << 10;

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

/// Whether there may be more than fits on a page.
fn is_full(page: &[EventRow], limit: u32) -> bool {
    let bytes: usize = page.iter().map(|row| row.data.data.len()).sum();
    page.len() >= limit as usize || bytes >= PAGE_BYTES as usize
}

pub(super) fn cursor(block: u64, log_index: u64) -> String {
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
