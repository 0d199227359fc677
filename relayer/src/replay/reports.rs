//! What a report's events say it did.

use alloy::{
    primitives::{Address, B256, U256, keccak256},
    sol_types::SolValue,
};
use chassis_verifier::merkle_root;

use super::{
    Replay, Subject,
    error::{Problem, expect},
    head::Kind,
    platform_lanes::places,
    state::Holder,
    words::{LaneWord, OperatorWord, PlatformWord, get},
};
use crate::registry::IProofOfCloudRegistry::{
    BatchPosted, Item, ItemSkipped, OperatorGranted, PlatformUpdated, Status,
};

/// How long a freeze keeps a quorum from granting again.
const FREEZE_BLOCKS_GRANTS: u64 = 72 * 3600;
const MAX_PROVIDER: u64 = 127;

/// What a report has told before its `BatchPosted`.
#[derive(Clone, Debug, Default)]
pub(super) struct OpenBatch {
    platforms: u32,
    /// The digests.
    grants: Vec<B256>,
    has_skips: bool,
    /// What all its entries say.
    issued_at: Option<u64>,
}

impl OpenBatch {
    pub(super) fn is_empty(&self) -> bool {
        self.platforms == 0 && self.grants.is_empty() && !self.has_skips
    }

    fn issued(&mut self, at: u64) -> Result<(), Problem> {
        expect("the report's time", *self.issued_at.get_or_insert(at), at)
    }
}

impl Replay {
    pub(super) fn platform_updated(
        &mut self,
        e: &PlatformUpdated,
        time: u64,
    ) -> Result<Vec<Subject>, Problem> {
        let (id, entered) = (e.platformId, PlatformWord(e.platformWord));
        let old = self.state.platforms.get(&id).map(|p| p.word).unwrap_or_default();
        let is_new = old.index() == 0;
        let next_index = self.state.platform_ids.len() as u64 + 1;
        // Nonce, freezes and lanes stay as they are.
        let expected = old
            .with_index(if is_new { next_index } else { old.index() })
            .with_status_number(Status::Active as u64)
            .with_custody(entered.custody())
            .with_provider(e.provider.into())
            .with_custody_expiry(entered.custody_expiry())
            .with_issued_at(entered.issued_at());
        expect("the platform's word", expected.0, entered.0)?;
        let is_allowed = !self.batch_has_grants()
            && (1..=MAX_PROVIDER).contains(&entered.provider())
            && entered.custody() <= 2
            && entered.issued_at() > old.issued_at()
            && old.status() != Status::Revoked;
        if !is_allowed {
            return Err(Problem::impossible(
                "the entry",
                "one that the rules allow",
                entered.0,
            ));
        }
        if old.status() == Status::Frozen
            && old.lifted() == 0
            && time < old.frozen_at() + FREEZE_BLOCKS_GRANTS
        {
            return Err(Problem::impossible(
                "the platform",
                "an end of its freeze",
                "an entry",
            ));
        }
        self.batch.issued(entered.issued_at())?;
        self.batch.platforms += 1;
        if is_new {
            self.state.platform_ids.push(id);
        } else if entered.provider() != old.provider() || entered.custody() < old.custody() {
            self.state.truncate_lanes(id, 0, time);
        } else if entered.custody_expiry() < old.custody_expiry() {
            self.state.truncate_lanes(id, entered.custody_expiry(), time);
        }
        self.state.platforms.entry(id).or_default().word = entered;
        Ok(vec![Subject::Platform(id)])
    }

