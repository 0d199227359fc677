//! From the database to memory: at the start, and when another replica has moved the index.

use std::sync::Arc;

use tracing::{info, warn};

use super::{Index, TailBlock, Work};
use crate::{
    Error,
    chain::Chain,
    replay::{RegistryLog, Replay},
    store::{BlockRef, EventFilter, EventRow, IndexState},
};

/// Events in one read from the database.
const PAGE: u32 = 1_000;
/// Blocks in the first range.
const FIRST_SPAN: u64 = 1_000;

impl Index {
    /// Makes what is in memory what is in the database.
    pub(super) async fn load(&self, slot: &mut Option<Work>) -> Result<(), Error> {
        let state = match self.store.index_state().await? {
            Some(state) if self.is_ours(&state) => state,
            other => {
                *slot = None;
                return self.begin(other).await;
            }
        };
        if slot
            .as_ref()
            .is_some_and(|work| work.state.version == state.version)
        {
            return Ok(());
        }
        // What was final stays so, unless the index was rewound.
        let known = slot
            .take()
            .filter(|work| work.state.block.number <= state.block.number);
        let (span, mut base, from) = match known {
            Some(work) => (work.span, work.base, work.state.block.number),
            None => (FIRST_SPAN, Arc::new(Replay::new(state.registry)), 0),
        };
        if let Err(problem) = self
            .replay_stored(Arc::make_mut(&mut base), from, state.block.number)
            .await?
        {
            warn!(
                problem,
                "the index in the database is damaged; reading the log anew"
            );
            return self.begin(Some(state)).await;
        }
        let mut work = Work {
            tip: Arc::clone(&base),
            base,
            tail: Vec::new(),
            span: span.min(self.config.max_range),
            source: 0,
            tries: 0,
            state,
        };
        for header in self.store.index_tail().await? {
            let rows = self.store.events_of_block(header.number).await?;
            let logs = rows.iter().map(read).collect::<Result<_, _>>();
            match logs {
                Ok(logs) => work.tail.push(TailBlock { header, logs }),
                Err(problem) => {
                    warn!(
                        problem,
                        "the index in the database is damaged; reading the log anew"
                    );
                    return self.begin(Some(work.state)).await;
                }
            }
        }
        if let Err(problem) = work.replay_tail() {
            warn!(
                problem,
                "the index in the database is damaged; reading the log anew"
            );
            return self.begin(Some(work.state)).await;
        }
        *slot = Some(work);
        Ok(())
    }

    fn is_ours(&self, state: &IndexState) -> bool {
        (state.chain_id, state.registry) == (self.chain.id, *self.chain.registry.address())
    }

    /// Takes events with block numbers above `from`, up to `to`. The inner error: what is stored makes no history.
    async fn replay_stored(
        &self,
        replay: &mut Replay,
        from: u64,
        to: u64,
    ) -> Result<Result<(), String>, Error> {
        let mut filter = EventFilter {
            after: (from > 0).then_some((from, u64::MAX)),
            to,
            limit: PAGE,
            ..EventFilter::default()
        };
        // Transactions must be taken whole: what may go on in the next page waits.
        let mut waiting: Vec<RegistryLog> = Vec::new();
        loop {
            let rows = self.store.events(&filter).await?;
            let is_last = rows.len() < PAGE as usize;
            filter.after = rows.last().map(|row| (row.at.block, row.at.log_index));
            for row in &rows {
                match read(row) {
                    Ok(log) => waiting.push(log),
                    Err(problem) => return Ok(Err(problem)),
                }
            }
            let last = waiting.last().map(|log| log.at.transaction);
            let whole = waiting
                .iter()
                .take_while(|log| is_last || Some(log.at.transaction) != last)
                .count();
            let rest = waiting.split_off(whole);
            if let Err(error) = replay.take(&waiting) {
                return Ok(Err(error.to_string()));
            }
            waiting = rest;
            if is_last {
                return Ok(Ok(()));
            }
        }
    }

    /// Begins anew, before the block of the registry's creation.
    pub(super) async fn begin(&self, old: Option<IndexState>) -> Result<(), Error> {
        let first = first_block(&self.chain, self.config.start_block).await?;
        let block = before(&self.chain, first).await?;
        let state = IndexState {
            version: old.as_ref().map_or(1, |old| old.version + 1),
            chain_id: self.chain.id,
            registry: *self.chain.registry.address(),
            block,
            verified: block,
        };
        info!(from = first, registry = %state.registry, "indexing the registry's log");
        self.store.start_index(old.map(|old| old.version), &state).await?;
        Ok(())
    }
}

/// The block of the registry's creation: as configured, or the first after which there is code at its address.
///
/// # Errors
/// If it is not final yet, or no endpoint tells.
pub(crate) async fn first_block(chain: &Chain, configured: Option<u64>) -> Result<u64, Error> {
    if let Some(number) = configured {
        return Ok(number);
    }
    let (mut without, mut with) = (0, chain.finalized().await?.number);
    if chain.has_code_at(with).await? != Some(true) {
        return Err(Error::Rpc(
            "the registry's creation is not final yet: wait, or check the registry's address (--registry)"
                .into(),
        ));
    }
    while without + 1 < with {
        let middle = without.midpoint(with);
        match chain.has_code_at(middle).await? {
            Some(true) => with = middle,
            Some(false) => without = middle,
            None => {
                return Err(Error::Rpc(
                    "no endpoint tells in which block the registry was created: set [index] start_block, or --start-block".into(),
                ));
            }
        }
    }
    Ok(with)
}

/// The block before, after which reading begins. Block 0 holds no logs, so nothing comes before it.
///
/// # Errors
/// If there is none.
pub(crate) async fn before(chain: &Chain, first: u64) -> Result<BlockRef, Error> {
    let number = first.saturating_sub(1);
    let block = chain.canonical(number).await?;
    let block =
        block.ok_or_else(|| Error::Rpc(format!("there is no block {number} yet: check the start block")))?;
    Ok(BlockRef {
        number,
        hash: block.hash,
    })
}

/// The block's hash was checked when the row was written.
fn read(row: &EventRow) -> Result<RegistryLog, String> {
    RegistryLog::decode(row.at, &row.data).map_err(|error| error.to_string())
}
