//! Words as the registry stores them. The layouts are drawn in `contracts/src/libraries/`.

use alloy::primitives::U256;

use crate::registry::IProofOfCloudRegistry::Status;

/// Fields of a word: shift and width, in bits.
macro_rules! word {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $get:ident $set:ident $shift:literal $width:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name(pub U256);

        impl $name {
            $(
                $(#[$field_doc])*
                pub fn $get(self) -> u64 {
                    get(self.0, $shift, $width)
                }

                #[allow(dead_code, reason = "fields that nothing changes by themselves")]
                pub(crate) fn $set(self, value: u64) -> Self {
                    Self(set(self.0, $shift, $width, value))
                }
            )*
        }
    };
}

word! {
    /// `OperatorWord.sol`: all about an operator but its expiry, which lies in its lane.
    OperatorWord {
        /// Where its expiry lies; 0 = it was never granted.
        lane with_lane 0 24;
        /// [`Status`] as a number.
        status_number with_status_number 24 3;
        /// How its evidence is bound.
        binding with_binding 27 2;
        /// Who vouches for the place.
        custody with_custody 29 2;
        /// Its TCB level.
        tcb with_tcb 31 3;
        /// 1 = TDX.
        tee_class with_tee_class 34 4;
        /// Bit 0: the key is in the TD.
        flags with_flags 38 8;
        /// Its platform's provider.
        provider with_provider 46 7;
        /// How often its status has changed.
        nonce with_nonce 53 16;
        /// Unix seconds.
        evidence_time with_evidence_time 69 32;
        /// Seconds.
        ttl with_ttl 101 20;
        /// When its status began.
        since with_since 121 32;
        /// `issuedAt` of its last grant.
        issued_at with_issued_at 153 32;
        /// Its platform's number.
        platform with_platform 185 24;
        /// Its workload's number; 0 = none.
        workload with_workload 209 16;
        /// The seat of the guardian who froze it last.
        frozen_by with_frozen_by 225 4;
        /// When that was, in units of 64 s, rounded up.
        frozen_units with_frozen_units 229 26;
        /// 1 = other guardians' freezes have been put aside.
        more with_more 255 1;
    }
}

word! {
    /// `PlatformWord.sol`: a platform, with its first three lanes.
    PlatformWord {
        /// Its number; 0 = no entry was ever applied.
        index with_index 0 24;
        /// [`Status`] as a number.
        status_number with_status_number 24 4;
        /// Who vouches for the place.
        custody with_custody 28 2;
        /// Whose it is.
        provider with_provider 32 8;
        /// How often its status has changed.
        nonce with_nonce 40 32;
        /// Unix seconds.
        custody_expiry with_custody_expiry 72 32;
        /// `issuedAt` of its last entry.
        issued_at with_issued_at 104 32;
        /// When it was last frozen.
        frozen_at with_frozen_at 136 32;
        /// How many lanes hang on it.
        count with_count 168 8;
        /// The seat of the guardian who froze it last; 0 = relayers, or nobody.
        frozen_by with_frozen_by 248 4;
        /// 1 = other guardians' freezes have been put aside.
        more with_more 252 1;
        /// 1 = the last freeze does not block entries any more.
        lifted with_lifted 253 1;
    }
}

impl OperatorWord {
    /// Its stored status: it does not know of expiry, provider or pause.
    pub fn status(self) -> Status {
        status(self.status_number())
    }

    /// When a guardian last froze it, rounded up to 64 s.
    pub fn frozen_at(self) -> u64 {
        self.frozen_units() * 64
    }

    /// Whether a grant of this word says nothing of the operator that was not true before, so that its continuity goes on:
    /// `Grants._isNoMore`.
    pub(crate) fn is_no_more_than(self, old: Self) -> bool {
        self.platform() == old.platform()
            && self.workload() == old.workload()
            && self.tee_class() == old.tee_class()
            && self.binding() <= old.binding()
            && self.custody() <= old.custody()
            && self.tcb() >= old.tcb()
            && self.flags() & !old.flags() == 0
    }

    /// Left Active. The nonce wraps.
    pub(super) fn with_status(self, to: Status, since: u64) -> Self {
        self.with_status_number(to as u64)
            .with_nonce(self.nonce() + 1)
            .with_since(since)
    }

