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
    words::{LaneWord, PlatformWord, get},
};
use crate::registry::IProofOfCloudRegistry::{BatchPosted, Item, ItemSkipped, PlatformUpdated, Status};

/// How long a freeze keeps a quorum from granting again.
pub(super) const FREEZE_BLOCKS_GRANTS: u64 = 72 * 3600;
const MAX_PROVIDER: u64 = 127;

/// What a report has told before its `BatchPosted`.
#[derive(Clone, Debug, Default)]
pub(super) struct OpenBatch {
    platforms: u32,
    /// The digests.
    pub(super) grants: Vec<B256>,
    has_skips: bool,
    /// What all its entries say.
    issued_at: Option<u64>,
}

impl OpenBatch {
    pub(super) fn is_empty(&self) -> bool {
        self.platforms == 0 && self.grants.is_empty() && !self.has_skips
    }

    pub(super) fn issued(&mut self, at: u64) -> Result<(), Problem> {
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

    fn batch_has_grants(&self) -> bool {
        !self.batch.grants.is_empty()
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
