//! Included → Final: when the block, by hash, is finalized.

use alloy::{
    primitives::{Address, B256},
    sol_types::SolEvent,
};
use tracing::{info, warn};

use super::{
    Poster,
    admission::{Call, parse},
    stages,
    view::View,
};
use crate::{
    Error,
    appraiser::Fields,
    chain::{Fate, Receipt},
    failpoint::failpoint,
    registry::IProofOfCloudRegistry::{BatchPosted, OperatorGranted, Report},
    store::{Inclusion, Then, Transaction},
};

impl Poster {
    /// Waits for finality. Everything here is a decision.
    pub(super) async fn settle(&self, transaction: &Transaction, view: &View) -> Result<bool, Error> {
        let Some(at) = transaction.inclusion else {
            return Ok(false);
        };
        // First how far finality reaches, then what is there: the other way round, a reorg might come between.
        let finalized = view.finalized(&self.chain).await?;
        let canonical = self.chain.canonical(at.block_number).await?;
        if canonical.is_none_or(|block| block.hash != at.block_hash) {
            warn!(report = ?transaction.report, block = at.block_number, "reorganised away");
            metrics::counter!("chassis_reorgs_total").increment(1);
            let is_news = self.store.set_reorged(transaction.id).await?;
            failpoint("reorged");
            return Ok(is_news);
        }
        if finalized < at.block_number {
            return Ok(false);
        }
        match self.chain.fate(at.hash).await? {
            Fate::Mined(receipt) if receipt.block_hash == at.block_hash => {
                self.conclude(transaction, &at, &receipt, view).await
            }
            _ => Ok(false),
        }
    }

    async fn conclude(
        &self,
        transaction: &Transaction,
        at: &Inclusion,
        receipt: &Receipt,
        view: &View,
    ) -> Result<bool, Error> {
        let Some(report) = transaction.report else {
            let is_news = self.store.set_final(transaction.id, &[]).await?;
            failpoint("gap closed");
            return Ok(is_news);
        };
        let attempts = self.store.attempts(transaction.id).await?;
        if attempts
            .iter()
            .any(|attempt| attempt.cancels && attempt.hash == at.hash)
        {
            let then = Then::Refresh("it came too late to be posted");
            let is_news = self.store.drop_transaction(transaction.id, then).await?;
            failpoint("cancelled");
            return Ok(is_news);
        }
        let parsed = match parse(&self.store.calldata_of(report).await?)? {
            Call::Post(parsed) => parsed,
            // Done, or somebody else has done it.
            Call::Freeze(_) => {
                info!(order = %report, succeeded = receipt.succeeded, "a freeze is final");
                let is_news = self.store.set_final(transaction.id, &[]).await?;
                failpoint("frozen");
                return Ok(is_news);
            }
        };
        let Some(applied) = applied(receipt, report, *self.chain.registry.address()) else {
            return self.reverted(transaction, report, &parsed, view).await;
        };
        let mut skipped = Vec::new();
        for row in self.store.bundles_of(report).await? {
            let fields = row.fields.as_deref();
            let fields: Option<Fields> = fields.and_then(|json| serde_json::from_str(json).ok());
            if !fields.is_some_and(|fields| applied.contains(&fields.digest)) {
                skipped.push(row.digest);
            }
        }
        let is_news = self.store.set_final(transaction.id, &skipped).await?;
        failpoint("final");
        if is_news {
            metrics::counter!("chassis_batches_final_total").increment(1);
            metrics::counter!("chassis_gas_used_total").increment(at.gas_used);
            info!(%report, block = at.block_number, skipped = skipped.len(), "final");
            self.tell("final", transaction).await;
        }
        Ok(is_news)
    }

    /// It had no effect: because another relayer was faster, or for a reason that an appraisal will find.
    async fn reverted(
        &self,
        transaction: &Transaction,
        report: B256,
        parsed: &Report,
        view: &View,
    ) -> Result<bool, Error> {
        let is_late = parsed.deadline.to::<u64>() < view.time()?;
        let posted = self.posted_by_another(report, parsed, is_late).await?;
        metrics::counter!("chassis_transactions_reverted_total").increment(1);
        let then = posted
            .as_ref()
            .map_or(Then::Reappraise("the transaction reverted"), Then::PostedBy);
        warn!(%report, ?then, "the transaction reverted");
        let is_news = self.store.drop_transaction(transaction.id, then).await?;
        failpoint("reverted");
        Ok(is_news)
    }

    /// Says that a transaction's bundles have come to a stage.
    pub(super) async fn tell(&self, stage: &'static str, transaction: &Transaction) {
        if let Some(report) = transaction.report {
            stages::tell(&self.store, stage, report).await;
        }
    }
}

/// The results that the registry took out of a report; it skips what a freeze or a newer report has overtaken. `None` if
/// the transaction did not post it.
pub(super) fn applied(receipt: &Receipt, report: B256, registry: Address) -> Option<Vec<B256>> {
    let logs = || receipt.logs.iter().filter(|log| log.address == registry);
    let batch = logs()
        .filter_map(|log| BatchPosted::decode_log(log).ok())
        .find(|event| event.reportHash == report)?;
    let grants = logs().filter_map(|log| OperatorGranted::decode_log(log).ok());
    let granted = grants.map(|event| event.digest);
    Some(granted.chain(batch.digests.iter().copied()).collect())
}
