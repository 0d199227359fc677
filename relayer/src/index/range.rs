//! Finalized blocks, many at once.

use std::sync::Arc;

use tracing::{debug, info};

use super::{Divergence, Index, Work, placed, rows};
use crate::{
    Error,
    failpoint::failpoint,
    replay::{RegistryLog, Replay, Subject},
    store::{BlockRef, IndexChange},
};

/// A range that fits.
struct Taken {
    logs: Vec<RegistryLog>,
    subjects: Vec<Vec<Subject>>,
    replay: Arc<Replay>,
    /// Whether its end was compared.
    is_verified: bool,
}

impl Index {
    /// Reads the next finalized blocks.
    pub(super) async fn read_range(&self, work: &mut Work, finalized: BlockRef) -> Result<bool, Error> {
        if !self.is_final_still(work).await? {
            return Ok(true);
        }
        let from = work.state.block.number + 1;
        let to = finalized
            .number
            .min(work.state.block.number.saturating_add(work.span));
        let end = if to == finalized.number {
            finalized
        } else {
            let block = self.chain.canonical(to).await?;
            let block = block.ok_or_else(|| Error::Rpc(format!("block {to} is final, and not there")))?;
            BlockRef {
                number: to,
                hash: block.hash,
            }
        };
        let taken = match self.take_range(work, from, end).await {
            Ok(taken) => taken,
            // Too large, too many, too slow: endpoints say it in many ways.
            Err(error) => {
                work.span = (work.span / 2).max(1);
                if from < to {
                    debug!(from, to, %error, "asking for fewer blocks at once");
                    return Ok(true);
                }
                return Err(error);
            }
        };
        match taken {
            Ok(taken) => self.keep_range(work, end, taken).await,
            Err(problem) => self.doubt(work, from, to, problem).await,
        }
    }

    /// The inner error: what was answered is not the registry's log.
    async fn take_range(
        &self,
        work: &Work,
        from: u64,
        end: BlockRef,
    ) -> Result<Result<Taken, String>, Error> {
        let logs = self.chain.logs(from, end.number, work.source).await?;
        let logs = match placed(&self.chain, logs).await? {
            Ok(logs) => logs,
            Err(problem) => return Ok(Err(problem)),
        };
        let mut replay = Arc::clone(&work.base);
        let subjects = if logs.is_empty() {
            Vec::new()
        } else {
            match Arc::make_mut(&mut replay).take(&logs) {
                Ok(subjects) => subjects,
                Err(error) => return Ok(Err(error.to_string())),
            }
        };
        let head = self.chain.head_at(end.hash).await?;
        if let Some(head) = head.filter(|head| *head != replay.state().head()) {
            let problem = format!("the head is {head}, by the log it is {}", replay.state().head());
            return Ok(Err(problem));
        }
        if head.is_some()
            && let Err(problem) = self
                .words_fit(replay.state(), &logs, work.extent(), end.hash)
                .await?
        {
            return Ok(Err(problem));
        }
        Ok(Ok(Taken {
            logs,
            subjects,
            replay,
            is_verified: head.is_some(),
        }))
    }

    async fn keep_range(&self, work: &mut Work, end: BlockRef, taken: Taken) -> Result<bool, Error> {
        let mut state = work.next_state();
        state.block = end;
        if taken.is_verified {
            state.verified = end;
        }
        let count = taken.logs.len();
        let change = IndexChange {
            events: rows(&taken.logs, taken.subjects),
            ..IndexChange::default()
        };
        if !self.store.change_index(&state, &change).await? {
            return Ok(true);
        }
        failpoint("index_range");
        metrics::counter!("chassis_index_events_total").increment(count as u64);
        work.state = state;
        work.base = taken.replay;
        work.tip = Arc::clone(&work.base);
        work.tries = 0;
        work.span = work.span.saturating_mul(2).min(self.config.max_range);
        if taken.is_verified {
            self.alarm.clear();
        }
        Ok(true)
    }

    /// Somebody lies, or has left something out. Others are asked, then for fewer blocks; one block that fits nobody's
    /// answer is an alarm, unless what came before was never compared.
    pub(super) async fn doubt(
        &self,
        work: &mut Work,
        from: u64,
        to: u64,
        problem: String,
    ) -> Result<bool, Error> {
        work.source += 1;
        work.tries += 1;
        if work.tries < self.chain.log_sources() {
            return Ok(true);
        }
        work.tries = 0;
        if from < to {
            info!(
                from,
                to, problem, "the log does not fit the registry; looking closer"
            );
            work.span = (to - from).div_ceil(2).max(1);
            return Ok(true);
        }
        let after = work.state.verified.number;
        self.alarm.raise(Divergence {
            after,
            block: to,
            problem,
        });
        if after < work.state.block.number {
            let mut state = work.next_state();
            state.block = state.verified;
            let change = IndexChange {
                drop_above: Some(after),
                ..IndexChange::default()
            };
            self.store.change_index(&state, &change).await?;
        }
        Ok(false)
    }
}
