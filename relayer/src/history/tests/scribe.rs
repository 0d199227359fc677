//! Writes a registry's log as the registry would: the rules of [`Replay`] say which head follows.

use alloy::{
    primitives::{Address, B256, U256, aliases::U40, keccak256},
    sol_types::SolCall as _,
};

use super::super::{Happening, History};
use crate::{
    registry::{
        IProofOfCloudGovernance::{
            ActionExecuted, ActionSubmitted, OrderExecuted, liftFreezeCall, unpauseCall,
        },
        IProofOfCloudRegistry::{
            Authority, AuthorityChanged, BatchPosted, ControlChanged, OperatorGranted, PlatformUpdated,
            PolicyRegistered, RelayerSetChanged, Status, StatusChanged, Subject as SubjectKind,
        },
    },
    replay::{
        Event, LaneWord, OperatorWord, PlatformWord, Position, Problem, RegistryLog, Replay, State, Subject,
    },
};

pub(crate) const START: u64 = 1_800_000_000;
pub(crate) const HOUR: u64 = 3_600;
const DELAY: u64 = 72 * HOUR;
pub(crate) const PROVIDER: u16 = 3;
pub(crate) const GUARDIAN: Address = Address::repeat_byte(0x6a);
pub(crate) const POLICY: B256 = B256::repeat_byte(0x50);

/// A registry's log under way.
pub(crate) struct Scribe {
    pub(crate) history: History,
    replay: Replay,
    block: u64,
    pub(crate) time: u64,
}

pub(crate) fn operator(n: u8) -> Address {
    Address::repeat_byte(n)
}

pub(crate) fn platform(n: u8) -> B256 {
    B256::repeat_byte(n)
}

pub(crate) fn relayer(n: u8) -> Address {
    Address::repeat_byte(0xe0 + n)
}

impl Scribe {
    /// A registry with three relayers, two of whom must sign.
    pub(crate) fn new() -> Self {
        let mut scribe = Self {
            history: History::new(Address::ZERO),
            replay: Replay::new(Address::ZERO),
            block: 0,
            time: START,
        };
        scribe.transaction(vec![
            delay(liftFreezeCall::SELECTOR),
            delay(unpauseCall::SELECTOR),
            Event::AuthorityChanged(Box::new(AuthorityChanged {
                kind: Authority::Governor,
                subject: GUARDIAN.into_word(),
                value: U256::ZERO,
                actor: GUARDIAN,
                head: B256::ZERO,
            })),
            Event::AuthorityChanged(Box::new(AuthorityChanged {
                kind: Authority::Guardian,
                subject: GUARDIAN.into_word(),
                value: U256::ONE,
                actor: GUARDIAN,
                head: B256::ZERO,
            })),
            Event::PolicyRegistered(Box::new(PolicyRegistered {
                policyDigest: POLICY,
                actor: GUARDIAN,
                head: B256::ZERO,
            })),
            set(1, 0, 0),
            Event::ControlChanged(Box::new(control(false, u128::MAX ^ 1 << PROVIDER, 1))),
        ]);
        scribe
    }

    pub(crate) fn state(&self) -> &State {
        self.replay.state()
    }

    /// A transaction in a block of its own, at [`Scribe::time`]. Heads are made what they must be.
    pub(crate) fn transaction(&mut self, mut events: Vec<Event>) -> Vec<Happening> {
        self.block += 1;
        loop {
            let logs: Vec<_> = (0..).zip(&events).map(|(i, event)| self.log(i, event)).collect();
            let mut replay = self.replay.clone();
            let Err(error) = replay.take(&logs) else {
                self.replay = replay;
                return self.history.take(&logs).unwrap();
            };
            let Problem::Impossible {
                what: "the head",
                expected,
                ..
            } = &*error.problem
            else {
                panic!("{error}")
            };
            let place = usize::try_from(error.log_index).unwrap();
            *head_of(&mut events[place]) = expected.parse().unwrap();
        }
    }

    fn log(&self, log_index: u64, event: &Event) -> RegistryLog {
        let at = Position {
            block: self.block,
            block_hash: keccak256(self.block.to_be_bytes()),
            time: self.time,
            transaction: B256::left_padding_from(&self.block.to_be_bytes()),
            log_index,
        };
        RegistryLog {
            at,
            event: event.clone(),
        }
    }

    pub(crate) fn wait(&mut self, seconds: u64) {
        self.time += seconds;
    }

