//! Whether somebody has posted a report already.

use std::{sync::atomic::Ordering, time::Duration};

use alloy::{
    eips::BlockNumberOrTag, primitives::B256, providers::Provider, rpc::types::Filter, sol_types::SolEvent,
};
use tokio::time::timeout;

use super::Chain;
use crate::{Error, registry::IProofOfCloudRegistry::BatchPosted};

/// Most blocks in one question for logs: what providers commonly allow.
pub(super) const SPAN: u64 = 1_000;
/// Most questions of one search.
const MOST_QUESTIONS: usize = 1_000;
/// How long one search may take: other reports wait for it.
const LONGEST: Duration = Duration::from_secs(20);

impl Chain {
    /// The transaction that posted the report with this digest, if one did since `issued_at` (Unix seconds). A decision:
    /// no endpoint alone can hide a post, make one up, or have it looked for in older blocks. Of two, one that tries has
    /// nothing decided.
    ///
    /// # Errors
    /// If too few endpoints answer, even for one block, they disagree, or it takes too long.
    pub async fn posted(&self, report: B256, issued_at: u64) -> Result<Option<B256>, Error> {
        let search = timeout(LONGEST, self.search(report, issued_at));
        search.await.unwrap_or_else(|_| Err(endless(report)))
    }

    async fn search(&self, report: B256, issued_at: u64) -> Result<Option<B256>, Error> {
        // One that lies a little low, or lags, must not have the last blocks left out: each is asked to its own end.
        let mut to = BlockNumberOrTag::Latest;
        let mut end = self.height(to).await?;
        // A refusal may have had other reasons than the span: it grows again.
        let remembered = self.posted_span.load(Ordering::Relaxed);
        let mut span = remembered.saturating_mul(2).clamp(1, SPAN);
        let mut is_refused = false;
        for _ in 0..MOST_QUESTIONS {
            let from = end.saturating_sub(span - 1);
            match self.posted_in(report, from, to).await {
                Ok(Some(None)) => self.posted_span.store(span, Ordering::Relaxed),
                Ok(Some(found)) => return Ok(found),
                Ok(None) => {
                    return Err(Error::Rpc(format!(
                        "the endpoints disagree about who posted report {report}"
                    )));
                }
                // Too large, too many: endpoints say it in many ways, and some ask to be left alone for a while. So what was
                // learnt is kept for the next time.
                Err(error) => {
                    is_refused = true;
                    span = (span / 2).max(1);
                    self.posted_span.store(span / 2, Ordering::Relaxed);
                    if from == end {
                        return Err(error);
                    }
                    continue;
                }
            }
            let first = self.canonical(from).await?;
            let first = first.ok_or_else(|| Error::Rpc(format!("block {from} is gone again")))?;
            if from == 0 || first.timestamp < issued_at {
                return Ok(None);
            }
            end = from - 1;
            to = end.into();
            if !is_refused {
                span = (span * 2).min(SPAN);
            }
        }
        Err(endless(report))
    }

    /// `None` if no two say the same.
    async fn posted_in(
        &self,
        report: B256,
        from: u64,
        to: BlockNumberOrTag,
    ) -> Result<Option<Option<B256>>, Error> {
        let filter = Filter::new()
            .address(*self.registry.address())
            .event_signature(BatchPosted::SIGNATURE_HASH)
            .from_block(from)
            .to_block(to);
        let about = format!("who posted report {report}");
        self.pool
            .agreed(&about, async |endpoint| {
                let logs = endpoint.provider.get_logs(&filter).await?;
                let mut posts = logs.iter().filter(|log| {
                    BatchPosted::decode_log(&log.inner).is_ok_and(|event| event.reportHash == report)
                });
                Ok(posts.find_map(|log| log.transaction_hash))
            })
            .await
    }
}

fn endless(report: B256) -> Error {
    Error::Rpc(format!(
        "whether somebody posted report {report} was not found out in {} s and {MOST_QUESTIONS} questions",
        LONGEST.as_secs()
    ))
}
