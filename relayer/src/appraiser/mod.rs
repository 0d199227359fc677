//! Received → Appraised or Rejected.
//!
//! Bundles are taken up many at a time. What they have in common is done once: the chain is asked once, those with the same
//! endorsements share its digest and what signatures verify, and one transaction stores what came of them.

mod batch;
mod fields;
mod held;
mod prepare;
mod view;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use chassis_program::unix_now;
use chassis_verifier::{Appraisal, Memo, Policy};
use futures::{FutureExt, Stream, StreamExt, TryStreamExt, future::ready, stream};
use serde::Serialize;
use tracing::{Instrument, Span, info, info_span, warn};

use crate::{
    Error,
    archive::{Archive, Kind},
    chain::Chain,
    endorse::Endorser,
    failpoint::failpoint,
    store::{Appraised, BundleRow, State, Store},
};

pub use fields::Fields;
pub use held::Held;
pub use view::Blocks;

use prepare::{Prepared, Ready, Unready};
use view::View;

/// How long one that cannot be appraised yet lets others go first, at least and at most, seconds. Between, an eighth of the
/// time for which it has waited already.
const RETRY_SECONDS: (u32, u32) = (2, 60);

/// How many are claimed at a time.
const CLAIM: u32 = 64;

/// For how long one step claims. The chain is asked once in a step, and a step ends before the service does.
const CLAIMING: Duration = Duration::from_secs(2);

/// How many of those are made ready at a time: each may wait for a slow source.
const FETCHES: usize = 16;

/// How many are appraised together, at most. Fewer than are claimed, so that all processors have some.
const TOGETHER: usize = 16;

/// Turns archived bundles into appraisals.
#[derive(Clone, Debug)]
pub struct Appraiser {
    /// Where bundles wait.
    pub store: Store,
    /// Where they are.
    pub archive: Archive,
    /// Those that need not be read again.
    pub held: Held,
    /// The chain that decides what is fresh.
    pub chain: Chain,
    /// What the chain has said of blocks that are final.
    pub blocks: Blocks,
    /// Where endorsements come from.
    pub endorser: Endorser,
    /// The policy in force.
    pub policy: Arc<Policy>,
    /// Signatures that have verified: the next bundle of the same machine has most of them too.
    pub memo: Memo,
}

impl Appraiser {
    /// Appraises what waits. Returns how many bundles it took up.
    ///
    /// # Errors
    /// If the database does not answer. A bundle whose endorsements cannot be had stays where it is.
    pub async fn tick(&self) -> Result<usize, Error> {
        let (taken, view) = (AtomicUsize::new(0), View::new(self.blocks.clone()));
        let outcomes = self
            .waiting(&taken)
            .map(async |row| Ok(self.prepare(row?, &view).await))
            // One that waits for a slow source does not hold up the others.
            .buffer_unordered(FETCHES)
            .ready_chunks(TOGETHER)
            // While all of these are under way, nothing above is polled. So nothing above may hold what these wait for: it
            // does not write to the database.
            .map(|prepared| self.judge_all(prepared))
            .buffer_unordered(at_once());
        // What fails does not drop what was claimed beside it.
        let first = outcomes.fold(Ok(()), |first, outcome| ready(first.and(outcome)));
        first.await.map(|()| taken.load(Ordering::Relaxed))
    }

    /// What waits, claimed as it is needed: while some is written to the disk, the next is there.
    fn waiting<'a>(&'a self, taken: &'a AtomicUsize) -> impl Stream<Item = Result<BundleRow, Error>> + 'a {
        let claims = stream::try_unfold(Instant::now(), async move |start| -> Result<_, Error> {
            if start.elapsed() > CLAIMING {
                return Ok(None);
            }
            let store = self.store.clone();
            // It writes, so it must go on when this is not polled.
            let rows = tokio::spawn(async move { store.claim(CLAIM).await });
            let rows = rows.await.map_err(failed)??;
            taken.fetch_add(rows.len(), Ordering::Relaxed);
            let is_more = !rows.is_empty();
            Ok(is_more.then(|| (stream::iter(rows).map(Ok), start)))
        });
        claims.try_flatten()
    }

    async fn judge_all(&self, prepared: Vec<Result<Prepared, Error>>) -> Result<(), Error> {
        let (mut some, mut first) = (Vec::new(), Ok(()));
        for prepared in prepared {
            let done = match prepared {
                Ok(Prepared {
                    outcome: Ok(ready), ..
                }) => {
                    some.push(ready);
                    Ok(())
                }
                Ok(Prepared {
                    row,
                    outcome: Err(unready),
                }) => self.put_aside(&row, &unready).await,
                Err(error) => Err(error),
            };
            first = first.and(done);
        }
        if !some.is_empty() {
            first = first.and(self.judge(some).await);
        }
        first
    }