    /// A platform's entry with this custody for so long.
    pub(crate) fn entry(&self, n: u8, custody: u64, seconds: u64) -> Event {
        let old = self
            .state()
            .platform(platform(n))
            .map(|p| p.word)
            .unwrap_or_default();
        let next = self
            .state()
            .platforms()
            .filter(|(_, p)| p.word.index() != 0)
            .count() as u64
            + 1;
        let word = old
            .with_index(if old.index() == 0 { next } else { old.index() })
            .with_status_number(Status::Active as u64)
            .with_custody(custody)
            .with_provider(PROVIDER.into())
            .with_custody_expiry(self.time + seconds)
            .with_issued_at(self.time);
        Event::PlatformUpdated(Box::new(PlatformUpdated {
            platformId: platform(n),
            provider: PROVIDER,
            platformWord: word.0,
        }))
    }

    /// A grant on a platform that is entered in the same report, or was before.
    pub(crate) fn grant(&self, n: u8, on: u8, entry: Option<&Event>, tcb: u64, seconds: u64) -> Event {
        let platform_word = match entry {
            Some(Event::PlatformUpdated(e)) => PlatformWord(e.platformWord),
            _ => self.state().platform(platform(on)).unwrap().word,
        };
        let old = self.state().operator(operator(n));
        let lane = if old.lane() == 0 {
            self.state().control().next_lane
        } else {
            old.lane()
        };
        let stored = self.state().lane(lane);
        let word = OperatorWord::default()
            .with_lane(lane)
            .with_status_number(Status::Active as u64)
            .with_binding(2)
            .with_custody(platform_word.custody().min(1))
            .with_tcb(tcb)
            .with_tee_class(1)
            .with_provider(PROVIDER.into())
            .with_nonce(old.nonce())
            .with_evidence_time(self.time)
            .with_ttl(86_400)
            .with_issued_at(self.time)
            .with_platform(platform_word.index())
            .with_frozen_by(old.frozen_by())
            .with_frozen_units(old.frozen_units())
            .with_more(old.more());
        let goes_on = stored.is_live(self.time) && word.is_no_more_than(old);
        let word = word.with_since(if goes_on { old.since() } else { self.time });
        Event::OperatorGranted(Box::new(OperatorGranted {
            operator: operator(n),
            platformId: platform(on),
            workloadId: B256::ZERO,
            instanceId: B256::repeat_byte(n ^ 0x80),
            digest: keccak256([n, on]),
            operatorWord: word.0,
            laneWord: stored.next(self.time + seconds).0,
        }))
    }

    /// A batch around platforms' and operators' events, and renewals of operators for so many seconds.
    pub(crate) fn post(
        &mut self,
        mut events: Vec<Event>,
        renewed: &[(u8, u64)],
        mask: u32,
    ) -> Vec<Happening> {
        let count = |name| events.iter().filter(|event| event.name() == name).count();
        let (platforms, grants) = (count("PlatformUpdated"), count("OperatorGranted"));
        let ones = |n: usize| (U256::ONE << n) - U256::ONE;
        let mut lanes: Vec<(u64, LaneWord)> = renewed
            .iter()
            .map(|(n, seconds)| {
                let lane = self.state().operator(operator(*n)).lane();
                let expiry = u32::try_from((self.time + seconds) & !63).unwrap();
                (lane, LaneWord(expiry | self.state().lane(lane).generation()))
            })
            .collect();
        lanes.sort_by_key(|(lane, _)| *lane);
        let mut renewals = Vec::new();
        for group in lanes.chunk_by(|a, b| a.0 / 8 == b.0 / 8) {
            let mut words = [0; 8];
            for (lane, word) in group {
                words[usize::try_from(lane % 8).unwrap()] = word.0;
            }
            renewals.extend(u32::try_from(group[0].0 / 8).unwrap().to_be_bytes());
            renewals.extend(words.iter().flat_map(|word| word.to_be_bytes()));
        }
        events.push(Event::BatchPosted(Box::new(BatchPosted {
            batch: self.state().batches(),
            policyDigest: POLICY,
            origin: U256::from(1) << 72 | U256::from(self.time) << 32 | U256::from(mask),
            reportHash: keccak256(self.time.to_be_bytes()),
            archive: B256::repeat_byte(0xa5),
            applied: ones(platforms) | ones(grants) << 128,
            renewals: renewals.into(),
            digests: lanes
                .iter()
                .map(|(lane, _)| keccak256(lane.to_be_bytes()))
                .collect(),
            head: B256::ZERO,
        })));
        self.transaction(events)
    }

