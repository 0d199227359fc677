//! The log, written down: each event once, in the state after it.

use alloy::primitives::{Address, B256};

use super::{
    Batch, By, Disabled, End, Granted, Happening, History, OperatorHistory, Place, PolicyChange, Seat, Span,
    Standing, StatusChange, Switch, Tenure, What,
};
use crate::{
    registry::IProofOfCloudRegistry::{
        BatchPosted, ControlChanged, ItemSkipped, OperatorGranted, PlatformUpdated, RelayerSetChanged,
        Status, StatusChanged,
    },
    replay::{Event, LaneWord, OperatorWord, PlatformWord, RegistryLog, Replay, ReplayError, State, Subject},
};

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
                let mut page = Page {
                    history: self,
                    state,
                    logs: transaction,
                    i,
                    is_creation,
                    happenings: &mut happenings,
                };
                page.write(&about);
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
struct Page<'a> {
    history: &'a mut History,
    /// After the event.
    state: &'a State,
    /// The transaction's.
    logs: &'a [RegistryLog],
    i: usize,
    is_creation: bool,
    happenings: &'a mut Vec<Happening>,
}

impl Page<'_> {
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

    fn platform_updated(&mut self, at: Place, e: &PlatformUpdated) {
        let word = PlatformWord(e.platformWord);
        let batch = self.batch().unwrap_or_default();
        let entered = Tenure {
            from: at,
            provider: e.provider,
            custody: small(word.custody()),
            custody_expiry: word.custody_expiry(),
            first_batch: batch,
            last_batch: batch,
            entries: 1,
        };
        self.say(
            at,
            What::Entered {
                platform: e.platformId,
                provider: entered.provider,
                custody: entered.custody,
                custody_expiry: entered.custody_expiry,
            },
        );
        let platform = self.history.platforms.entry(e.platformId).or_default();
        let changed = platform.changes.last().map(|change| change.at.key());
        match platform.tenures.last_mut() {
            Some(last)
                if (last.provider, last.custody) == (entered.provider, entered.custody)
                    && changed.is_none_or(|changed| changed < last.from.key()) =>
            {
                last.custody_expiry = entered.custody_expiry;
                last.last_batch = batch;
                last.entries += 1;
            }
            _ => platform.tenures.push(entered),
        }
        for (operator, lane) in self.owners(e.platformId) {
            let to = lane.expiry().max(at.time);
            if self.history.shorten(operator, to, End::PlatformLowered { at }) {
                let (platform, expiry) = (e.platformId, lane.expiry());
                self.say(
                    at,
                    What::Cut {
                        operator,
                        platform,
                        expiry,
                    },
                );
            }
        }
    }

    fn operator_granted(&mut self, at: Place, e: &OperatorGranted) {
        let (word, lane) = (OperatorWord(e.operatorWord), LaneWord(e.laneWord));
        let standing = Standing {
            platform: e.platformId,
            workload: e.workloadId,
            instance: e.instanceId,
            provider: small(word.provider()),
            binding: small(word.binding()),
            custody: small(word.custody()),
            tcb: small(word.tcb()),
            tee_class: small(word.tee_class()),
            flags: small(word.flags()),
        };
        let batch = self.batch();
        let platform = self.history.platforms.entry(e.platformId).or_default();
        platform.operators.insert(e.operator);
        let operator = self.history.operators.entry(e.operator).or_default();
        let last = operator.spans.last();
        let before = last.map(|span| span.standing);
        let is_live = last.is_some_and(|span| span.to > at.time);
        if is_live && before == Some(standing) {
            self.history.lengthen(e.operator, at.time, lane.expiry(), batch);
        } else {
            self.history.shorten(e.operator, at.time, End::Regrant);
            let operator = self.history.operators.entry(e.operator).or_default();
            operator.spans.push(Span {
                from: at,
                to: lane.expiry().max(at.time),
                standing,
                first_batch: batch.unwrap_or_default(),
                last_batch: batch.unwrap_or_default(),
                renewals: 0,
                since: word.since(),
                end: End::Expiry,
            });
        }
        let granted = Granted {
            operator: e.operator,
            standing,
            before,
            after_gap: !is_live,
            digest: e.digest,
            evidence_time: word.evidence_time(),
            expiry: lane.expiry(),
        };
        self.say(at, What::Granted(Box::new(granted)));
    }

    fn item_skipped(&mut self, at: Place, e: &ItemSkipped, about: &[Subject]) {
        let subject = about.first().copied();
        if let Some(Subject::Operator(operator)) = subject
            && let Some(operator) = self.history.operators.get_mut(&operator)
        {
            operator.skipped += 1;
        }
        let (item, reason) = (e.kind, e.reason);
        self.say(
            at,
            What::Skipped {
                item,
                subject,
                reason,
            },
        );
    }

    fn batch_posted(&mut self, at: Place, e: &BatchPosted, about: &[Subject]) {
        for (subject, digest) in about.iter().zip(&e.digests) {
            let Subject::Operator(operator) = *subject else {
                continue;
            };
            let expiry = self.state.lane(self.state.operator(operator).lane()).expiry();
            self.history.lengthen(operator, at.time, expiry, Some(e.batch));
            let digest = *digest;
            self.say(
                at,
                What::Renewed {
                    operator,
                    digest,
                    expiry,
                },
            );
        }
        let batch = Batch {
            number: e.batch,
            at,
            relayer_set: (e.origin >> 72_usize).wrapping_to(),
            signer_mask: e.origin.wrapping_to(),
            issued_at: (e.origin >> 32_usize).wrapping_to::<u64>() & 0xff_ffff_ffff,
            policy: e.policyDigest,
            report: e.reportHash,
            archive: e.archive,
            platforms: e.applied.wrapping_to::<u128>().count_ones(),
            grants: (e.applied >> 128_usize).wrapping_to::<u128>().count_ones(),
            renewals: u32::try_from(e.digests.len()).unwrap_or(u32::MAX),
            skipped: self.skipped_before(),
        };
        self.history.batches.push(batch);
        for relayer in members(self.state, batch.relayer_set, batch.signer_mask) {
            let relayer = self.history.relayers.entry(relayer).or_default();
            relayer.signed += 1;
            relayer.first_batch.get_or_insert(batch.number);
            relayer.last_batch = Some(batch.number);
        }
        self.say(at, What::Posted(batch));
    }

    /// Skipped items of the batch whose `BatchPosted` this is.
    fn skipped_before(&self) -> u32 {
        let before = self.logs.iter().take(self.i).rev();
        let of_batch = before.take_while(|log| !matches!(log.event, Event::BatchPosted(_)));
        let skipped = of_batch.filter(|log| matches!(log.event, Event::ItemSkipped(_)));
        u32::try_from(skipped.count()).unwrap_or(u32::MAX)
    }

    fn status_changed(&mut self, at: Place, e: &StatusChanged, about: &[Subject]) {
        let Some(subject) = about.first().copied() else {
            return;
        };
        let alone = match e.newStatus {
            Status::Deregistered => By::Operator,
            Status::Revoked => By::Governor,
            _ => By::Guardian,
        };
        let change = StatusChange {
            at,
            subject,
            old: e.oldStatus,
            new: e.newStatus,
            reason: e.reason,
            evidence: e.evidenceHash,
            actor: e.actor,
            by: self.by(alone),
        };
        let stopped = match subject {
            Subject::Operator(operator) => {
                let history: &mut OperatorHistory = self.history.operators.entry(operator).or_default();
                history.changes.push(change.clone());
                vec![operator]
            }
            Subject::Platform(id) => {
                let history = self.history.platforms.entry(id).or_default();
                history.changes.push(change.clone());
                self.owners(id)
                    .into_iter()
                    .map(|(operator, _)| operator)
                    .collect()
            }
        };
        if !change.is_lift() {
            for operator in stopped {
                let end = End::Status(Box::new(change.clone()));
                self.history.shorten(operator, at.time, end);
            }
        }
        self.say(at, What::StatusChanged(change));
    }

    fn control_changed(&mut self, at: Place, e: &ControlChanged) {
        let switch = Switch {
            at,
            paused: e.paused,
            frozen_providers: e.frozenProviders,
            relayer_set: e.relayerSetId,
            reason: e.reason,
            evidence: e.evidenceHash,
            actor: e.actor,
            by: self.by(By::Guardian),
        };
        self.history.switches.push(switch.clone());
        self.say(at, What::Switched(switch));
    }

    fn relayer_set_changed(&mut self, at: Place, e: &RelayerSetChanged) {
        let by = self.by(By::Guardian);
        for (index, relayer) in (0..32).zip(&e.members) {
            let seats = &mut self.history.relayers.entry(*relayer).or_default().seats;
            if seats.iter().all(|seat| seat.set != e.setId) {
                seats.push(Seat {
                    set: e.setId,
                    index,
                    from: at,
                    to: None,
                    disabled: None,
                });
            }
            let Some(seat) = seats.iter_mut().find(|seat| seat.set == e.setId) else {
                continue;
            };
            let ends_at: u64 = e.retiredAt.to();
            seat.to = (ends_at != 0).then_some(ends_at);
            if e.disabled >> index & 1 == 1 && seat.disabled.is_none() {
                let (reason, evidence) = (e.reason, e.evidenceHash);
                seat.disabled = Some(Disabled {
                    at,
                    by,
                    reason,
                    evidence,
                });
                self.say(
                    at,
                    What::Disabled {
                        relayer: *relayer,
                        set: e.setId,
                        by,
                        reason,
                        evidence,
                    },
                );
            }
        }
    }

    fn policy(
        &mut self,
        at: Place,
        policy: B256,
        is_registered: bool,
        (reason, evidence): (u16, B256),
        actor: Address,
    ) {
        let change = PolicyChange {
            at,
            policy,
            is_registered,
            reason,
            evidence,
            actor,
            by: self.by(By::Guardian),
        };
        self.history.policies.push(change.clone());
        self.say(at, What::Policy(change));
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

/// The members of a set whose bits are in the mask.
pub(super) fn members(state: &State, set: u32, mask: u32) -> Vec<Address> {
    let set = state.relayer_sets().get(&set);
    let members = set.map_or(&[][..], |set| &set.members);
    let members = members.iter().zip(0..32).filter(|(_, i)| mask >> i & 1 == 1);
    members.map(|(member, _)| *member).collect()
}

/// A field of a word, whose width says that it fits.
fn small<T: TryFrom<u64> + Default>(field: u64) -> T {
    T::try_from(field).unwrap_or_default()
}
