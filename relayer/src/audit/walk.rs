//! Through the log, as far as it fits the registry.

use std::{
    io::{IsTerminal as _, Write as _},
    sync::Arc,
};

use alloy::primitives::Address;

use super::{Difference, cache::Cache};
use crate::{
    Error,
    chain::{Chain, RawLog},
    replay::{Position, RegistryLog, Replay, State},
    store::BlockRef,
};

/// Logs in one answer beyond which fewer blocks are asked for: they are all in memory at once.
const MANY: usize = 5_000;

/// How far the log was read, and what follows from it.
pub(super) struct Walk {
    chain: Chain,
    cache: Option<Cache>,
    replay: Arc<Replay>,
    at: BlockRef,
    /// The last block after which the heads were the same.
    verified: u64,
    events: u64,
    span: u64,
    max_span: u64,
    /// Which endpoint is asked for logs.
    source: usize,
}

impl Walk {
    /// From where the cache ends, or from the registry's creation.
    pub(super) async fn begin(
        chain: Chain,
        mut cache: Option<Cache>,
        start: Option<u64>,
        max_span: u64,
    ) -> Result<Self, Error> {
        let registry = *chain.registry.address();
        let mut kept = cache.as_mut().map(Cache::load).transpose()?.flatten();
        if let Some(at) = kept.as_ref().map(|kept| kept.at) {
            let canonical = chain.canonical(at.number).await?;
            if canonical.is_none_or(|block| block.hash != at.hash) {
                kept = None;
            }
        }
        let (replay, at, events) = if let Some(kept) = kept {
            (kept.replay, kept.at, kept.events)
        } else {
            let number = crate::index::first_block(&chain, start).await?;
            let at = crate::index::before(&chain, number).await?;
            if let Some(cache) = &mut cache {
                cache.reset(at)?;
            }
            (Replay::new(registry), at, 0)
        };
        Ok(Self {
            chain,
            cache,
            replay: Arc::new(replay),
            verified: at.number,
            at,
            events,
            span: 1_000.min(max_span),
            max_span,
            source: 0,
        })
    }

    /// Reads up to a final block. Says where the log does not fit the registry.
    pub(super) async fn to(&mut self, end: BlockRef) -> Result<Option<Difference>, Error> {
        let mut tries = 0;
        while self.at.number < end.number {
            self.progress(end.number);
            let from = self.at.number + 1;
            let number = end.number.min(self.at.number.saturating_add(self.span));
            let to = if number == end.number {
                end
            } else {
                self.canonical(number).await?
            };
            let problem = match self.range(from, to).await {
                Ok(None) => {
                    tries = 0;
                    continue;
                }
                Ok(Some(problem)) => problem,
                // Too large, too many, too slow: endpoints say it in many ways.
                Err(_) if from < number => {
                    self.span = (self.span / 2).max(1);
                    continue;
                }
                Err(error) => return Err(error),
            };
            // Others are asked, then for fewer blocks.
            self.source += 1;
            tries += 1;
            if tries < self.chain.log_sources() {
                continue;
            }
            tries = 0;
            if from < number {
                self.span = (number - from).div_ceil(2).max(1);
                continue;
            }
            Self::progress_ends();
            return Ok(Some(Difference {
                after: Some(self.verified),
                block: number,
                what: problem,
            }));
        }
        Self::progress_ends();
        Ok(None)
    }

    /// `Some`: what was answered is not the registry's log.
    async fn range(&mut self, from: u64, to: BlockRef) -> Result<Option<String>, Error> {
        let raw = self.chain.logs(from, to.number, self.source).await?;
        let count = raw.len();
        let logs = match self.decode(raw).await? {
            Ok(logs) => logs,
            Err(problem) => return Ok(Some(problem)),
        };
        // What fails is thrown away; only then is it copied.
        let mut replay = Arc::clone(&self.replay);
        if !logs.is_empty()
            && let Err(error) = Arc::make_mut(&mut replay).take(&logs)
        {
            return Ok(Some(error.to_string()));
        }
        let head = self.chain.head_at(to.hash).await?;
        if let Some(head) = head.filter(|head| *head != replay.state().head()) {
            let ours = replay.state().head();
            return Ok(Some(format!("the head is {head}, by the log it is {ours}")));
        }
        if head.is_some() {
            self.verified = to.number;
        }
        self.replay = replay;
        self.at = to;
        self.events += count as u64;
        if let Some(cache) = &mut self.cache {
            cache.add(&logs, to, head.is_some())?;
        }
        self.span = if count > MANY {
            (self.span / 2).max(1)
        } else {
            self.span.saturating_mul(2).min(self.max_span)
        };
        Ok(None)
    }

    /// Times come with the logs where endpoints give them, else from headers. A false one leads to other slots.
    async fn decode(&self, raw: Vec<RawLog>) -> Result<Result<Vec<RegistryLog>, String>, Error> {
        let mut header: Option<(u64, u64)> = None;
        let mut logs = Vec::with_capacity(raw.len());
        for log in raw {
            let time = match (log.time, header) {
                (Some(time), _) => time,
                (None, Some((block, time))) if block == log.block => time,
                (None, _) => {
                    let found = self.chain.header(log.block).await?;
                    let Some(found) = found.filter(|found| found.hash == log.block_hash) else {
                        return Ok(Err(format!(
                            "a log of block {}, which is not canonical",
                            log.block_hash
                        )));
                    };
                    header = Some((log.block, found.time));
                    found.time
                }
            };
            let at = Position {
                block: log.block,
                block_hash: log.block_hash,
                time,
                transaction: log.transaction,
                log_index: log.log_index,
            };
            match RegistryLog::decode(at, &log.data) {
                Ok(log) => logs.push(log),
                Err(error) => return Ok(Err(error.to_string())),
            }
        }
        Ok(Ok(logs))
    }

    async fn canonical(&self, number: u64) -> Result<BlockRef, Error> {
        let block = self.chain.canonical(number).await?;
        let block = block.ok_or_else(|| Error::Rpc(format!("block {number} is final, and not there")))?;
        Ok(BlockRef {
            number,
            hash: block.hash,
        })
    }

    pub(super) fn state(&self) -> &State {
        self.replay.state()
    }

    /// What was read, if it was kept.
    pub(super) fn cache(&mut self) -> Option<&mut Cache> {
        self.cache.as_mut()
    }

    pub(super) fn events(&self) -> u64 {
        self.events
    }

    pub(super) fn registry(&self) -> Address {
        *self.chain.registry.address()
    }

    pub(super) fn chain_id(&self) -> u64 {
        self.chain.id
    }

    /// One line that is written over, on a terminal only.
    fn progress(&self, end: u64) {
        let mut err = std::io::stderr();
        if err.is_terminal() {
            let _ = write!(
                err,
                "\rblock {} of {end}, {} events\x1b[K",
                self.at.number, self.events
            );
        }
    }

    fn progress_ends() {
        let mut err = std::io::stderr();
        if err.is_terminal() {
            let _ = write!(err, "\r\x1b[K");
        }
    }
}
