//! The registry's state from its log alone: every slot, and the head.
//!
//! Whoever has the log trusts nobody: what it says must be what the registry's rules allow, and each event that changes
//! trust carries the head that follows from all before it. An event that is unknown, malformed, out of order or
//! impossible is an error that names it. A [`Replay`] that has failed is in the middle of a transaction: throw it away.
//!
//! `contracts/test/utils/LogReplay.sol` says the same in Solidity, and is held against the registry's own storage.
//! Two things the log does not tell: the greatest TTL, and what the signed report asked for where it was not applied.
//! Nor does the head cover everything: the words in `PlatformUpdated` and `OperatorGranted` are checked against the rules
//! here, and against the registry's storage by whoever has a node ([`State::slots`], [`State::storage_root`]).

mod error;
mod governance;
mod grants;
mod head;
mod layout;
mod log;
mod platform_lanes;
mod reports;
mod state;
mod status;
mod words;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use alloy::primitives::{Address, B256, FixedBytes};

pub use error::{Problem, ReplayError};
pub use log::{Event, Position, RegistryLog};
pub use state::{Control, Holder, Platform, RelayerSet, State};
pub use words::{LaneWord, OperatorWord, PlatformWord};

use governance::Action;
use reports::OpenBatch;

/// Whom an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// An operator.
    Operator(Address),
    /// A platform, by its id.
    Platform(B256),
}

/// Takes a registry's log, transaction by transaction, and holds the state after it. Memory grows with operators,
/// platforms and what else is stored, not with the log.
#[derive(Clone, Debug)]
pub struct Replay {
    state: State,
    /// Where the last log stood.
    last: Option<Position>,
    /// The transaction under way is the one that created the registry.
    in_genesis: bool,
    /// Which function each submitted call is of, by the call's hash. The registry does not store it.
    calls: HashMap<B256, FixedBytes<4>>,
    /// The timelocked call under way: its log stands before what it did.
    action: Option<Action>,
    /// What the report under way has told so far.
    batch: OpenBatch,
}

impl Replay {
    /// A registry that is about to be created at this address.
    pub fn new(registry: Address) -> Self {
        Self {
            state: State::new(registry),
            last: None,
            in_genesis: false,
            calls: HashMap::new(),
            action: None,
            batch: OpenBatch::default(),
        }
    }

    /// The state after the last transaction taken.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Where the last log stood.
    pub fn last(&self) -> Option<Position> {
        self.last
    }

    /// Takes logs in their order, whole transactions only. Says for each whom it is about.
    ///
    /// # Errors
    /// If a log is not what must come next. The replay is then of no further use.
    pub fn take(&mut self, logs: &[RegistryLog]) -> Result<Vec<Vec<Subject>>, ReplayError> {
        let mut subjects = Vec::with_capacity(logs.len());
        for transaction in logs.chunk_by(|a, b| a.at.transaction == b.at.transaction) {
            self.watch_transaction(transaction, |_, _, about| subjects.push(about))?;
        }
        Ok(subjects)
    }

    /// Takes one transaction's logs. Shows the state after each, with the log's place among them and whom it is about.
    pub(crate) fn watch_transaction(
        &mut self,
        logs: &[RegistryLog],
        mut see: impl FnMut(&State, usize, Vec<Subject>),
    ) -> Result<(), ReplayError> {
        self.in_genesis = self.last.is_none();
        for (i, log) in logs.iter().enumerate() {
            // An order says so after its effect: its freezes are nobody's, whoever sent it.
            let next = logs.get(i + 1).map(|next| &next.event);
            let is_ordered = matches!(next, Some(Event::OrderExecuted(_)));
            let about = self
                .follows(&log.at)
                .and_then(|()| self.event(log, is_ordered))
                .map_err(|problem| ReplayError::new(log, problem))?;
            self.last = Some(log.at);
            see(&self.state, i, about);
        }
        let Some(last) = logs.last() else { return Ok(()) };
        self.ends().map_err(|problem| ReplayError::new(last, problem))
    }

    fn follows(&self, at: &Position) -> Result<(), Problem> {
        let Some(last) = &self.last else { return Ok(()) };
        if (last.block, last.log_index) >= (at.block, at.log_index) {
            let expected = format!("a log after {} of block {}", last.log_index, last.block);
            return Err(Problem::impossible("its place", expected, "an earlier one"));
        }
        let is_same_block = last.block == at.block;
        if is_same_block && (last.block_hash, last.time) != (at.block_hash, at.time) {
            let expected = format!("block {} of {}", last.block_hash, last.time);
            let found = format!("{} of {}", at.block_hash, at.time);
            return Err(Problem::impossible("its block", expected, found));
        }
        if last.time > at.time {
            return Err(Problem::impossible("its time, at least", last.time, at.time));
        }
        Ok(())
    }

    fn event(&mut self, log: &RegistryLog, is_ordered: bool) -> Result<Vec<Subject>, Problem> {
        let time = log.at.time;
        match &log.event {
            Event::BatchPosted(e) => return self.batch_posted(e, time),
            Event::PlatformUpdated(e) => return self.platform_updated(e, time),
            Event::OperatorGranted(e) => return self.operator_granted(e, time),
            Event::ItemSkipped(e) => return Ok(self.item_skipped(e)),
            Event::StatusChanged(e) => return self.status_changed(e, time, is_ordered),
            Event::ControlChanged(e) => self.control_changed(e)?,
            Event::RelayerSetChanged(e) => self.relayer_set_changed(e)?,
            Event::PolicyRegistered(e) => self.policy_registered(e)?,
            Event::PolicyRetired(e) => self.policy_retired(e)?,
            Event::AuthorityChanged(e) => self.authority_changed(e)?,
            Event::ActionSubmitted(e) => self.submitted(e, time)?,
            Event::ActionExecuted(e) => self.executed(e, time)?,
            Event::ActionVetoed(e) => self.vetoed(e, time)?,
            Event::OrderExecuted(e) => self.ordered(e)?,
            Event::Equivocation(_) => {}
        }
        Ok(Vec::new())
    }

    /// A transaction leaves nothing half done.
    fn ends(&mut self) -> Result<(), Problem> {
        if !self.batch.is_empty() {
            return Err(Problem::impossible(
                "what follows",
                "BatchPosted",
                "the transaction's end",
            ));
        }
        if let Some(action) = self.action.take() {
            let expected = format!("what {action:?} did");
            return Err(Problem::impossible(
                "what follows",
                expected,
                "the transaction's end",
            ));
        }
        if self.in_genesis && self.state.relayer_sets.is_empty() {
            let expected = "the registry's creation: read from its block on";
            return Err(Problem::impossible("the first transaction", expected, "another"));
        }
        Ok(())
    }
}
