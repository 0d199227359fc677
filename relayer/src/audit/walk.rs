//! Through the log, as far as it fits the registry.

use alloy::primitives::Address;

use super::{
    Difference,
    cache::{Cache, Trust},
    progress::Progress,
};
use crate::{
    Error,
    chain::Chain,
    replay::{Replay, State},
    store::BlockRef,
};

/// Bytes of logs in one answer beyond which fewer blocks are asked for: they are all in memory at once, some times over.
const MUCH: usize = 2 << 20;

/// How far the log was read, and what follows from it.
pub(super) struct Walk {
    chain: Chain,
    cache: Option<Cache>,
    replay: Replay,
    at: BlockRef,
    /// The last block after which the heads were the same.
    verified: u64,
    /// It goes on from a block whose head was not compared.
    is_doubtful: bool,
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
        trust: Trust,
        start: Option<u64>,
        max_span: u64,
    ) -> Result<Self, Error> {
        let registry = *chain.registry.address();
        let mut kept = cache
            .as_mut()
            .map(|cache| cache.load(trust))
            .transpose()?
            .flatten();
        if let Some(at) = kept.as_ref().map(|kept| kept.at) {
            let canonical = chain.canonical(at.number).await?;
            if canonical.is_none_or(|block| block.hash != at.hash) {
                kept = None;
            }
        }
        let (replay, at, verified, events) = if let Some(kept) = kept {
            (kept.replay, kept.at, kept.verified, kept.events)
        } else {
            let number = crate::index::first_block(&chain, start).await?;
            let at = crate::index::before(&chain, number).await?;
            if let Some(cache) = &mut cache {
                cache.reset(at)?;
            }
            (Replay::new(registry), at, at.number, 0)
        };
        Ok(Self {
            chain,
            cache,
            replay,
            verified,
            is_doubtful: verified < at.number,
            at,
            events,
            span: 1_000.min(max_span),
            max_span,
            source: 0,
        })
    }

    /// Reads up to a final block. Says where the log does not fit the registry.
    pub(super) async fn to(&mut self, end: BlockRef) -> Result<Option<Difference>, Error> {
        let (mut tries, mut progress) = (0, Progress::default());
        while self.at.number < end.number {
            let (number, events) = (self.at.number, self.events);
            progress.say(format_args!("block {number} of {}, {events} events", end.number));
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
                // The cache's: no fewer blocks help.
                Err(error @ Error::Io { .. }) => return Err(error),
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
            return Ok(Some(Difference {
                after: Some(self.verified),
                block: number,
                what: problem,
            }));
        }
        Ok(None)
    }

    /// `Some`: what was answered is not the registry's log.
    async fn range(&mut self, from: u64, to: BlockRef) -> Result<Option<String>, Error> {
        let raw = self.chain.logs(from, to.number, self.source).await?;
        let count = raw.len();
        let size: usize = raw.iter().map(|log| log.data.data.len()).sum();
        let logs = match crate::index::placed(&self.chain, raw).await? {
            Ok(logs) => logs,
            Err(problem) => return Ok(Some(problem)),
        };
        // What fails is thrown away, so a copy takes what is new: the registry's state once more, for each range with logs.
        let mut taken = None;
        if !logs.is_empty() {
            let mut replay = self.replay.clone();
            if let Err(error) = replay.take(&logs) {
                return Ok(Some(error.to_string()));
            }
            taken = Some(replay);
        }
        let replay = taken.as_ref().unwrap_or(&self.replay);
        let head = self.chain.head_at(to.hash).await?;
        if let Some(head) = head.filter(|head| *head != replay.state().head()) {
            let ours = replay.state().head();
            return Ok(Some(format!("the head is {head}, by the log it is {ours}")));
        }
        // First: what is not kept has not been read.
        if let Some(cache) = &mut self.cache {
            cache.add(&logs, to, head.is_some())?;
        }
        if head.is_some() {
            self.verified = to.number;
        }
        if let Some(replay) = taken {
            self.replay = replay;
        }
        self.at = to;
        self.events += count as u64;
        self.span = if size > MUCH {
            (self.span / 2).max(1)
        } else {
            self.span.saturating_mul(2).min(self.max_span)
        };
        Ok(None)
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
    pub(super) fn into_cache(self) -> Option<Cache> {
        self.cache
    }

    pub(super) fn is_doubtful(&self) -> bool {
        self.is_doubtful
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
}
