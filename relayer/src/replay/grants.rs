//! What a grant's event says it did.

use alloy::primitives::B256;

use super::{
    Replay, Subject,
    error::{Problem, expect},
    platform_lanes::places,
    reports::FREEZE_BLOCKS_GRANTS,
    state::Holder,
    words::{LaneWord, OperatorWord},
};
use crate::registry::IProofOfCloudRegistry::{OperatorGranted, Status};

impl Replay {
    pub(super) fn operator_granted(
        &mut self,
        e: &OperatorGranted,
        time: u64,
    ) -> Result<Vec<Subject>, Problem> {
        let (old, word) = (self.state.operator(e.operator), OperatorWord(e.operatorWord));
        self.check_grant(e, old, word, time)?;
        self.instance(e, word, time)?;
        self.batch.issued(word.issued_at())?;
        let left = self.list(e, old, word, time)?;
        let lane = self.lane_of(old);
        if old.lane() == 0 {
            self.state.control.next_lane += 1;
            self.state.lane_owners.push(e.operator);
        }
        if word.workload() > self.state.workload_ids.len() as u64 {
            self.state.workload_ids.push(e.workloadId);
            self.state.workload_indexes.insert(e.workloadId, word.workload());
        }
        self.state.operators.insert(e.operator, word);
        self.state.set_lane(lane, LaneWord(e.laneWord));
        self.batch.grants.push(e.digest);
        let here = [Subject::Operator(e.operator), Subject::Platform(e.platformId)];
        Ok(here.into_iter().chain(left.map(Subject::Platform)).collect())
    }

    /// That the registry would have taken it, and would have made these words of it.
    fn check_grant(
        &self,
        e: &OperatorGranted,
        old: OperatorWord,
        word: OperatorWord,
        time: u64,
    ) -> Result<(), Problem> {
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
        let lane = self.lane_of(old);
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
        Ok(())
    }

    /// Its lane, or the next one.
    fn lane_of(&self, operator: OperatorWord) -> u64 {
        match operator.lane() {
            0 => self.state.control.next_lane,
            lane => lane,
        }
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
}
