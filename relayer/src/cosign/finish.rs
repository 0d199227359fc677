//! Reports that this relayer has signed, until the poster has them or the registry shows them.

use std::time::{Duration, Instant};

use alloy::{
    primitives::Bytes,
    sol_types::{SolCall, SolValue},
};
use chassis_program::unix_now;
use tracing::{info, warn};

use super::{Inner, seat::Set, turn};
use crate::{
    Error,
    appraiser::Fields,
    chain::Block,
    failpoint::failpoint,
    post::{Steps, stages},
    registry::IProofOfCloudRegistry::{Report, postCall},
    report::{Carried, Effect},
    store::{BundleRow, OpenReport},
};

/// Of a report's time, what must be left for a transaction to be mined, seconds.
const LEAST_LEFT: u64 = 300;

/// How many stages signatures under a report of this relayer's own may take: it asks for all of them at once.
const OWN_STAGES: u64 = 1;

/// How many they may take under another's: that one asks at its own time, and others tell each other.
const OTHERS_STAGES: u64 = 3;

/// Most reports that are settled in one step. Each may ask the registry about all its bundles.
const SETTLED_AT_ONCE: u32 = 8;

impl Inner {
    /// Brings on what can be, its own first. One that fails holds up no other. Returns whether anything moved.
    pub(super) async fn finish(&self) -> Result<bool, Error> {
        let mut reports = self.store.open_reports().await?;
        reports.sort_by_key(|report| !self.is_own(report));
        self.memory()
            .complete
            .retain(|hash, _| reports.iter().any(|report| report.hash == *hash));
        let mut steps = Steps::default();
        for report in &reports {
            steps.add(self.finish_one(report).await);
        }
        steps.add(self.settle().await);
        steps.result()
    }

    fn is_own(&self, report: &OpenReport) -> bool {
        report.proposer == self.signer.address()
    }

    async fn finish_one(&self, report: &OpenReport) -> Result<bool, Error> {
        let set = self.set(report.set_id).await?;
        let signatures = self.store.signatures_under(report.hash).await?;
        let is_own = self.is_own(report);
        let Some((mask, signatures)) = set.assemble(&signatures) else {
            return self.wait_for_signatures(report, is_own).await;
        };
        let first_seen = *self
            .memory()
            .complete
            .entry(report.hash)
            .or_insert_with(Instant::now);
        let is_late = report.deadline < unix_now() + LEAST_LEFT;
        if !is_own {
            if first_seen.elapsed() < self.wait_to_post(&set, report) {
                return Ok(false);
            }
            if self.store.bundles_cosigning(report.hash).await?.is_empty() {
                self.store
                    .close_report(report.hash, "nothing waits for it")
                    .await?;
                return Ok(true);
            }
            match self.shown_now(report).await {
                Ok(Some(number)) => {
                    // Somebody has posted it. What remains is to see it finalized.
                    self.store.set_shown(report.hash, Some(number)).await?;
                    return Ok(true);
                }
                Ok(None) => {}
                // Endpoints that cannot tell, or disagree, keep no report open for ever: its proposer has only so many, and
                // at worst its operators are attested anew a little early.
                Err(error) if is_late => {
                    warn!(report = %report.hash, %error, "whether it was posted cannot be found out");
                }
                Err(error) => return Err(error),
            }
        }
        if is_late {
            return self.give_up(report, "its report was not posted in time").await;
        }
        let calldata = calldata(report, mask, signatures)?;
        self.store.queue_report(report, &calldata).await?;
        failpoint("queued");
        info!(report = %report.hash, is_own, "has its signatures: to be posted");
        stages::tell(&self.store, "queue", report.hash).await;
        Ok(true)
    }