    pub(super) fn with_freezer(self, seat: u64, time: u64, more: bool) -> Self {
        let units = time.saturating_add(63) / 64;
        self.with_frozen_by(seat)
            .with_frozen_units(units)
            .with_more(more.into())
    }
}

impl PlatformWord {
    /// Lanes in the word itself.
    pub(super) const INLINE: u64 = 3;

    /// Its stored status.
    pub fn status(self) -> Status {
        status(self.status_number())
    }

    /// `i` below [`Self::INLINE`].
    pub(super) fn inline_lane(self, i: u64) -> u64 {
        get(self.0, lane_shift(i), 24)
    }

    pub(super) fn with_inline_lane(self, i: u64, lane: u64) -> Self {
        Self(set(self.0, lane_shift(i), 24, lane))
    }

    /// The nonce moves.
    pub(super) fn with_status(self, to: Status) -> Self {
        self.with_status_number(to as u64).with_nonce(self.nonce() + 1)
    }

    pub(super) fn frozen(self, time: u64, seat: u64, more: bool) -> Self {
        let frozen = self
            .with_status(Status::Frozen)
            .with_frozen_at(time)
            .with_frozen_by(seat);
        frozen.with_more(more.into()).with_lifted(0)
    }

    pub(super) fn thawed(self) -> Self {
        self.with_status(Status::Frozen).with_lifted(1)
    }
}

/// A lane: an expiry in units of 64 s (26 bits), then a generation (6 bits).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LaneWord(pub u32);

impl LaneWord {
    const GENERATION: u32 = 63;

    /// `None` if the expiry, rounded down, or the generation has no such form.
    pub(crate) fn new(expiry: u64, generation: u8) -> Option<Self> {
        let (expiry, generation) = (u32::try_from(expiry).ok()?, u32::from(generation));
        (generation <= Self::GENERATION).then_some(Self(expiry & !Self::GENERATION | generation))
    }

    /// Unix seconds; 0 = not attested.
    pub fn expiry(self) -> u64 {
        u64::from(self.0 & !Self::GENERATION)
    }

    /// Moves with every grant and every cut.
    pub fn generation(self) -> u32 {
        self.0 & Self::GENERATION
    }

    /// Whether it expires after this time.
    pub fn is_live(self, time: u64) -> bool {
        self.expiry() > time
    }

    /// After a grant or a cut. The expiry has at most 32 bits.
    pub(crate) fn next(self, expiry: u64) -> Self {
        #[allow(
            clippy::cast_possible_truncation,
            reason = "as the registry does; expiries have 32 bits"
        )]
        let expiry = expiry as u32 & !Self::GENERATION;
        Self(expiry | (self.generation() + 1) & Self::GENERATION)
    }

    /// After a freeze or a deregistration.
    pub(super) fn zeroed(self) -> Self {
        Self(self.generation())
    }

    /// Lane `i` of its slot, counted from the slot's high end.
    pub(super) fn of_slot(slot: U256, i: u64) -> Self {
        let shift = 224 - 32 * (i & 7) as usize;
        Self((slot >> shift).wrapping_to::<u32>())
    }

    /// The slot with lane `i` replaced by this.
    pub(super) fn put(self, slot: U256, i: u64) -> U256 {
        let shift = 224 - 32 * (i & 7) as usize;
        set(slot, shift, 32, u64::from(self.0))
    }
}

/// Status of a field, which is wide enough for numbers that are none.
fn status(number: u64) -> Status {
    u8::try_from(number)
        .ok()
        .and_then(|number| Status::try_from(number).ok())
        .unwrap_or(Status::__Invalid)
}

fn lane_shift(i: u64) -> usize {
    // At most 2: asked for inline lanes only.
    176 + 24 * (i & 3) as usize
}

/// `width` bits, at most 64.
pub(super) fn get(word: U256, shift: usize, width: usize) -> u64 {
    ((word >> shift) & mask(width)).wrapping_to()
}

/// What does not fit into `width` bits is cut off.
pub(super) fn set(word: U256, shift: usize, width: usize, value: u64) -> U256 {
    word & !(mask(width) << shift) | (U256::from(value) & mask(width)) << shift
}

fn mask(width: usize) -> U256 {
    (U256::ONE << width) - U256::ONE
}
