//! Follows the registry's log to finality by block hash, keeps it, and compares what follows from it with the registry.
//!
//! Finalized blocks are read in ranges, the rest block by block, each a child of the one before: what a reorg takes back
//! is dropped. Nothing is kept unless the head that follows from it ([`crate::replay`]) is the registry's at the same block
//! hash, and with it the words that no head covers: those of operators, lanes and platforms. Head and words are read from two
//! endpoints: a log that one left out or changed, an answer cut short, a flag or an empty list decide nothing. Where they
//! differ, every endpoint is asked, and the range is halved down to the first block; then it is an alarm
//! ([`Index::alarm`]), nothing more is signed, and the same is tried again.
//!
//! Of old blocks, nodes that are no archives cannot tell the head. Those ranges are kept unverified until a later block's
//! head covers them, and every word there is was compared after it; they are not shown.

mod alarm;
mod batch;
mod config;
mod load;
mod place;
mod range;
mod tail;
mod view;
mod words;

use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::Mutex;

pub use alarm::{Alarm, Divergence};
pub(crate) use batch::BatchLog;
pub use config::IndexConfig;
pub(crate) use load::{before, first_block};
pub(crate) use place::placed;
pub use view::event_json;
pub(crate) use view::item as item_name;

use crate::{
    Error,
    chain::{Chain, Header, RawLog},
    replay::{Event, Position, RegistryLog, Replay, Subject},
    store::{BlockRef, EventRow, IndexState, Store},
};

use words::Extent;

/// The index. Clones are one.
#[derive(Clone, Debug)]
pub struct Index {
    store: Store,
    chain: Chain,
    config: IndexConfig,
    alarm: Alarm,
    work: Arc<Mutex<Option<Work>>>,
    published: Arc<RwLock<Option<Published>>>,
}

/// What is known for sure: finalized, and the registry's own.
#[derive(Clone, Debug)]
pub struct Published {
    /// The last block it holds for.
    pub block: BlockRef,
    /// The state after it.
    pub replay: Arc<Replay>,
    /// The last block that was read; above `block` it may be taken back.
    pub tip: u64,
}

/// What the task holds.
#[derive(Debug)]
struct Work {
    state: IndexState,
    /// After the state's block.
    base: Arc<Replay>,
    tail: Vec<TailBlock>,
    /// After the tail.
    tip: Arc<Replay>,
    /// Blocks in the next range.
    span: u64,
    /// Which endpoint is asked for logs.
    source: usize,
    /// How many were asked in vain about the same blocks.
    tries: usize,
}

/// A block that may be taken back.
#[derive(Clone, Debug)]
struct TailBlock {
    header: Header,
    logs: Vec<RegistryLog>,
}

impl Index {
    /// An index that has not been loaded yet.
    pub fn new(store: Store, chain: Chain, config: IndexConfig) -> Self {
        Self {
            store,
            chain,
            alarm: Alarm::new(config.danger_sign_while_diverged),
            config,
            work: Arc::default(),
            published: Arc::default(),
        }
    }

    /// What is known for sure, once there is anything.
    pub fn published(&self) -> Option<Published> {
        self.published
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Tells of a divergence. Clones are one.
    pub fn alarm(&self) -> &Alarm {
        &self.alarm
    }

    /// Takes the next step, whatever it is. Returns whether there was one.
    ///
    /// # Errors
    /// If the database or the chain does not answer: the same step is taken again later.
    pub async fn step(&self) -> Result<bool, Error> {
        let mut slot = self.work.lock().await;
        self.load(&mut slot).await?;
        let Some(work) = slot.as_mut() else {
            return Ok(false);
        };
        let finalized = self.chain.finalized().await?;
        let finalized = BlockRef {
            number: finalized.number,
            hash: finalized.hash,
        };
        let moved = if self.settle(work, finalized).await? {
            true
        } else if work.state.block.number < finalized.number {
            self.read_range(work, finalized).await?
        } else {
            self.read_tail(work).await?
        };
        self.publish(work);
        Ok(moved)
    }

    fn publish(&self, work: &Work) {
        let tip = work.tip_block().number;
        metrics::gauge!("chassis_index_block").set(as_metric(work.state.block.number));
        metrics::gauge!("chassis_index_tip_block").set(as_metric(tip));
        let is_verified = work.state.verified == work.state.block;
        let published = is_verified.then(|| Published {
            block: work.state.block,
            replay: Arc::clone(&work.base),
            tip,
        });
        *self.published.write().unwrap_or_else(PoisonError::into_inner) = published;
    }
}

impl Work {
    fn tip_block(&self) -> BlockRef {
        self.tail.last().map_or(self.state.block, |block| BlockRef {
            number: block.header.number,
            hash: block.header.hash,
        })
    }

    /// What is to be compared with what comes next.
    fn extent(&self) -> Extent {
        if self.state.verified == self.state.block {
            Extent::Logs
        } else {
            Extent::All
        }
    }

    /// The state with a new version.
    fn next_state(&self) -> IndexState {
        IndexState {
            version: self.state.version + 1,
            ..self.state.clone()
        }
    }

    /// What comes after the tail, from the state on.
    fn replay_tail(&mut self) -> Result<(), String> {
        self.tip = Arc::clone(&self.base);
        for block in &self.tail {
            if !block.logs.is_empty() {
                Arc::make_mut(&mut self.tip)
                    .take(&block.logs)
                    .map_err(|error| error.to_string())?;
            }
        }
        Ok(())
    }
}

fn decode(header: &Header, log: &RawLog) -> Result<RegistryLog, String> {
    let at = Position {
        block: header.number,
        block_hash: header.hash,
        time: header.time,
        transaction: log.transaction,
        log_index: log.log_index,
    };
    RegistryLog::decode(at, &log.data).map_err(|error| error.to_string())
}

/// What is stored of logs, and whom each is about.
fn rows(logs: &[RegistryLog], subjects: Vec<Vec<Subject>>) -> Vec<(EventRow, Vec<Subject>)> {
    let rows = logs.iter().map(|log| EventRow {
        at: log.at,
        kind: log.event.name().into(),
        batch: match &log.event {
            Event::BatchPosted(event) => Some(event.batch),
            _ => None,
        },
        data: log.event.log_data(),
    });
    rows.zip(subjects).collect()
}

#[allow(clippy::cast_precision_loss, reason = "for a picture")]
fn as_metric(number: u64) -> f64 {
    number as f64
}
