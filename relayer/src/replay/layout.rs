//! Where the registry's variables lie: solc's `storageLayout` of `ProofOfCloudRegistry`.

use std::collections::BTreeSet;

use alloy::primitives::{Address, B256, FixedBytes, U256, keccak256};
use alloy_trie::root::storage_root_unhashed;

use super::{
    Event,
    state::{Control, Holder, Platform, ROOTS, RelayerSet, State},
    words::{OperatorWord, set},
};

const CONTROL: u64 = 2;
const HEAD: u64 = 3;
const LANES: u64 = 4;
const OPERATORS: u64 = 5;
const INSTANCES: u64 = 6;
const PLATFORMS: u64 = 7;
const MORE_LANES: u64 = 8;
const PLATFORM_IDS: u64 = 9;
const WORKLOAD_IDS: u64 = 10;
const WORKLOAD_INDEXES: u64 = 11;
const RELAYER_SETS: u64 = 12;
const POLICIES: u64 = 13;
const SEATS: u64 = 14;
const OLDER_FREEZES: u64 = 15;
const GOVERNOR: u64 = 16;
const DELAYS: u64 = 17;
const EXECUTABLE_AT: u64 = 18;
const LATEST: u64 = 19;
const SPENT: u64 = 20;
const FIRST_ROOT: u64 = 21;

impl State {
    /// Every slot that is not zero, in no order.
    pub fn slots(&self) -> impl Iterator<Item = (B256, U256)> {
        let fixed = [(CONTROL, self.control_word()), (HEAD, self.head.into())];
        let fixed = fixed.into_iter().map(|(slot, word)| (plain(slot), word));
        let governor = std::iter::once((plain(GOVERNOR), self.governor_word()));
        let roots = self.roots.iter().enumerate();
        let roots = roots.map(|(i, root)| (plain(FIRST_ROOT + i as u64 % ROOTS), (*root).into()));
        let all = fixed.chain(governor).chain(roots);
        let all = all.chain(self.about_operators()).chain(self.about_platforms());
        all.chain(self.about_authority())
            .filter(|(_, word)| !word.is_zero())
    }

    /// What `eth_getProof` must answer as the registry's `storageHash`: equal roots are equal slots, known and unknown.
    pub fn storage_root(&self) -> B256 {
        storage_root_unhashed(self.slots())
    }

    /// The slots that hold what an event says and no head covers, as they are in this state: the words of platforms,
    /// operators and their lanes, and what those words number.
    pub fn slots_about(&self, event: &Event) -> Vec<(B256, U256)> {
        match event {
            Event::PlatformUpdated(e) => {
                let id = e.platformId;
                let words = self
                    .platforms
                    .get(&id)
                    .map(|platform| platform_words(id, platform));
                // An entry may cut the lanes there.
                let slots: BTreeSet<_> = self.platform_lanes(id).into_iter().map(|lane| lane / 8).collect();
                let lanes = slots.into_iter().map(|slot| self.lane_word(slot));
                words.into_iter().flatten().chain(lanes).collect()
            }
            Event::OperatorGranted(e) => {
                let word = self.operator(e.operator);
                let mut slots = vec![operator_word(e.operator, word), self.lane_word(word.lane() / 8)];
                slots.extend(
                    self.instances
                        .get(&e.instanceId)
                        .map(|holder| instance_word(e.instanceId, *holder)),
                );
                if let Some(id) = self.workload_id(word.workload()) {
                    slots.push((at(U256::from(word.workload()), WORKLOAD_IDS), id.into()));
                }
                slots
            }
            _ => Vec::new(),
        }
    }

    fn lane_word(&self, slot: u64) -> (B256, U256) {
        (at(U256::from(slot), LANES), self.lane_slot(slot))
    }

    fn about_operators(&self) -> impl Iterator<Item = (B256, U256)> {
        let lanes = self.lanes.iter().enumerate();
        let lanes = lanes.map(|(slot, word)| (at(U256::from(slot), LANES), *word));
        let operators = self.operators.iter();
        let operators = operators.map(|(operator, word)| operator_word(*operator, *word));
        let instances = self.instances.iter();
        let instances = instances.map(|(id, holder)| instance_word(*id, *holder));
        let workloads = numbered(&self.workload_ids, WORKLOAD_IDS);
        let indexes = self.workload_indexes.iter();
        let indexes = indexes.map(|(id, index)| (at((*id).into(), WORKLOAD_INDEXES), U256::from(*index)));
        lanes
            .chain(operators)
            .chain(instances)
            .chain(workloads)
            .chain(indexes)
    }

    fn about_platforms(&self) -> impl Iterator<Item = (B256, U256)> {
        let words = self.platforms.iter();
        let words = words.flat_map(|(id, platform)| platform_words(*id, platform));
        words.chain(numbered(&self.platform_ids, PLATFORM_IDS))
    }

    fn about_authority(&self) -> impl Iterator<Item = (B256, U256)> {
        let relayers = self.relayer_sets.iter();
        let relayers =
            relayers.map(|(id, set)| (at(U256::from(*id), RELAYER_SETS), self.relayer_set_word(*id, set)));
        let policies = self
            .policies
            .iter()
            .map(|digest| (at((*digest).into(), POLICIES), U256::ONE));
        let guardians = self.seats.iter();
        let guardians =
            guardians.map(|(guardian, seat)| (at(guardian.into_word().into(), SEATS), U256::from(*seat)));
        let freezes = self.older_freezes.iter().map(|((kind, subject, seat), time)| {
            let subjects: U256 = at(U256::from(*kind), OLDER_FREEZES).into();
            let by_seat: U256 = under((*subject).into(), subjects).into();
            (under(U256::from(*seat), by_seat), U256::from(*time))
        });
        let delays = self.delays.iter();
        let delays = delays.map(|(selector, delay)| (at(word_of(*selector), DELAYS), *delay));
        let actions = self.executable_at.iter();
        let actions = actions.map(|(id, time)| (at((*id).into(), EXECUTABLE_AT), U256::from(*time)));
        let latest = self.latest.iter();
        let latest = latest.map(|(selector, id)| (at(word_of(*selector), LATEST), (*id).into()));
        let spent = self
            .spent
            .iter()
            .map(|digest| (at((*digest).into(), SPENT), U256::ONE));
        relayers
            .chain(policies)
            .chain(guardians)
            .chain(freezes)
            .chain(delays)
            .chain(actions)
            .chain(latest)
            .chain(spent)
    }

