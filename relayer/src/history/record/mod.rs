//! The log, written down: each event once, in the state after it.

mod governance;
mod reports;
mod status;

use alloy::primitives::{Address, B256};

use super::{By, End, Happening, History, Place, What};
use crate::replay::{Event, LaneWord, RegistryLog, Replay, ReplayError, State, Subject};

pub(super) use reports::members;

impl History {
    /// Takes logs in their order, whole transactions only, and returns what happened.
    ///
    /// # Errors
    /// If a log is not what must come next. The history is then of no further use.
    pub fn take(&mut self, logs: &[RegistryLog]) -> Result<Vec<Happening>, ReplayError> {
        // Out of `self`, so that what it shows can be written down there.
        let mut replay = std::mem::replace(&mut self.replay, Replay::new(Address::ZERO));
        let mut happenings = Vec::with_capacity(logs.len());
        let mut result = Ok(());
        for transaction in logs.chunk_by(|a, b| a.at.transaction == b.at.transaction) {
            let is_creation = self.last.is_none();
            result = replay.watch_transaction(transaction, |state, i, about| {
                let mut recorder = Recorder {
                    history: self,
                    state,
                    logs: transaction,
                    i,
                    is_creation,
                    happenings: &mut happenings,
                };
                recorder.write(&about);
            });
            self.last = transaction.last().map(|log| log.at.into());
            if result.is_err() {
                break;
            }
        }
        self.replay = replay;
        result.map(|()| happenings)
    }

    /// A lane has this expiry now, and the same standing.
    fn lengthen(&mut self, operator: Address, time: u64, expiry: u64, batch: Option<u64>) {
        let spans = self.operators.get_mut(&operator).map(|o| &mut o.spans);
        let Some(span) = spans.and_then(|spans| spans.last_mut()) else {
            return;
        };
        span.to = expiry.max(time);
        span.last_batch = batch.unwrap_or(span.last_batch);
        span.renewals += 1;
        span.end = End::Expiry;
    }

    /// A live lane ends sooner. Says whether there was one.
    fn shorten(&mut self, operator: Address, to: u64, end: End) -> bool {
        let spans = self.operators.get_mut(&operator).map(|o| &mut o.spans);
        let Some(span) = spans.and_then(|spans| spans.last_mut()) else {
            return false;
        };
        if span.to <= to {
            return false;
        }
        span.to = to.max(span.from.time);
        span.end = end;
        true
    }
}

/// One event, and what it stands among.
struct Recorder<'a> {
    history: &'a mut History,
    /// After the event.
    state: &'a State,
    /// The transaction's.
    logs: &'a [RegistryLog],
    i: usize,
    is_creation: bool,
    happenings: &'a mut Vec<Happening>,
}

impl Recorder<'_> {
    fn write(&mut self, about: &[Subject]) {
        let Some(log) = self.logs.get(self.i) else { return };
        let at = log.at.into();
        match &log.event {
            Event::PlatformUpdated(e) => self.platform_updated(at, e),
            Event::OperatorGranted(e) => self.operator_granted(at, e),
            Event::ItemSkipped(e) => self.item_skipped(at, e, about),
            Event::BatchPosted(e) => self.batch_posted(at, e, about),
            Event::StatusChanged(e) => self.status_changed(at, e, about),
            Event::ControlChanged(e) => self.control_changed(at, e),
            Event::RelayerSetChanged(e) => self.relayer_set_changed(at, e),
            Event::PolicyRegistered(e) => {
                self.policy(at, e.policyDigest, true, (0, B256::ZERO), e.actor);
            }
            Event::PolicyRetired(e) => {
                self.policy(at, e.policyDigest, false, (e.reason, e.evidenceHash), e.actor);
            }
            Event::AuthorityChanged(_)
            | Event::ActionSubmitted(_)
            | Event::ActionExecuted(_)
            | Event::ActionVetoed(_)
            | Event::OrderExecuted(_)
            | Event::Equivocation(_) => {}
        }
    }

    fn say(&mut self, at: Place, what: What) {
        let batch = match what {
            What::Entered { .. }
            | What::Cut { .. }
            | What::Granted(_)
            | What::Renewed { .. }
            | What::Skipped { .. }
            | What::Posted(_) => self.batch(),
            _ => None,
        };
        self.happenings.push(Happening { at, batch, what });
    }

    /// The batch under way: its own event comes last.
    fn batch(&self) -> Option<u64> {
        self.logs.iter().skip(self.i).find_map(|log| match &log.event {
            Event::BatchPosted(e) => Some(e.batch),
            _ => None,
        })
    }

    fn owners(&self, platform: B256) -> Vec<(Address, LaneWord)> {
        let lanes = self.state.platform_lanes(platform).into_iter();
        lanes
            .filter_map(|lane| Some((self.state.lane_owner(lane)?, self.state.lane(lane))))
            .collect()
    }

    /// In what capacity the event's actor acted; `alone` if by no signatures and no timelocked call.
    fn by(&self, alone: By) -> By {
        if self.is_creation {
            return By::Creator;
        }
        match self.logs.get(self.i + 1).map(|next| &next.event) {
            Some(Event::OrderExecuted(order)) => {
                return By::Relayers {
                    set: order.relayerSetId,
                    mask: order.signerMask,
                };
            }
            Some(Event::Equivocation(_)) => return By::Proof,
            _ => {}
        }
        // A rotation says first which sets it changed.
        let before = self.logs.iter().take(self.i).rev();
        let call = before
            .skip_while(|log| matches!(log.event, Event::RelayerSetChanged(_)))
            .map(|log| &log.event)
            .next();
        match call {
            Some(Event::ActionExecuted(_)) => By::Timelock,
            _ => alone,
        }
    }
}