    pub(super) fn operator_granted(
        &mut self,
        e: &OperatorGranted,
        time: u64,
    ) -> Result<Vec<Subject>, Problem> {
        let (old, word) = (self.state.operator(e.operator), OperatorWord(e.operatorWord));
        let platform = self
            .state
            .platforms
            .get(&e.platformId)
            .map(|p| p.word)
            .unwrap_or_default();
        if platform.status() != Status::Active {
            return Err(Problem::impossible(
                "the platform's status",
                "active",
                platform.status_number(),
            ));
        }
        let is_new = old.lane() == 0;
        let lane = if is_new {
            self.state.control.next_lane
        } else {
            old.lane()
        };
        let stored = self.state.lane(lane);
        let granted = LaneWord(e.laneWord);
        expect("the lane's word", stored.next(granted.expiry()).0, granted.0)?;
        let goes_on = stored.is_live(time) && word.is_no_more_than(old);
        let expected = word
            .with_lane(lane)
            .with_status_number(Status::Active as u64)
            .with_provider(platform.provider())
            .with_nonce(old.nonce())
            .with_since(if goes_on { old.since() } else { time })
            .with_platform(platform.index())
            .with_workload(self.workload(e.workloadId))
            .with_frozen_by(old.frozen_by())
            .with_frozen_units(old.frozen_units())
            .with_more(old.more());
        expect("the operator's word", expected.0, word.0)?;
        let is_allowed = (1..=3).contains(&word.binding())
            && (word.binding() == 1 || !e.instanceId.is_zero())
            && word.custody() <= platform.custody()
            && (1..=6).contains(&word.tcb())
            && word.tee_class() != 0
            && word.issued_at() > old.issued_at()
            && word.issued_at() >= platform.issued_at()
            && word.evidence_time() <= word.issued_at()
            && (old.status() == Status::Active || word.evidence_time() > old.evidence_time())
            && old.status() != Status::Revoked
            && granted.expiry() <= platform.custody_expiry()
            && granted.expiry() <= word.evidence_time() + word.ttl();
        if !is_allowed {
            return Err(Problem::impossible(
                "the grant",
                "one that the rules allow",
                word.0,
            ));
        }
        if old.status() == Status::Frozen && time < old.since() + FREEZE_BLOCKS_GRANTS {
            return Err(Problem::impossible(
                "the operator",
                "an end of its freeze",
                "a grant",
            ));
        }
        self.instance(e, word, time)?;
        self.batch.issued(word.issued_at())?;
        let left = self.list(e, old, word, time)?;
        if is_new {
            self.state.control.next_lane += 1;
            self.state.lane_owners.push(e.operator);
        }
        if word.workload() > self.state.workload_ids.len() as u64 {
            self.state.workload_ids.push(e.workloadId);
            self.state.workload_indexes.insert(e.workloadId, word.workload());
        }
        self.state.operators.insert(e.operator, word);
        self.state.set_lane(lane, granted);
        self.batch.grants.push(e.digest);
        let here = [Subject::Operator(e.operator), Subject::Platform(e.platformId)];
        Ok(here.into_iter().chain(left.map(Subject::Platform)).collect())
    }

    fn batch_has_grants(&self) -> bool {
        !self.batch.grants.is_empty()
    }

    /// Its number, or the next one.
    fn workload(&self, id: B256) -> u64 {
        if id.is_zero() {
            return 0;
        }
        let known = self.state.workload_indexes.get(&id).copied();
        known.unwrap_or(self.state.workload_ids.len() as u64 + 1)
    }

    /// At most one attested operator per instance.
    fn instance(&mut self, e: &OperatorGranted, word: OperatorWord, time: u64) -> Result<(), Problem> {
        if e.instanceId.is_zero() {
            return Ok(());
        }
        if let Some(holder) = self
            .state
            .instance_holder(e.instanceId)
            .filter(|holder| *holder != e.operator)
        {
            let h = self.state.operator(holder);
            let is_held = match h.status() {
                Status::Revoked => true,
                Status::Frozen => time < h.since() + FREEZE_BLOCKS_GRANTS,
                _ => self.state.lane(h.lane()).is_live(time),
            };
            if is_held {
                return Err(Problem::impossible("the instance's holder", holder, e.operator));
            }
        }
        let holder = Holder {
            operator: e.operator,
            issued_at: word.issued_at(),
        };
        self.state.instances.insert(e.instanceId, holder);
        Ok(())
    }

    /// Hangs the operator's lane on its platform, and takes it off the one it left, which it returns. A lane may also have to
    /// leave a place on the same platform that is not open to it any more.
    fn list(
        &mut self,
        e: &OperatorGranted,
        old: OperatorWord,
        word: OperatorWord,
        time: u64,
    ) -> Result<Option<B256>, Problem> {
        let lane = word.lane();
        let has_moved = old.lane() != 0 && old.platform() != word.platform();
        let places = places(e.instanceId);
        let platform = self.state.platforms.entry(e.platformId).or_default();
        if old.lane() != 0 && !has_moved && platform.find(lane).is_some_and(|place| place < places) {
            return Ok(None);
        }
        let mut platform = platform.clone();
        let Some(place) = self.state.find_place(&platform, places, time) else {
            return Err(Problem::impossible(
                "the platform",
                "a free place",
                format!("{places} attested operators"),
            ));
        };
        if old.lane() != 0 && !has_moved {
            platform.remove(lane);
        }
        platform.place_lane(place, lane);
        self.state.platforms.insert(e.platformId, platform);
        let left = if has_moved {
            self.state.platform_id(old.platform())
        } else {
            None
        };
        if let Some(left) = left.and_then(|left| self.state.platforms.get_mut(&left)) {
            left.remove(lane);
        }
        Ok(left)
    }

