//! Which lanes hang on a platform: `PlatformLanes.sol`, whose lists are kept place by place.

use alloy::primitives::{B256, U256};

use super::{
    state::{Platform, State},
    words::{LaneWord, PlatformWord, get, set},
};

/// Most operators on one platform.
const MAX_OPERATORS: u64 = 64;
const PER_SLOT: u64 = 10;

/// How many places, from the first, are open to a grant: to one without an instance half of them.
pub(super) fn places(instance: B256) -> u64 {
    if instance.is_zero() {
        MAX_OPERATORS / 2
    } else {
        MAX_OPERATORS
    }
}

impl Platform {
    /// The lane at a place below the count.
    pub(super) fn lane(&self, i: u64) -> u64 {
        match place(i) {
            None => self.word.inline_lane(i),
            Some((slot, shift)) => self.more.get(slot).map_or(0, |word| get(*word, shift, 24)),
        }
    }

    fn set_lane(&mut self, i: u64, lane: u64) {
        let Some((slot, shift)) = place(i) else {
            self.word = self.word.with_inline_lane(i, lane);
            return;
        };
        if self.more.len() <= slot {
            self.more.resize(slot + 1, U256::ZERO);
        }
        if let Some(word) = self.more.get_mut(slot) {
            *word = set(*word, shift, 24, lane);
        }
    }

    /// The lane's place.
    pub(super) fn find(&self, lane: u64) -> Option<u64> {
        (0..self.word.count()).find(|i| self.lane(*i) == lane)
    }

    pub(super) fn place_lane(&mut self, i: u64, lane: u64) {
        self.set_lane(i, lane);
        if i == self.word.count() {
            self.word = self.word.with_count(i + 1);
        }
    }

    /// The last one takes its place.
    pub(super) fn remove(&mut self, lane: u64) {
        let Some(i) = self.find(lane) else { return };
        let last = self.word.count() - 1; // it is on the list, so the count is not zero
        self.set_lane(i, self.lane(last));
        self.set_lane(last, 0);
        self.word = self.word.with_count(last);
    }
}

/// Slot and shift in it of a place beyond the word's own.
fn place(i: u64) -> Option<(usize, usize)> {
    let j = i.checked_sub(PlatformWord::INLINE)?;
    let slot = usize::try_from(j / PER_SLOT).ok()?;
    Some((slot, 24 * usize::try_from(j % PER_SLOT).ok()?))
}

impl State {
    /// A place for one more lane among the first `places`: the end, or where they are full that of an operator which is not
    /// attested.
    pub(super) fn find_place(&self, platform: &Platform, places: u64, time: u64) -> Option<u64> {
        let count = platform.word.count();
        if count < places {
            return Some(count);
        }
        (0..places).find(|i| !self.lane(platform.lane(*i)).is_live(time))
    }

    pub(super) fn zero_lanes(&mut self, id: B256) {
        for lane in self.platform_lanes(id) {
            self.zero_lane(lane);
        }
    }

    /// Cuts every live lane to `limit` and gives it a new generation.
    pub(super) fn truncate_lanes(&mut self, id: B256, limit: u64, time: u64) {
        for lane in self.platform_lanes(id) {
            let word: LaneWord = self.lane(lane);
            if word.is_live(time) {
                self.set_lane(lane, word.next(word.expiry().min(limit)));
            }
        }
    }
}
