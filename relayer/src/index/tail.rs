//! Blocks that are not final yet: one by one, each a child of the one before.

use std::sync::Arc;

use tracing::{info, warn};

use super::{Divergence, Index, TailBlock, Work, decode, rows};
use crate::{
    Error,
    chain::Header,
    failpoint::failpoint,
    replay::{RegistryLog, Replay, Subject},
    store::{BlockRef, IndexChange},
};

/// A block, as it goes on from the tip.
struct Taken {
    header: Header,
    logs: Vec<RegistryLog>,
    /// Whom each log is about.
    subjects: Vec<Vec<Subject>>,
    replay: Arc<Replay>,
}

impl Index {
    /// Blocks of the tail that have become final move to the state, or go.
    pub(super) async fn settle(&self, work: &mut Work, finalized: BlockRef) -> Result<bool, Error> {
        let (Some(first), Some(last)) = (work.tail.first(), work.tail.last()) else {
            return Ok(false);
        };
        if finalized.number < first.header.number {
            return Ok(false);
        }
        let number = finalized.number.min(last.header.number);
        let canonical = if number == finalized.number {
            Some(finalized.hash)
        } else {
            self.chain.canonical(number).await?.map(|block| block.hash)
        };
        let count = usize::try_from(number - first.header.number).map_or(0, |before| before + 1);
        let ours = count.checked_sub(1).and_then(|last| work.tail.get(last));
        let is_ours = ours.is_some_and(|ours| Some(ours.header.hash) == canonical);
        if !is_ours {
            self.drop_tail(work, 0).await?;
            return Ok(true);
        }
        let Some(hash) = canonical else { return Ok(false) };
        // They follow from the state, as the tip does; what was checked for the tip was checked for them, but for what no
        // head covers: when it was, and in which transaction.
        let mut base = Arc::clone(&work.base);
        for block in work
            .tail
            .iter()
            .take(count)
            .filter(|block| !block.logs.is_empty())
        {
            if !self.is_as_sealed(block).await? {
                let number = block.header.number;
                warn!(number, "a block is not as one endpoint told it; reading it again");
                self.drop_tail(work, 0).await?;
                return Ok(true);
            }
            if let Err(error) = Arc::make_mut(&mut base).take(&block.logs) {
                warn!(%error, "blocks read before do not fit any more; reading them again");
                self.drop_tail(work, 0).await?;
                return Ok(true);
            }
        }
        let mut state = work.next_state();
        state.block = BlockRef { number, hash };
        state.verified = state.block;
        let change = IndexChange {
            settle_to: Some(number),
            ..IndexChange::default()
        };
        if self.store.change_index(&state, &change).await? {
            failpoint("index_settled");
            work.state = state;
            work.base = base;
            work.tail.drain(..count);
            if work.tail.is_empty() {
                work.tip = Arc::clone(&work.base);
            }
        }
        Ok(true)
    }

    /// Whether two endpoints say the same of a block's time and transactions as the one that it was read from.
    async fn is_as_sealed(&self, block: &TailBlock) -> Result<bool, Error> {
        let TailBlock { header, logs } = block;
        let sealed = self.chain.sealed(header.number).await?;
        Ok(sealed.is_some_and(|sealed| {
            let mut told = logs.iter().map(|log| log.at.transaction);
            (sealed.hash, sealed.time) == (header.hash, header.time)
                && told.all(|transaction| sealed.transactions.contains(&transaction))
        }))
    }

    /// Reads the next block, or takes back what is not canonical any more.
    pub(super) async fn read_tail(&self, work: &mut Work) -> Result<bool, Error> {
        if self.roll_back(work).await? {
            return Ok(true);
        }
        if work.tail.is_empty() && !self.is_final_still(work).await? {
            return Ok(false);
        }
        if work.tail.len() as u64 >= self.config.max_tail {
            return Ok(false);
        }
        let tip = work.tip_block();
        let Some(header) = self.chain.header(tip.number + 1).await? else {
            return Ok(false);
        };
        if header.parent != tip.hash {
            return Ok(false); // a reorg under our hands: the next step sees it
        }
        let taken = self.take_block(work, header).await?;
        match taken {
            Ok(taken) => self.push(work, taken).await,
            Err(problem) => self.doubt(work, header.number, header.number, problem).await,
        }
    }

