//! Whether an operator is attested: what `statusOf` and `isAttested` would say.

use alloy::primitives::{Address, B256};

use crate::{
    history::{Floor, History},
    registry::IProofOfCloudRegistry::Denial,
    replay::OperatorWord,
};

/// What the registry would answer about an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Standing {
    /// `isAttested` is true.
    Attested,
    /// Live, at levels below what `isAttested` demands by default.
    Below,
    /// Its time is over.
    Expired,
    /// It, its platform or its provider.
    Frozen,
    /// It, or its platform.
    Revoked,
    /// By its own wish.
    Deregistered,
    /// As everybody is.
    Paused,
    /// It was never granted.
    Unknown,
}

impl Standing {
    /// All, from the best down.
    pub(crate) const ALL: [Self; 8] = [
        Self::Attested,
        Self::Below,
        Self::Expired,
        Self::Frozen,
        Self::Revoked,
        Self::Deregistered,
        Self::Paused,
        Self::Unknown,
    ];

    /// One word, for addresses and classes of the style sheet.
    pub(crate) fn slug(self) -> &'static str {
        match self {
            Self::Attested => "attested",
            Self::Below => "below",
            Self::Expired => "expired",
            Self::Frozen => "frozen",
            Self::Revoked => "revoked",
            Self::Deregistered => "deregistered",
            Self::Paused => "paused",
            Self::Unknown => "unknown",
        }
    }

    /// By the registry's own reason against the default requirement.
    pub(super) fn of(denial: Denial) -> Self {
        match denial {
            Denial::None => Self::Attested,
            Denial::Paused => Self::Paused,
            Denial::Frozen | Denial::ProviderFrozen => Self::Frozen,
            Denial::Revoked => Self::Revoked,
            Denial::Deregistered => Self::Deregistered,
            Denial::Expired | Denial::ExpiryTooFar => Self::Expired,
            Denial::Unknown | Denial::__Invalid => Self::Unknown,
            _ => Self::Below,
        }
    }

    /// Whether it has a live lane, and nothing against it.
    pub(super) fn is_live(self) -> bool {
        matches!(self, Self::Attested | Self::Below)
    }

    /// The reverse of [`Self::slug`].
    pub(crate) fn of_slug(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.slug() == slug)
    }
}

/// An operator at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operator {
    pub(super) address: Address,
    pub(super) standing: Standing,
    pub(super) word: OperatorWord,
    /// Unix seconds; 0 = none.
    pub(super) expiry: u64,
    pub(super) platform: Option<B256>,
    pub(super) workload: Option<B256>,
}

impl Operator {
    /// At `time`, not before the last event. `None`: the log does not tell of it.
    pub(super) fn at(history: &History, address: Address, time: u64) -> Option<Self> {
        history.operator(address)?;
        let state = history.state();
        let word = state.operator(address);
        Some(Self {
            address,
            standing: Standing::of(history.at(address, time, Floor::DEFAULT).denial),
            word,
            // Lane 0 means none.
            expiry: if word.lane() == 0 {
                0
            } else {
                state.lane(word.lane()).expiry()
            },
            platform: state.platform_id(word.platform()),
            workload: state.workload_id(word.workload()),
        })
    }

    /// Everybody there ever was, by address.
    pub(super) fn all(history: &History, time: u64) -> impl Iterator<Item = Self> {
        history
            .operators()
            .filter_map(move |(address, _)| Self::at(history, address, time))
    }
}
