//! Whether somebody has posted a report already.

use std::sync::atomic::Ordering;

use alloy::{
    eips::BlockNumberOrTag, primitives::B256, providers::Provider, rpc::types::Filter, sol_types::SolEvent,
    transports::TransportError,
};

use super::Chain;
use crate::{Error, registry::IProofOfCloudRegistry::BatchPosted};

/// Most blocks in one question for logs: what providers commonly allow.
pub(super) const SPAN: u64 = 1_000;

impl Chain {
    /// The transaction that posted the report with this digest, if one did since `issued_at` (Unix seconds). A read: what
    /// follows from it is decided by its receipt.
    ///
    /// # Errors
    /// If no endpoint answers, even for one block.
    pub async fn posted(&self, report: B256, issued_at: u64) -> Result<Option<B256>, Error> {
        let mut to = self.latest().await?.number;
        // A refusal may have had other reasons than the span: it grows again.
        let remembered = self.posted_span.load(Ordering::Relaxed);
        let mut span = remembered.saturating_mul(2).clamp(1, SPAN);
        loop {
            let from = to.saturating_sub(span - 1);
            match self.posted_in(report, from, to).await {
                Ok(None) => self.posted_span.store(span, Ordering::Relaxed),
                Ok(found) => return Ok(found),
                // Too large, too many: endpoints say it in many ways, and some ask to be left alone for a while. So what was
                // learnt is kept for the next time.
                Err(error) => {
                    span = (span / 2).max(1);
                    self.posted_span.store(span / 2, Ordering::Relaxed);
                    if from == to || error.as_error_resp().is_none() {
                        return Err(error.into());
                    }
                    continue;
                }
            }
            let first = self
                .provider
                .get_block_by_number(BlockNumberOrTag::Number(from))
                .await?;
            if from == 0 || first.is_none_or(|block| block.header.timestamp < issued_at) {
                return Ok(None);
            }
            to = from - 1;
        }
    }

    async fn posted_in(&self, report: B256, from: u64, to: u64) -> Result<Option<B256>, TransportError> {
        let filter = Filter::new()
            .address(*self.registry.address())
            .event_signature(BatchPosted::SIGNATURE_HASH)
            .from_block(from)
            .to_block(to);
        let logs = self.provider.get_logs(&filter).await?;
        Ok(logs
            .iter()
            .filter(|log| BatchPosted::decode_log(&log.inner).is_ok_and(|event| event.reportHash == report))
            .find_map(|log| log.transaction_hash))
    }
}