    /// The inner error: what was answered is not the registry's log.
    async fn take_block(&self, work: &Work, header: Header) -> Result<Result<Taken, String>, Error> {
        let raw = self.chain.logs_of(&header, work.source).await?;
        let logs: Result<Vec<_>, _> = raw.iter().map(|log| decode(&header, log)).collect();
        let logs = match logs {
            Ok(logs) => logs,
            Err(problem) => return Ok(Err(problem)),
        };
        let mut replay = Arc::clone(&work.tip);
        let subjects = if logs.is_empty() {
            Vec::new()
        } else {
            match Arc::make_mut(&mut replay).take(&logs) {
                Ok(subjects) => subjects,
                Err(error) => return Ok(Err(error.to_string())),
            }
        };
        let Some(head) = self.chain.head_at(header.hash).await? else {
            let problem = format!(
                "no two endpoints tell the registry's head after block {}",
                header.number
            );
            return Err(Error::Rpc(problem));
        };
        if head != replay.state().head() {
            let problem = format!("the head is {head}, by the log it is {}", replay.state().head());
            return Ok(Err(problem));
        }
        let words = self.words_fit(replay.state(), &logs, work.extent(), header.hash);
        if let Err(problem) = words.await? {
            return Ok(Err(problem));
        }
        Ok(Ok(Taken {
            header,
            logs,
            subjects,
            replay,
        }))
    }

    async fn push(&self, work: &mut Work, taken: Taken) -> Result<bool, Error> {
        let Taken {
            header,
            logs,
            subjects,
            replay,
        } = taken;
        let mut state = work.next_state();
        // Its head covers all before it.
        state.verified = state.block;
        let count = logs.len();
        let change = IndexChange {
            push: Some(header),
            events: rows(&logs, subjects),
            ..IndexChange::default()
        };
        if self.store.change_index(&state, &change).await? {
            failpoint("index_block");
            metrics::counter!("chassis_index_events_total").increment(count as u64);
            work.state = state;
            work.tip = replay;
            work.tail.push(TailBlock { header, logs });
            work.tries = 0;
            self.alarm.clear();
        }
        Ok(true)
    }

    /// Drops blocks from the tail's end that are not canonical. Returns whether there were any.
    async fn roll_back(&self, work: &mut Work) -> Result<bool, Error> {
        let mut keep = work.tail.len();
        while let Some(block) = keep.checked_sub(1).and_then(|last| work.tail.get(last)) {
            let canonical = self.chain.header(block.header.number).await?;
            if canonical.is_some_and(|canonical| canonical.hash == block.header.hash) {
                break;
            }
            keep -= 1;
        }
        if keep < work.tail.len() {
            self.drop_tail(work, keep).await?;
            return Ok(true);
        }
        Ok(false)
    }

    /// What was final must stay. If it does not, the log is read anew.
    pub(super) async fn is_final_still(&self, work: &Work) -> Result<bool, Error> {
        let BlockRef { number, hash } = work.state.block;
        let seen = self.chain.header(number).await?;
        if seen.is_some_and(|seen| seen.hash == hash) {
            return Ok(true);
        }
        // One endpoint may be behind or elsewhere. Two are believed.
        let canonical = self.chain.canonical(number).await?;
        let canonical = canonical
            .ok_or_else(|| Error::Rpc(format!("block {number} was final, and is not there any more")))?;
        if canonical.hash == hash {
            return Ok(true);
        }
        self.alarm.raise(Divergence {
            after: number.saturating_sub(1),
            block: number,
            problem: format!("block {hash} was final, and is not canonical any more"),
        });
        self.begin(Some(work.state.clone())).await?;
        Ok(false)
    }

    /// Keeps the first `keep` blocks of the tail.
    async fn drop_tail(&self, work: &mut Work, keep: usize) -> Result<(), Error> {
        let dropped = work.tail.len().saturating_sub(keep);
        work.tail.truncate(keep);
        let number = work.tip_block().number;
        info!(blocks = dropped, to = number, "a reorg took back blocks");
        metrics::counter!("chassis_index_reorgs_total").increment(1);
        let state = work.next_state();
        let change = IndexChange {
            drop_above: Some(number),
            ..IndexChange::default()
        };
        if self.store.change_index(&state, &change).await? {
            failpoint("index_rolled_back");
            work.state = state;
        }
        work.replay_tail().map_err(Error::Rpc)
    }
}
