//! All that a registry stores.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use alloy::primitives::{Address, B256, FixedBytes, U256};

use super::words::{LaneWord, OperatorWord, PlatformWord};

/// How many batch roots are kept.
pub(super) const ROOTS: u64 = 1024;
/// Lane 0 means "none" in an operator's word, so the first slot is never used.
pub(super) const FIRST_LANE: u64 = 8;

/// All that a registry stores, but for its immutables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    pub(super) registry: Address,
    pub(super) control: Control,
    pub(super) head: B256,
    pub(super) batches: u64,
    /// By slot.
    pub(super) lanes: Vec<U256>,
    /// Whose lane it is, from the first lane on.
    pub(super) lane_owners: Vec<Address>,
    pub(super) operators: HashMap<Address, OperatorWord>,
    pub(super) instances: HashMap<B256, Holder>,
    pub(super) platforms: HashMap<B256, Platform>,
    /// By number, from 1.
    pub(super) platform_ids: Vec<B256>,
    /// By number, from 1.
    pub(super) workload_ids: Vec<B256>,
    pub(super) workload_indexes: HashMap<B256, u64>,
    pub(super) relayer_sets: BTreeMap<u32, RelayerSet>,
    pub(super) policies: BTreeSet<B256>,
    pub(super) seats: BTreeMap<Address, u64>,
    /// Freezes put aside, by subject's kind, subject and seat: their time.
    pub(super) older_freezes: BTreeMap<(u8, B256, u64), u64>,
    pub(super) governor: Address,
    pub(super) delays: BTreeMap<FixedBytes<4>, U256>,
    pub(super) executable_at: HashMap<B256, u64>,
    /// What was submitted last, of those functions of which one call waits at a time.
    pub(super) latest: BTreeMap<FixedBytes<4>, B256>,
    pub(super) spent: HashSet<B256>,
    /// By batch modulo [`ROOTS`].
    pub(super) roots: Vec<B256>,
}

/// The word every query reads, opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Control {
    /// No operator at all is attested.
    pub paused: bool,
    /// Bit p: provider p is frozen, or was never admitted.
    pub frozen_providers: u128,
    /// The relayer set in office.
    pub relayer_set: u32,
    /// The next lane to be handed out.
    pub next_lane: u64,
}

/// To whom an instance was granted last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// To whom.
    pub operator: Address,
    /// The grant's `issuedAt`: the operator holds it as long as its word says the same.
    pub issued_at: u64,
}

/// A platform: its word, and the lanes that have no room there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Platform {
    /// The word.
    pub word: PlatformWord,
    /// Lanes past the word's three, ten to a slot.
    pub(super) more: Vec<U256>,
}

/// A relayer set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayerSet {
    /// In the order of their bits in a signer mask.
    pub members: Vec<Address>,
    /// Signatures a report needs.
    pub threshold: u8,
    /// Signatures a freeze needs.
    pub freeze_threshold: u8,
    /// Bit i: member i has been disabled.
    pub disabled: u32,
    /// Unix seconds; 0 = not retired.
    pub retired_at: u64,
}

impl State {
    pub(super) fn new(registry: Address) -> Self {
        Self {
            registry,
            control: Control {
                paused: false,
                frozen_providers: u128::MAX,
                relayer_set: 0,
                next_lane: FIRST_LANE,
            },
            head: B256::ZERO,
            batches: 0,
            lanes: Vec::new(),
            lane_owners: Vec::new(),
            operators: HashMap::new(),
            instances: HashMap::new(),
            platforms: HashMap::new(),
            platform_ids: Vec::new(),
            workload_ids: Vec::new(),
            workload_indexes: HashMap::new(),
            relayer_sets: BTreeMap::new(),
            policies: BTreeSet::new(),
            seats: BTreeMap::new(),
            older_freezes: BTreeMap::new(),
            governor: Address::ZERO,
            delays: BTreeMap::new(),
            executable_at: HashMap::new(),
            latest: BTreeMap::new(),
            spent: HashSet::new(),
            roots: Vec::new(),
        }
    }

    /// The rolling hash over all that changed trust.
    pub fn head(&self) -> B256 {
        self.head
    }

    /// How many batches were applied.
    pub fn batches(&self) -> u64 {
        self.batches
    }

    /// Pause, frozen providers, relayer set, next lane.
    pub fn control(&self) -> Control {
        self.control
    }

    /// Eight lanes as stored.
    pub fn lane_slot(&self, slot: u64) -> U256 {
        let slot = usize::try_from(slot).ok();
        slot.and_then(|slot| self.lanes.get(slot))
            .copied()
            .unwrap_or_default()
    }

