//! The registry's log as indexed.

pub(super) mod read;
mod rows;
mod write;

use alloy::primitives::{Address, B256, LogData};

use crate::{
    chain::Header,
    replay::{Position, Subject},
};

/// Where the index stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexState {
    /// Moves with every change.
    pub version: u64,
    /// The registry's chain.
    pub chain_id: u64,
    /// The registry.
    pub registry: Address,
    /// The last finalized block that was read.
    pub block: BlockRef,
    /// The last one after which the rebuilt head was the registry's.
    pub verified: BlockRef,
}

/// A block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockRef {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
}

/// An event as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// Where it stands.
    pub at: Position,
    /// Its name.
    pub kind: String,
    /// Of `BatchPosted`: the batch's number.
    pub batch: Option<u64>,
    /// Topics and data.
    pub data: LogData,
}

/// A step of the index: all of it or nothing.
#[derive(Clone, Debug, Default)]
pub struct IndexChange {
    /// Read blocks and events above this number are taken back.
    pub drop_above: Option<u64>,
    /// Blocks up to this number are final, and no longer needed one by one.
    pub settle_to: Option<u64>,
    /// A block that is not final.
    pub push: Option<Header>,
    /// New events, and whom each is about.
    pub events: Vec<(EventRow, Vec<Subject>)>,
}

/// Which events to list.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// After this block and log index.
    pub after: Option<(u64, u64)>,
    /// Up to this block.
    pub to: u64,
    /// About these, at most two.
    pub subjects: Vec<Subject>,
    /// With this name.
    pub kind: Option<String>,
    /// At most so many.
    pub limit: u32,
    /// None after so many bytes of data; of some, at least one.
    pub bytes: Option<u32>,
}