    /// `ControlWord.sol`.
    fn control_word(&self) -> U256 {
        let Control {
            paused,
            frozen_providers,
            relayer_set,
            next_lane,
        } = self.control;
        let word = U256::from(paused) | U256::from(frozen_providers) << 1;
        let word = set(word, 129, 16, relayer_set.into());
        let word = set(word, 145, 24, next_lane - 1);
        let word = set(word, 169, 24, self.platform_ids.len() as u64);
        set(word, 193, 16, self.workload_ids.len() as u64)
    }

    /// The governor, and the seats that are taken.
    fn governor_word(&self) -> U256 {
        let taken = self
            .seats
            .values()
            .fold(0, |taken, seat| taken | 1 << (seat & 15));
        set(U256::from_be_bytes(self.governor.into_word().0), 160, 16, taken)
    }

    /// `RelayerSetWord.sol`. The members' contract is the registry's creation with the set's number as its nonce: it
    /// creates nothing else.
    fn relayer_set_word(&self, id: u32, relayers: &RelayerSet) -> U256 {
        let blob = self.registry.create(id.into());
        let word = U256::from_be_bytes(blob.into_word().0);
        let word = set(word, 160, 8, relayers.members.len() as u64);
        let word = set(word, 168, 8, relayers.threshold.into());
        let word = set(word, 176, 8, relayers.freeze_threshold.into());
        let word = set(word, 184, 32, relayers.disabled.into());
        set(word, 216, 40, relayers.retired_at)
    }
}

fn operator_word(operator: Address, word: OperatorWord) -> (B256, U256) {
    (at(operator.into_word().into(), OPERATORS), word.0)
}

fn instance_word(id: B256, holder: Holder) -> (B256, U256) {
    let word = U256::from_be_bytes(holder.operator.into_word().0);
    (at(id.into(), INSTANCES), set(word, 160, 32, holder.issued_at))
}

fn platform_words(id: B256, platform: &Platform) -> impl Iterator<Item = (B256, U256)> {
    let list: U256 = at(id.into(), MORE_LANES).into();
    let more = platform.more.iter().enumerate();
    let more = more.map(move |(i, word)| (under(U256::from(i), list), *word));
    std::iter::once((at(id.into(), PLATFORMS), platform.word.0)).chain(more)
}

fn numbered(ids: &[B256], map: u64) -> impl Iterator<Item = (B256, U256)> {
    let ids = ids.iter().enumerate();
    ids.map(move |(i, id)| (at(U256::from(i + 1), map), (*id).into()))
}

fn word_of(selector: FixedBytes<4>) -> U256 {
    let mut word = B256::ZERO;
    word[..4].copy_from_slice(selector.as_slice());
    word.into()
}

fn plain(slot: u64) -> B256 {
    U256::from(slot).into()
}

/// Where a mapping at `slot` has this key.
fn at(key: U256, slot: u64) -> B256 {
    under(key, U256::from(slot))
}

fn under(key: U256, slot: U256) -> B256 {
    keccak256([key.to_be_bytes::<32>(), slot.to_be_bytes()].as_flattened())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_lie_where_solc_put_them() {
        let layout = include_str!("../../../contracts/snapshots/StorageLayout.txt");
        let slots: Vec<_> = layout
            .lines()
            .skip(1)
            .filter_map(|line| {
                let mut columns = line.split_whitespace();
                let (slot, offset, name) = (columns.next()?, columns.next()?, columns.nth(1)?);
                Some((name, (slot.parse().unwrap(), offset.parse().unwrap())))
            })
            .collect();
        let ours = [
            ("_control", (CONTROL, 0)),
            ("_head", (HEAD, 0)),
            ("_lanes", (LANES, 0)),
            ("_operators", (OPERATORS, 0)),
            ("_instances", (INSTANCES, 0)),
            ("_platforms", (PLATFORMS, 0)),
            ("_moreLanes", (MORE_LANES, 0)),
            ("_platformIds", (PLATFORM_IDS, 0)),
            ("_workloadIds", (WORKLOAD_IDS, 0)),
            ("_workloadIndexes", (WORKLOAD_INDEXES, 0)),
            ("_relayerSets", (RELAYER_SETS, 0)),
            ("_policies", (POLICIES, 0)),
            ("_seats", (SEATS, 0)),
            ("_olderFreezes", (OLDER_FREEZES, 0)),
            ("_governor", (GOVERNOR, 0)),
            ("_takenSeats", (GOVERNOR, 20)),
            ("_delays", (DELAYS, 0)),
            ("_executableAt", (EXECUTABLE_AT, 0)),
            ("_latest", (LATEST, 0)),
            ("_spent", (SPENT, 0)),
            ("_roots", (FIRST_ROOT, 0)),
        ];
        // Before them lie OpenZeppelin's two, which stay empty. Offsets are bytes.
        assert_eq!(slots[2..], ours);
    }
}