    /// Enters a platform for a month, and grants operators on it for half a day.
    pub(crate) fn enrol(&mut self, operators: &[u8], on: u8) -> Vec<Happening> {
        // Lanes and platforms get their numbers one by one.
        let mut happenings = Vec::new();
        for (i, n) in operators.iter().enumerate() {
            self.wait(1);
            let entry = (i == 0).then(|| self.entry(on, 2, 720 * HOUR));
            let grant = self.grant(*n, on, entry.as_ref(), 1, 12 * HOUR);
            happenings.extend(self.post(entry.into_iter().chain([grant]).collect(), &[], 0b011));
        }
        happenings
    }

    pub(crate) fn status(&self, subject: Subject, to: Status) -> Event {
        let (kind, word, old) = match subject {
            Subject::Operator(o) => (
                SubjectKind::Operator,
                o.into_word(),
                self.state().operator(o).status(),
            ),
            Subject::Platform(id) => {
                let old = self
                    .state()
                    .platform(id)
                    .map_or(Status::Unknown, |p| p.word.status());
                (SubjectKind::Platform, id, old)
            }
        };
        let actor = match subject {
            Subject::Operator(operator) if to == Status::Deregistered => operator,
            _ => GUARDIAN,
        };
        Event::StatusChanged(Box::new(StatusChanged {
            kind,
            subject: word,
            oldStatus: old,
            newStatus: to,
            reason: 17,
            evidenceHash: keccak256("why"),
            actor,
            head: B256::ZERO,
        }))
    }

    /// The control word with these switches.
    pub(crate) fn switch(&self, paused: bool, is_frozen: bool) -> Event {
        let frozen = u128::MAX ^ u128::from(!is_frozen) << PROVIDER;
        Event::ControlChanged(Box::new(control(
            paused,
            frozen,
            self.state().control().relayer_set,
        )))
    }

    /// Submits a timelocked call and waits; returns its execution, after which stands what it does.
    pub(crate) fn ripe(&mut self, call: Vec<u8>) -> Event {
        let selector = alloy::primitives::FixedBytes::from_slice(&call[..4]);
        let id = keccak256(&call);
        self.transaction(vec![Event::ActionSubmitted(Box::new(ActionSubmitted {
            id,
            selector,
            data: call.into(),
            executableAt: U40::from(self.time + DELAY),
        }))]);
        self.wait(DELAY);
        Event::ActionExecuted(Box::new(ActionExecuted {
            id,
            selector,
            actor: GUARDIAN,
        }))
    }
}

/// Stands after what relayers' signatures did.
pub(crate) fn order(mask: u32) -> Event {
    Event::OrderExecuted(Box::new(OrderExecuted {
        digest: keccak256(mask.to_be_bytes()),
        relayerSetId: 1,
        signerMask: mask,
    }))
}

pub(crate) fn set(id: u32, disabled: u32, retired_at: u64) -> Event {
    Event::RelayerSetChanged(Box::new(RelayerSetChanged {
        setId: id,
        members: (0..3).map(relayer).collect(),
        threshold: 2,
        freezeThreshold: 1,
        disabled,
        retiredAt: U40::from(retired_at),
        reason: 4,
        evidenceHash: B256::ZERO,
        actor: GUARDIAN,
        head: B256::ZERO,
    }))
}

fn delay(selector: [u8; 4]) -> Event {
    Event::AuthorityChanged(Box::new(AuthorityChanged {
        kind: Authority::Delay,
        subject: B256::right_padding_from(&selector),
        value: U256::from(DELAY),
        actor: GUARDIAN,
        head: B256::ZERO,
    }))
}

fn control(paused: bool, frozen: u128, relayer_set: u32) -> ControlChanged {
    ControlChanged {
        paused,
        frozenProviders: frozen,
        relayerSetId: relayer_set,
        reason: 5,
        evidenceHash: B256::ZERO,
        actor: GUARDIAN,
        head: B256::ZERO,
    }
}

fn head_of(event: &mut Event) -> &mut B256 {
    match event {
        Event::BatchPosted(e) => &mut e.head,
        Event::StatusChanged(e) => &mut e.head,
        Event::ControlChanged(e) => &mut e.head,
        Event::RelayerSetChanged(e) => &mut e.head,
        Event::PolicyRegistered(e) => &mut e.head,
        Event::AuthorityChanged(e) => &mut e.head,
        other => panic!("{} has no head", other.name()),
    }
}