    /// When this relayer posts what somebody else proposed: the proposer has the first stage to itself.
    fn wait_to_post(&self, set: &Set, report: &OpenReport) -> Duration {
        let others: Vec<_> = turn::order(set.id, report.issued_at, &set.members)
            .into_iter()
            .filter(|member| *member != report.proposer)
            .collect();
        let rank = turn::rank(&others, self.signer.address());
        self.config.stage() * u32::try_from(rank + 1).unwrap_or(u32::MAX)
    }

    /// Gives a report up for which too few have signed in time.
    async fn wait_for_signatures(&self, report: &OpenReport, is_own: bool) -> Result<bool, Error> {
        let stages = if is_own { OWN_STAGES } else { OTHERS_STAGES };
        if unix_now().saturating_sub(report.recorded_at) <= stages * self.config.stage_seconds {
            return Ok(false);
        }
        self.give_up(report, "not enough relayers signed in time").await
    }

    async fn give_up(&self, report: &OpenReport, reason: &str) -> Result<bool, Error> {
        warn!(report = %report.hash, reason, "given up; its bundles are appraised anew");
        metrics::counter!("chassis_cosign_given_up_total").increment(1);
        self.store.close_report(report.hash, reason).await?;
        Ok(true)
    }

    /// Looks once more at some of those that were shown, when the block that showed them is final.
    async fn settle(&self) -> Result<bool, Error> {
        if self.store.shown_reports(u64::MAX, 0, 1).await?.is_empty() {
            return Ok(false);
        }
        let finalized = self.finalized().await?;
        let reports = self
            .store
            .shown_reports(finalized.number, unix_now(), SETTLED_AT_ONCE)
            .await?;
        let mut steps = Steps::default();
        for report in &reports {
            let step = self.settle_one(report, finalized).await;
            if step.is_err() {
                // It goes back to those that wait, so that a few broken ones hold up no other.
                steps.add(self.store.set_shown(report.hash, None).await.map(|()| true));
            }
            steps.add(step);
        }
        steps.result()
    }

    /// Ends what a finalized block shows to be done. What it does not show was reorganised away.
    async fn settle_one(&self, report: &OpenReport, finalized: Block) -> Result<bool, Error> {
        if !self.is_shown(report, finalized).await? {
            self.store.set_shown(report.hash, None).await?;
            return Ok(true);
        }
        self.store
            .end_report(report.hash, "posted by another relayer")
            .await?;
        info!(report = %report.hash, "posted by another relayer, and final");
        Ok(true)
    }

    /// The latest block, if the registry shows this report as of it.
    async fn shown_now(&self, report: &OpenReport) -> Result<Option<u64>, Error> {
        let latest = self.chain.latest().await?;
        Ok(self.is_shown(report, latest).await?.then_some(latest.number))
    }

    /// Whether the registry, as of a block, attests all that waits for this report for as long as it would.
    async fn is_shown(&self, report: &OpenReport, block: Block) -> Result<bool, Error> {
        let rows = self.store.bundles_cosigning(report.hash).await?;
        let carried: Vec<_> = rows.iter().filter_map(carried).collect();
        if carried.len() < rows.len() {
            return Ok(false);
        }
        let view = self.view(block, &carried).await?;
        for one in &carried {
            if view.effect(one)? != Effect::None {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// `post(…)` with its signatures.
fn calldata(report: &OpenReport, mask: u32, signatures: Vec<u8>) -> Result<Vec<u8>, Error> {
    let decoded = Report::abi_decode(&report.report).map_err(|error| {
        Error::Refused(format!(
            "the stored report {} is unreadable: {error}",
            report.hash
        ))
    })?;
    let call = postCall {
        report: decoded,
        signerMask: mask,
        signatures: Bytes::from(signatures),
    };
    Ok(call.abi_encode())
}

fn carried(row: &BundleRow) -> Option<Carried> {
    let fields: Fields = serde_json::from_str(row.fields.as_deref()?).ok()?;
    Some(Carried {
        operator: row.operator,
        evidence: row.digest,
        fields,
    })
}
