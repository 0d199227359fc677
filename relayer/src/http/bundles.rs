//! Bundles in, and what became of them.

use std::{net::SocketAddr, sync::Arc};

use alloy::primitives::B256;
use axum::{
    Extension, Json,
    body::Body,
    extract::{ConnectInfo, State},
    http::{HeaderMap, StatusCode},
};
use chassis_program::unix_now;
use chassis_verifier::{CheckId, bundle::Disclosure};
use tracing::{Instrument, error, info, info_span};

use super::{
    App,
    answers::{BundleView, Word},
    intake::Received,
    named::Named,
    operators::finalized,
    problem::{FailedCheck, Kind as ProblemKind, Problem, ProblemBody},
};
use crate::{
    Error,
    archive::Kind,
    failpoint::failpoint,
    service::Phase,
    store::{BundleRow, NewBundle, Standing, signed},
};

const DAY: i64 = 86_400;

/// Hand over a bundle.
///
/// It is archived before it is acknowledged; then it is appraised. The same bundle twice gets the same answer and causes
/// no second work.
#[utoipa::path(
    post,
    path = "/v1/bundles",
    tag = "bundles",
    request_body(content = Object, description = "A bundle in canonical JSON, as `chassis-node attest` makes it"),
    responses(
        (status = 200, description = "Known already", body = BundleView),
        (status = 202, description = "Archived; it will be appraised", body = BundleView),
        (status = 400, description = "Not a bundle", body = ProblemBody, content_type = "application/problem+json"),
        (status = 408, description = "It did not arrive in time", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Checks failed, all of them listed", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too much from this address, of this operator, or in all", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Stopping, busy, its block is not final here yet, or something is away", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn submit(
    State(app): State<Arc<App>>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<BundleView>), Problem> {
    // From the cheapest question to the dearest.
    if app.phases.now() > Phase::Running {
        return Err(Problem::stopping());
    }
    let client = peer.and_then(|Extension(ConnectInfo(peer))| app.clients.who(peer, &headers));
    let received = app.intake.receive(client, &headers, body).await?;
    let (digest, operator) = (received.bundle.digest, received.bundle.evidence.operator);
    let span = info_span!("bundle", %digest, %operator, stage = "intake");
    take(&app, received).instrument(span).await
}

async fn take(app: &App, received: Received) -> Result<(StatusCode, Json<BundleView>), Problem> {
    let (digest, operator) = (received.bundle.digest, received.bundle.evidence.operator);
    let received_at = signed(unix_now());
    let failed = failed_checks(app, &received);
    // What it costs to ask about an operator, only that operator can cause.
    let standing = if failed.is_empty() {
        let since = received_at - DAY;
        Some(app.store.standing(digest, operator, since, app.max_queue).await?)
    } else {
        None
    };
    if standing.is_none_or(|standing| standing.is_known)
        && let Some(known) = app.store.bundle(digest).await?
    {
        // The digest does not say who consented: only a document that would be taken in is put back.
        if failed.is_empty() {
            app.archive.heal(Kind::Bundle, digest, received.document).await?;
        }
        return Ok((StatusCode::OK, Json(view(app, &known).await?)));
    }
    let Some(standing) = standing else {
        for check in &failed {
            info!(?check, "refused");
        }
        return Err(Problem::refused(failed));
    };
    admit(app, &received, &standing).await?;
    let new = NewBundle {
        digest,
        operator,
        is_public: received.bundle.evidence.disclosure == Disclosure::Public,
        received_at,
    };
    let place = app.held.place(received.document.len()).await;
    app.archive
        .put_new(Kind::Bundle, digest, received.document)
        .await?;
    failpoint("archived");
    if let Some(place) = place {
        app.held.keep(digest, received.bundle, place);
    }
    // Of two that come at once, one adds it; both are answered alike.
    if app.store.add_bundle(&new).await? {
        failpoint("received");
        metrics::counter!("chassis_bundles_received_total").increment(1);
        info!("received");
        return Ok((
            StatusCode::ACCEPTED,
            Json(BundleView::new(&BundleRow::from(&new), None, None)),
        ));
    }
    // It may be appraised by now: nobody would ask for this one.
    app.held.take(digest);
    let row = app.store.bundle(digest).await?;
    let row = row.ok_or_else(|| Problem::not_found("the bundle was there, and is gone"))?;
    Ok((StatusCode::OK, Json(view(app, &row).await?)))
}

/// Cheap checks that name who pays for the space. All that fail.
fn failed_checks(app: &App, received: &Received) -> Vec<FailedCheck> {
    let mut failed = Vec::new();
    let (evidence, registry) = (&received.bundle.evidence, app.chain.registry.address());
    let anchor = &evidence.anchor;
    if (anchor.chain_id, anchor.registry) != (app.chain.id, *registry) {
        let detail = format!(
            "this relayer posts to {registry} on chain {}, the bundle names {} on chain {}",
            app.chain.id, anchor.registry, anchor.chain_id
        );
        failed.push(FailedCheck::new(CheckId::Anchor, detail));
    }
    if received.signer != Some(evidence.operator) {
        let detail = format!(
            "the consent is not signed by {}; sign it with that operator's key",
            evidence.operator
        );
        failed.push(FailedCheck::new(CheckId::Consent, detail));
    }
    failed
}

/// Whether there is room: for this operator today, for anybody, and for one that was never attested here.
async fn admit(app: &App, received: &Received, standing: &Standing) -> Result<(), Problem> {
    let (sent, most) = (standing.received, app.limits.operator_per_day);
    if most > 0 && sent >= i64::from(most) {
        let detail =
            format!("{sent} bundles of this operator came in 24 hours, and this relayer takes {most}");
        return Err(Problem::new(ProblemKind::OperatorQuota, detail).retry_after(3600));
    }
    let waiting = standing.waiting;
    // Of keys, anybody has any number: those that were never attested do not fill it.
    let most = app.max_queue.div_ceil(if standing.was_attested { 1 } else { 2 });
    if waiting >= i64::from(most) {
        let detail = format!("{waiting} bundles wait to be appraised; send this again later");
        return Err(Problem::new(ProblemKind::QueueFull, detail).retry_after(30));
    }
    if standing.was_attested {
        return Ok(());
    }
    let block = received.bundle.evidence.anchor.block_number;
    if !is_final(app, received).await {
        let detail =
            format!("block {block}, which the evidence names, is not final here yet: send this again");
        return Err(Problem::new(ProblemKind::NotFinal, detail).retry_after(30));
    }
    if let Err(wait) = app.intake.newcomers.take(received.document.len()) {
        let detail =
            "operators that this relayer has not seen attested have sent as much as it keeps of such";
        return Err(Problem::new(ProblemKind::NewcomersQuota, detail).retry_after(wait.as_secs() + 1));
    }
    Ok(())
}

/// Whether a block is final, as far as the chain tells. What is not waits, and whoever makes keys could fill the newcomers'
/// part of the queue with numbers of blocks to come. While the chain does not answer, everything waits.
async fn is_final(app: &App, received: &Received) -> bool {
    let number = received.bundle.evidence.anchor.block_number;
    let is_beyond = async || matches!(finalized(app).await, Ok(block) if block.number < number);
    if !is_beyond().await {
        return true;
    }
    // The operator's endpoint may be a moment ahead, and what is kept here a moment old.
    app.intake.wait_a_moment(received).await && !is_beyond().await
}

/// How far a bundle has come.
///
/// With every check of its appraisal: what it asks, the answer, and what the answer rests on. They are left out while the
/// archive cannot be read.
#[utoipa::path(
    get,
    path = "/v1/bundles/{digest}",
    tag = "bundles",
    params(("digest" = inline(Word), Path, description = "Digest of the evidence")),
    responses(
        (status = 200, description = "Where it is", body = BundleView),
        (status = 404, description = "Not received here", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests from this address", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Something is away", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Named(digest): Named<B256>,
) -> Result<Json<BundleView>, Problem> {
    let row = app.store.bundle(digest).await?;
    let row = row.ok_or_else(|| Problem::not_found(format!("no bundle {digest} has been received here")))?;
    Ok(Json(view(&app, &row).await?))
}

pub(super) async fn view(app: &App, row: &BundleRow) -> Result<BundleView, Error> {
    let inclusion = match row.report {
        Some(report) => app.store.inclusion_of(report).await?,
        None => None,
    };
    let appraisal = match row.result {
        Some(result) => app.archive.get(Kind::Result, result).await,
        None => Ok(None),
    };
    // How far it has come does not depend on the archive.
    let appraisal = appraisal.unwrap_or_else(|error| {
        error!(digest = %row.digest, %error, "shown without its appraisal");
        None
    });
    Ok(BundleView::new(row, appraisal.as_deref(), inclusion))
}
