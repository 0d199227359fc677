//! An operator.

use alloy::primitives::{Address, B256};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{AddressText, BundleView, Word};
use crate::{registry::IProofOfCloudRegistry::Status, store::Warning};

/// What the registry says about an operator, and its latest bundle here. Times are Unix seconds.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct OperatorView {
    /// Who.
    #[schema(value_type = AddressText)]
    pub(in crate::http) operator: Address,
    /// By the default requirement.
    pub(in crate::http) is_attested: bool,
    /// As the registry names it.
    pub(in crate::http) status: StatusName,
    /// The machine.
    #[schema(value_type = Word)]
    pub(in crate::http) platform_id: B256,
    /// Until when.
    pub(in crate::http) expiry: u64,
    /// Since when without a gap.
    pub(in crate::http) attested_since: u64,
    /// The latest bundle that this relayer received.
    pub(in crate::http) latest_bundle: Option<BundleView>,
    /// Why its bundle on chain would not be attested so today.
    pub(in crate::http) warnings: Vec<WarningView>,
}

/// A bundle on chain that would not be attested so today. Times are Unix seconds.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct WarningView {
    /// Digest of its evidence.
    #[schema(value_type = Word)]
    evidence: B256,
    /// Since when.
    since: i64,
    /// When the attestation ends.
    deadline: i64,
    /// Whether it is not renewed.
    bars_renewal: bool,
    /// The checks that would fail, or mean less.
    reasons: Vec<ReasonView>,
}

/// A check that would fail, or mean less.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct ReasonView {
    /// The check's number; 0 where no check failed but a level fell.
    id: u16,
    /// The check's name, or the level's.
    name: String,
    /// What is found now.
    detail: String,
}

impl From<Warning> for WarningView {
    fn from(warning: Warning) -> Self {
        Self {
            evidence: warning.evidence,
            since: warning.since,
            deadline: warning.deadline,
            bars_renewal: warning.bars,
            // Only this program writes them.
            reasons: serde_json::from_str(&warning.reasons).unwrap_or_default(),
        }
    }
}

/// A status in the registry.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::http) enum StatusName {
    /// Never attested.
    Unknown,
    /// Attested.
    Active,
    /// No longer.
    Expired,
    /// By a guardian, for a time.
    Frozen,
    /// For ever.
    Revoked,
    /// By its own wish.
    Deregistered,
    /// As the whole registry.
    Paused,
}

impl From<Status> for StatusName {
    fn from(status: Status) -> Self {
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
