//! What happened, and what was true when: timelines out of the registry's log.
//!
//! A [`History`] takes the log as [`Replay`] does, whole transactions in their order, and refuses what the registry's rules
//! do not allow. Feed it finalized events only: it takes nothing back. From then on it answers, for any time in the past,
//! what `isAttested` and `statusOf` answered at the end of the block of that time ([`History::at`]).
//!
//! - [`OperatorHistory`]: [`Span`]s in which an operator was attested alike, one after the other; between them are gaps.
//!   Renewals lengthen a span, so memory grows with changes, not with renewals. And the changes of its status.
//! - [`PlatformHistory`]: what it was entered as, who froze it, which operators were ever on it.
//! - [`Batch`]: who signed what, some 200 bytes each. [`RelayerHistory`]: in which sets, how many batches.
//! - [`Switch`]: pauses and providers' freezes. They end no span: what is unexpired counts again afterwards. So a span alone
//!   does not say that an operator was attested; [`History::at`] and [`History::stretches`] do.
//!
//! [`History::take`] returns each [`Happening`] in order, for whoever needs every renewal (an audit of one subject, a feed).
//! Times are Unix seconds, those of blocks. Intervals hold their beginning and not their end.

mod batch;
mod control;
mod happening;
mod moment;
mod operator;
mod platform;
mod record;
#[cfg(test)]
pub(crate) mod tests;

use std::{collections::BTreeMap, ops::Bound};

use alloy::primitives::{Address, B256};
use serde::Serialize;

pub use batch::{Batch, Disabled, RelayerHistory, Seat};
pub use control::{Outage, Outages, PolicyChange, Switch};
pub use happening::{By, Granted, Happening, StatusChange, What};
pub use moment::{Floor, Moment, Stretch, Why};
pub use operator::{End, Gap, OperatorHistory, Span, Standing};
pub use platform::{PlatformHistory, Tenure};

use crate::replay::{Position, Replay, State};

/// A registry's history.
#[derive(Clone, Debug)]
pub struct History {
    replay: Replay,
    operators: BTreeMap<Address, OperatorHistory>,
    platforms: BTreeMap<B256, PlatformHistory>,
    relayers: BTreeMap<Address, RelayerHistory>,
    /// By number.
    batches: Vec<Batch>,
    /// In the log's order; the first is the registry's creation.
    switches: Vec<Switch>,
    policies: Vec<PolicyChange>,
    last: Option<Place>,
}

/// Where something stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// The block's number.
    pub block: u64,
    /// The log's index in its block.
    pub log_index: u64,
    /// The block's time.
    pub time: u64,
    /// The transaction.
    pub transaction: B256,
}

impl History {
    /// A registry that is about to be created at this address.
    pub fn new(registry: Address) -> Self {
        Self {
            replay: Replay::new(registry),
            operators: BTreeMap::new(),
            platforms: BTreeMap::new(),
            relayers: BTreeMap::new(),
            batches: Vec::new(),
            switches: Vec::new(),
            policies: Vec::new(),
            last: None,
        }
    }

    /// The registry's state after what was taken.
    pub fn state(&self) -> &State {
        self.replay.state()
    }

    /// The last log that was taken.
    pub fn last(&self) -> Option<Place> {
        self.last
    }

    /// Everybody who was ever granted, frozen or revoked, by address.
    pub fn operators(&self) -> impl Iterator<Item = (Address, &OperatorHistory)> {
        self.operators
            .iter()
            .map(|(operator, history)| (*operator, history))
    }

    /// One of them.
    pub fn operator(&self, operator: Address) -> Option<&OperatorHistory> {
        self.operators.get(&operator)
    }

    /// Every platform that was ever entered, frozen or revoked, by id.
    pub fn platforms(&self) -> impl Iterator<Item = (B256, &PlatformHistory)> {
        self.platforms.iter().map(|(id, history)| (*id, history))
    }

    /// Those after one of them; all without one.
    pub fn platforms_after(&self, id: Option<B256>) -> impl Iterator<Item = (B256, &PlatformHistory)> {
        let from = id.map_or(Bound::Unbounded, Bound::Excluded);
        let rest = self.platforms.range((from, Bound::Unbounded));
        rest.map(|(id, history)| (*id, history))
    }

    /// One of them.
    pub fn platform(&self, id: B256) -> Option<&PlatformHistory> {
        self.platforms.get(&id)
    }

    /// Everybody who was ever in a relayer set, by address.
    pub fn relayers(&self) -> impl Iterator<Item = (Address, &RelayerHistory)> {
        self.relayers.iter().map(|(relayer, history)| (*relayer, history))
    }

    /// One of them.
    pub fn relayer(&self, relayer: Address) -> Option<&RelayerHistory> {
        self.relayers.get(&relayer)
    }

    /// Every batch, by number.
    pub fn batches(&self) -> &[Batch] {
        &self.batches
    }

    /// One of them.
    pub fn batch(&self, number: u64) -> Option<&Batch> {
        self.batches.get(usize::try_from(number).ok()?)
    }

    /// Who signed a batch, in the order of their set.
    pub fn signers(&self, batch: &Batch) -> Vec<Address> {
        self.members(batch.relayer_set, batch.signer_mask)
    }

    /// The members of a set whose bits are in the mask.
    pub fn members(&self, set: u32, mask: u32) -> Vec<Address> {
        record::members(self.state(), set, mask)
    }

    /// When and why the registry's switches were thrown; the first is its creation.
    pub fn switches(&self) -> &[Switch] {
        &self.switches
    }

    /// Policies registered and retired, those of the creation included.
    pub fn policies(&self) -> &[PolicyChange] {
        &self.policies
    }
}

impl Place {
    /// What orders places.
    pub fn key(&self) -> (u64, u64) {
        (self.block, self.log_index)
    }
}

impl From<Position> for Place {
    fn from(at: Position) -> Self {
        Self {
            block: at.block,
            log_index: at.log_index,
            time: at.time,
            transaction: at.transaction,
        }
    }
}
