//! What the registry says about an operator.

use std::fmt;

use serde::Serialize;

use super::interface::IProofOfCloudRegistry::{Attestation, Status};

/// An operator's attestation as stored. Times are Unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// By the default requirement: binding `VirtualTpm`, custody `Witnessed`, TCB up to date.
    pub is_attested: bool,
    /// Where it stands.
    pub status: OnChain,
    /// 0 None, 1 Quote, 2 `VirtualTpm`, 3 Chassis.
    pub binding: u8,
    /// 0 None, 1 Witnessed, 2 Automated.
    pub custody: u8,
    /// 1 is up to date.
    pub tcb: u8,
    /// Whether the operator's key lives in the TD.
    pub key_in_td: bool,
    /// When the evidence of the last grant was made. A renewal does not change it.
    pub evidence_time: u64,
    /// Since when without a gap.
    pub attested_since: u64,
    /// How long the policy lets evidence of this kind live, seconds.
    pub ttl: u64,
    /// Until when it is attested.
    pub expiry: u64,
    /// Its number among lanes, by which renewals name it; 0 if it has none.
    #[serde(skip)]
    pub lane: u32,
}

/// An operator's status in the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum OnChain {
    /// Never attested, or a status that this version does not know.
    Unknown,
    /// Attested.
    Active,
    /// No longer.
    Expired,
    /// It, its platform or its provider was frozen.
    Frozen,
    /// For good, unless governance reinstates it.
    Revoked,
    /// It left by itself.
    Deregistered,
    /// The whole registry is paused.
    Paused,
}

#[cfg(test)]
impl Standing {
    /// Attested until `expiry`; not at all if that is 0.
    pub(crate) fn until(expiry: u64) -> Self {
        Self {
            is_attested: expiry > 0,
            status: OnChain::Active,
            binding: 2,
            custody: 2,
            tcb: 1,
            key_in_td: false,
            evidence_time: 1000,
            attested_since: 1000,
            ttl: 86_400,
            expiry,
            lane: 8,
        }
    }
}

impl Standing {
    pub(super) fn new(stored: &Attestation, is_attested: bool) -> Self {
        Self {
            is_attested,
            status: OnChain::new(stored.status),
            binding: stored.binding,
            custody: stored.custody,
            tcb: stored.tcb,
            key_in_td: stored.flags & 1 == 1,
            evidence_time: stored.evidenceTime.to(),
            attested_since: stored.attestedSince.to(),
            ttl: stored.ttl.into(),
            expiry: stored.expiry.to(),
            lane: stored.lane,
        }
    }
}

impl OnChain {
    /// Whether somebody took the operator out, itself included. Evidence alone does not undo it at once.
    pub fn is_down(self) -> bool {
        matches!(self, Self::Frozen | Self::Revoked | Self::Deregistered)
    }

    fn new(status: Status) -> Self {
        match status {
            Status::Active => Self::Active,
            Status::Expired => Self::Expired,
            Status::Frozen => Self::Frozen,
            Status::Revoked => Self::Revoked,
            Status::Deregistered => Self::Deregistered,
            Status::Paused => Self::Paused,
            Status::Unknown | Status::__Invalid => Self::Unknown,
        }
    }
}

impl fmt::Display for OnChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Unknown => "unknown",
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Frozen => "frozen",
            Self::Revoked => "revoked",
            Self::Deregistered => "deregistered",
            Self::Paused => "paused",
        })
    }
}
