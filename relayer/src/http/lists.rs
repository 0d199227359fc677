//! Changes, operators, platforms and batches, page by page, as of the finalized block. `next` of one page is `after` of the
//! next, and stays good for ever.

use alloy::primitives::{Address, B256};
use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use serde::Deserialize;
use serde_json::Value;
use utoipa::{
    IntoParams,
    openapi::schema::{Object, ObjectBuilder, Type},
};

use super::{
    Reading,
    answers::{AddressText, Word},
    problem::{Problem, ProblemBody},
    registry::{bad_query, not_indexed, page_length},
};
use crate::explorer::{ChangeId, Standing};

/// Which changes to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ChangeQuery {
    /// The id of the change after which the page begins. It need not be there any more.
    #[param(
        value_type = Option<String>,
        pattern = "^[0-9a-f]{10}-([0-9a-f]{1,15}-[0-9a-f]{1,15}(-[0-9]{1,9})?|expired-0x[0-9a-fA-F]{40})$",
        nullable = false
    )]
    after: Option<ChangeId>,
    /// Most changes on the page; 100 if it is not given.
    #[param(minimum = 1, maximum = 1000, nullable = false)]
    limit: Option<u32>,
    /// Only changes that concern this operator: its own, its platform's, and what stopped everybody.
    #[param(value_type = Option<AddressText>, inline, nullable = false)]
    operator: Option<Address>,
}

/// Which operators to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OperatorQuery {
    /// The address after which the page begins.
    #[param(value_type = Option<AddressText>, inline, nullable = false)]
    after: Option<Address>,
    /// Most operators on the page; 100 if it is not given.
    #[param(minimum = 1, maximum = 1000, nullable = false)]
    limit: Option<u32>,
    /// Only operators that stand so now.
    #[param(schema_with = standings)]
    standing: Option<String>,
}

/// Which platforms to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PlatformQuery {
    /// The id after which the page begins.
    #[param(value_type = Option<Word>, inline, nullable = false)]
    after: Option<B256>,
    /// Most platforms on the page; 100 if it is not given.
    #[param(minimum = 1, maximum = 1000, nullable = false)]
    limit: Option<u32>,
}

/// Which batches to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct BatchQuery {
    /// The number after which the page begins.
    #[param(schema_with = numbers)]
    after: Option<u32>,
    /// Most batches on the page; 100 if it is not given.
    #[param(minimum = 1, maximum = 1000, nullable = false)]
    limit: Option<u32>,
}

/// Batches' numbers, of which there are fewer than that.
fn numbers() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(0))
        .maximum(Some(u32::MAX))
        .build()
}

fn standings() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(Standing::ALL.map(Standing::slug)))
        .build()
}

/// Changes of status, the oldest first: grants, expiries, freezes, and what governance did; no renewals. The last 5,000 are
/// kept; `hasGap` says that older ones came after `after`, whomever they concern.
#[utoipa::path(
    get,
    path = "/v1/changes",
    tag = "registry",
    params(ChangeQuery),
    responses(
        (status = 200, description = "A page of changes, and the id after which to go on", body = Object),
        (status = 400, description = "Not a query", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests from this address", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Not indexed yet", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn changes(
    State(reading): State<Reading>,
    query: Result<Query<ChangeQuery>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Query(query) = query.map_err(|rejection| bad_query(rejection.body_text()))?;
    let limit = page_length(query.limit)?;
    let listed = reading
        .explorer
        .changes_after(query.after, query.operator, limit as usize);
    listed.map(Json).ok_or_else(not_indexed)
}

/// Everybody there ever was, by address, each as it stands now.
#[utoipa::path(
    get,
    path = "/v1/operators",
    tag = "registry",
    params(OperatorQuery),
    responses(
        (status = 200, description = "A page of operators, and the address of its last", body = Object),
        (status = 400, description = "Not a query", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests from this address", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Not indexed yet", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn operators(
    State(reading): State<Reading>,
    query: Result<Query<OperatorQuery>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Query(query) = query.map_err(|rejection| bad_query(rejection.body_text()))?;
    let limit = page_length(query.limit)?;
    let standing = query.standing.as_deref().map(|slug| {
        let standing = Standing::of_slug(slug);
        standing.ok_or_else(|| bad_query(format!("standing: there is no `{slug}`")))
    });
    let standing = standing.transpose()?;
    let listed = reading
        .explorer
        .operators_after(query.after, standing, limit as usize);
    listed.map(Json).ok_or_else(not_indexed)
}

/// Every platform there ever was, by id.
#[utoipa::path(
    get,
    path = "/v1/platforms",
    tag = "registry",
    params(PlatformQuery),
    responses(
        (status = 200, description = "A page of platforms, and the id of its last", body = Object),
        (status = 400, description = "Not a query", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests from this address", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Not indexed yet", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn platforms(
    State(reading): State<Reading>,
    query: Result<Query<PlatformQuery>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Query(query) = query.map_err(|rejection| bad_query(rejection.body_text()))?;
    let limit = page_length(query.limit)?;
    let listed = reading.explorer.platforms_after(query.after, limit as usize);
    listed.map(Json).ok_or_else(not_indexed)
}

/// Every batch, by number from 0: who signed it, and how much it applied.
#[utoipa::path(
    get,
    path = "/v1/batches",
    tag = "registry",
    params(BatchQuery),
    responses(
        (status = 200, description = "A page of batches, and the number of its last", body = Object),
        (status = 400, description = "Not a query", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests from this address", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Not indexed yet", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn batches(
    State(reading): State<Reading>,
    query: Result<Query<BatchQuery>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Query(query) = query.map_err(|rejection| bad_query(rejection.body_text()))?;
    let limit = page_length(query.limit)?;
    let listed = reading
        .explorer
        .batches_after(query.after.map(u64::from), limit as usize);
    listed.map(Json).ok_or_else(not_indexed)
}