    /// One lane.
    pub fn lane(&self, lane: u64) -> LaneWord {
        LaneWord::of_slot(self.lane_slot(lane / 8), lane)
    }

    /// Whose lane it is.
    pub fn lane_owner(&self, lane: u64) -> Option<Address> {
        let place = lane.checked_sub(FIRST_LANE)?;
        self.lane_owners.get(usize::try_from(place).ok()?).copied()
    }

    /// An operator's word; zero if it is unknown.
    pub fn operator(&self, operator: Address) -> OperatorWord {
        self.operators.get(&operator).copied().unwrap_or_default()
    }

    /// Every operator there ever was, in no order.
    pub fn operators(&self) -> impl Iterator<Item = (Address, OperatorWord)> {
        self.operators.iter().map(|(operator, word)| (*operator, *word))
    }

    /// A platform, if it was ever entered, frozen or revoked.
    pub fn platform(&self, id: B256) -> Option<&Platform> {
        self.platforms.get(&id)
    }

    /// The platform with this number, as operators' words have it.
    pub fn platform_id(&self, index: u64) -> Option<B256> {
        numbered(&self.platform_ids, index)
    }

    /// The workload with this number, as operators' words have it.
    pub fn workload_id(&self, index: u64) -> Option<B256> {
        numbered(&self.workload_ids, index)
    }

    /// The lanes that hang on a platform, in the registry's order.
    pub fn platform_lanes(&self, id: B256) -> Vec<u64> {
        let platform = self.platforms.get(&id);
        platform.map_or_else(Vec::new, |p| (0..p.word.count()).map(|i| p.lane(i)).collect())
    }

    /// Who holds an instance.
    pub fn instance_holder(&self, id: B256) -> Option<Address> {
        let holder = self.instances.get(&id)?;
        (self.operator(holder.operator).issued_at() == holder.issued_at).then_some(holder.operator)
    }

    /// Every instance ever granted, in no order.
    pub fn instances(&self) -> impl Iterator<Item = (B256, Holder)> {
        self.instances.iter().map(|(id, holder)| (*id, *holder))
    }

    /// Every platform, in no order.
    pub fn platforms(&self) -> impl Iterator<Item = (B256, &Platform)> {
        self.platforms.iter().map(|(id, platform)| (*id, platform))
    }

    /// The root of a batch, as long as it is kept.
    pub fn batch_root(&self, batch: u64) -> Option<B256> {
        let is_kept = batch < self.batches && self.batches - batch <= ROOTS;
        let place = usize::try_from(batch % ROOTS).ok()?;
        is_kept.then(|| self.roots.get(place).copied())?
    }

    /// Every relayer set there ever was.
    pub fn relayer_sets(&self) -> &BTreeMap<u32, RelayerSet> {
        &self.relayer_sets
    }

    /// The policies in force.
    pub fn policies(&self) -> &BTreeSet<B256> {
        &self.policies
    }

    /// Who governs.
    pub fn governor(&self) -> Address {
        self.governor
    }

    /// Guardians, and their seats.
    pub fn guardians(&self) -> &BTreeMap<Address, u64> {
        &self.seats
    }

    /// Calls that were submitted and neither made nor vetoed, by their hash: from when on they can be made.
    pub fn submitted(&self) -> &HashMap<B256, u64> {
        &self.executable_at
    }

    pub(super) fn set_lane(&mut self, lane: u64, word: LaneWord) {
        // Lanes have 24 bits.
        let slot = usize::try_from(lane / 8).unwrap_or(usize::MAX >> 8);
        if self.lanes.len() <= slot {
            self.lanes.resize(slot + 1, U256::ZERO);
        }
        if let Some(stored) = self.lanes.get_mut(slot) {
            *stored = word.put(*stored, lane);
        }
    }

    /// Takes a lane's expiry. Lane 0 means none.
    pub(super) fn zero_lane(&mut self, lane: u64) {
        if lane != 0 {
            self.set_lane(lane, self.lane(lane).zeroed());
        }
    }

    pub(super) fn set_root(&mut self, batch: u64, root: B256) {
        let place = usize::try_from(batch % ROOTS).unwrap_or_default();
        if self.roots.len() <= place {
            self.roots.resize(place + 1, B256::ZERO);
        }
        if let Some(stored) = self.roots.get_mut(place) {
            *stored = root;
        }
    }
}

/// Numbers are given from 1; 0 means none.
fn numbered(ids: &[B256], index: u64) -> Option<B256> {
    let place = usize::try_from(index.checked_sub(1)?).ok()?;
    ids.get(place).copied()
}
