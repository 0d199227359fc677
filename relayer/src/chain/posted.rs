//! Whether somebody has posted a report already.

use alloy::{
    eips::BlockNumberOrTag, primitives::B256, providers::Provider, rpc::types::Filter, sol_types::SolEvent,
};

use super::Chain;
use crate::{Error, registry::IProofOfCloudRegistry::BatchPosted};

/// Blocks in one question for logs: what providers commonly allow.
const SPAN: u64 = 1_000;

impl Chain {
    /// The transaction that posted the report with this digest, if one did since `issued_at` (Unix seconds). A read: what
    /// follows from it is decided by its receipt.
    ///
    /// # Errors
    /// If no endpoint answers.
    pub async fn posted(&self, report: B256, issued_at: u64) -> Result<Option<B256>, Error> {
        let mut to = self.latest().await?.number;
        loop {
            let from = to.saturating_sub(SPAN - 1);
            let filter = Filter::new()
                .address(*self.registry.address())
                .event_signature(BatchPosted::SIGNATURE_HASH)
                .from_block(from)
                .to_block(to);
            for log in self.provider.get_logs(&filter).await? {
                let posted =
                    BatchPosted::decode_log(&log.inner).is_ok_and(|event| event.reportHash == report);
                if let (true, Some(hash)) = (posted, log.transaction_hash) {
                    return Ok(Some(hash));
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
}