    pub(super) fn item_skipped(&mut self, e: &ItemSkipped) -> Vec<Subject> {
        self.batch.has_skips = true;
        let subject = match e.kind {
            Item::Platform => Some(Subject::Platform(e.subject)),
            Item::Grant => Some(Subject::Operator(Address::from_word(e.subject))),
            Item::Renewal => {
                let lane = u64::try_from(U256::from_be_bytes(e.subject.0)).ok();
                lane.and_then(|lane| self.state.lane_owner(lane))
                    .map(Subject::Operator)
            }
            Item::__Invalid => None,
        };
        subject.into_iter().collect()
    }

    pub(super) fn batch_posted(&mut self, e: &BatchPosted, time: u64) -> Result<Vec<Subject>, Problem> {
        let open = std::mem::take(&mut self.batch);
        expect("the batch's number", self.state.batches, e.batch)?;
        let low: U256 = e.applied & (U256::MAX >> 128_usize);
        let high: U256 = e.applied >> 128_usize;
        let (platforms, grants) = (low.count_ones(), high.count_ones());
        expect("platform entries applied", open.platforms as usize, platforms)?;
        expect("grants applied", open.grants.len(), grants)?;
        let issued_at = get(e.origin, 32, 40);
        expect(
            "the report's time",
            open.issued_at.unwrap_or(issued_at),
            issued_at,
        )?;
        self.signers(e, time)?;

        let renewed = self.renew(e, time)?;
        let digests = open.grants.iter().chain(&e.digests);
        let leaves = digests
            .enumerate()
            .map(|(i, digest)| (U256::from(i), *digest).abi_encode());
        let root = merkle_root(leaves);
        self.state.set_root(e.batch, root);
        self.state.batches += 1;
        let words = (
            e.batch,
            e.policyDigest,
            e.origin,
            e.reportHash,
            e.archive,
            e.applied,
            root,
        );
        let payload = (words, keccak256(&e.renewals)).abi_encode();
        self.move_head(Kind::Batch, &payload, e.head)?;
        Ok(renewed)
    }

    /// The report was one that the registry takes.
    fn signers(&self, e: &BatchPosted, time: u64) -> Result<(), Problem> {
        if !self.state.policies.contains(&e.policyDigest) {
            return Err(Problem::impossible("the policy", "one in force", e.policyDigest));
        }
        let id = u32::try_from(e.origin >> 72_usize).unwrap_or(u32::MAX);
        let Some(set) = self.state.relayer_sets.get(&id) else {
            return Err(Problem::impossible("the relayer set", "a known one", id));
        };
        if set.retired_at != 0 && time >= set.retired_at {
            return Err(Problem::impossible("the relayer set", "one in force", id));
        }
        let mask = get(e.origin, 0, 32);
        let all = (1_u64 << set.members.len().min(32)) - 1;
        if mask & !all != 0
            || mask & u64::from(set.disabled) != 0
            || mask.count_ones() != u32::from(set.threshold)
        {
            let expected = format!("{} of set {id}, none disabled", set.threshold);
            return Err(Problem::impossible("the signers", expected, format!("{mask:#b}")));
        }
        Ok(())
    }

    /// Groups of slot ‖ eight lane words. Each word that is there was applied.
    fn renew(&mut self, e: &BatchPosted, time: u64) -> Result<Vec<Subject>, Problem> {
        let (groups, rest) = e.renewals.as_chunks::<36>();
        expect("bytes beside groups of 36", 0, rest.len())?;
        let mut renewed = Vec::with_capacity(e.digests.len());
        let mut least = 0;
        for group in groups {
            let [words, ..] = group.as_chunks::<4>().0 else {
                continue;
            };
            let slot = u64::from(u32::from_be_bytes(*words));
            if slot < least {
                return Err(Problem::impossible("the slot, at least", least, slot));
            }
            least = slot + 1;
            for (i, word) in (0..).zip(group.as_chunks::<4>().0.iter().skip(1)) {
                let word = LaneWord(u32::from_be_bytes(*word));
                if word.0 != 0 {
                    renewed.push(self.renew_lane(8 * slot + i, word, time)?);
                }
            }
        }
        expect("the renewals' digests", renewed.len(), e.digests.len())?;
        Ok(renewed)
    }

    fn renew_lane(&mut self, lane: u64, word: LaneWord, time: u64) -> Result<Subject, Problem> {
        let stored = self.state.lane(lane);
        let Some(owner) = self.state.lane_owner(lane) else {
            return Err(Problem::impossible("the lane", "one that was handed out", lane));
        };
        if !stored.is_live(time) || stored.generation() != word.generation() || word.0 <= stored.0 {
            let expected = format!("a live word before {:#x} of its generation", word.0);
            return Err(Problem::impossible(
                "the renewed lane",
                expected,
                format!("{:#x}", stored.0),
            ));
        }
        self.state.set_lane(lane, word);
        Ok(Subject::Operator(owner))
    }
}