    async fn put_aside(&self, row: &BundleRow, unready: &Unready) -> Result<(), Error> {
        match unready {
            Unready::Failed(reason) => self.store.end_bundle(row.digest, State::Failed, reason).await,
            Unready::Waits(error) => self.put_off(row, error).instrument(span(row)).await,
        }
    }

    /// Appraises some, off the async threads: signatures and certificates take milliseconds.
    async fn judge(&self, some: Vec<Ready>) -> Result<(), Error> {
        let (policy, memo) = (Arc::clone(&self.policy), self.memo.clone());
        let groups = tokio::task::spawn_blocking(move || batch::appraise(some, &policy, &memo));
        let groups = groups.await.map_err(failed)??;
        let rows: Vec<_> = groups.iter().flat_map(batch::Group::rows).cloned().collect();
        if let Err(error) = self.keep(groups).await {
            for row in rows {
                self.put_off(&row, &error).instrument(span(&row)).await?;
            }
        }
        Ok(())
    }

    /// Archives what bundles were appraised with and what came of it, all at once, for each waits for the disk; then it is
    /// written down.
    async fn keep(&self, groups: Vec<batch::Group>) -> Result<(), Error> {
        let (mut sets, mut done) = (Vec::new(), Vec::new());
        for group in groups {
            sets.push((group.digest, group.endorsements));
            for (row, appraisal) in group.judged {
                match appraisal {
                    Ok(appraisal) => done.push((appraised(&row, &appraisal), row, appraisal)),
                    Err(error) => self.put_off(&row, &error).instrument(span(&row)).await?,
                }
            }
        }
        if done.is_empty() {
            return Ok(());
        }
        let sets = sets
            .iter()
            .map(|(digest, set)| self.archive.put_set(*digest, || set.to_json()).boxed());
        let results = done.iter().map(|(stored, _, appraisal)| {
            self.archive
                .put_new(Kind::Result, stored.result, to_json(appraisal))
                .boxed()
        });
        stream::iter(sets.chain(results).collect::<Vec<_>>())
            .buffer_unordered(2 * TOGETHER)
            .try_collect::<()>()
            .await?;
        let stored: Vec<_> = done.iter().map(|(stored, ..)| stored.clone()).collect();
        let is_stored = self.store.set_appraisals(&stored).await?;
        failpoint("appraised");
        for ((_, row, appraisal), is_stored) in done.iter().zip(is_stored) {
            span(row).in_scope(|| tell(appraisal, is_stored));
        }
        Ok(())
    }

    /// What has failed for a while is tried again; what is wrong with the bundle ends it.
    async fn put_off(&self, row: &BundleRow, error: &Error) -> Result<(), Error> {
        if error.is_transient() {
            warn!(%error, "not appraised yet; trying again");
            return self
                .store
                .postpone(row.digest, retry_after(row, unix_now()))
                .await;
        }
        let reason = error.to_string();
        self.store.end_bundle(row.digest, State::Rejected, &reason).await
    }
}

fn appraised(row: &BundleRow, appraisal: &Appraisal) -> Appraised {
    let fields = appraisal
        .is_attestable()
        .then(|| to_json(&Fields::from(appraisal)));
    Appraised {
        digest: row.digest,
        operator: row.operator,
        result: appraisal.digest(),
        fields,
    }
}

fn tell(appraisal: &Appraisal, is_stored: bool) {
    if !is_stored {
        info!("another replica has appraised it meanwhile");
        return;
    }
    for check in appraisal.failed() {
        info!(check = check.id.name(), detail = check.detail, "failed");
    }
    let outcome = if appraisal.is_attestable() {
        "attestable"
    } else {
        "rejected"
    };
    metrics::counter!("chassis_appraisals_total", "outcome" => outcome).increment(1);
    info!(outcome, binding = ?appraisal.verdict.binding, custody = ?appraisal.verdict.custody, "appraised");
}

fn span(row: &BundleRow) -> Span {
    info_span!("bundle", digest = %row.digest, operator = %row.operator, stage = "appraise")
}

fn failed(ended: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Io {
        doing: "appraise".into(),
        source: std::io::Error::other(ended),
    }
}

fn retry_after(row: &BundleRow, now: u64) -> u32 {
    let (least, most) = RETRY_SECONDS;
    let waited = now.saturating_sub(u64::try_from(row.received_at).unwrap_or(0));
    u32::try_from(waited / 8).map_or(most, |seconds| seconds.clamp(least, most))
}

/// How many lots are appraised at once: half of the time, each waits for the disk.
fn at_once() -> usize {
    2 * std::thread::available_parallelism().map_or(1, usize::from)
}

pub(crate) fn to_json(value: &impl Serialize) -> String {
    // Strings, numbers, lists and maps with string keys: always JSON.
    serde_json::to_string(value).unwrap_or_default()
}
