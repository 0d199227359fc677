//! What handlers answer. `/openapi.json` is made from these types.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256};
use chassis_verifier::CheckId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    registry::IProofOfCloudRegistry::Status,
    store::{BundleRow, Inclusion, State, Warning},
};

/// 32 bytes in hex.
#[derive(ToSchema)]
#[schema(
    pattern = "^0x[0-9a-f]{64}$",
    example = "0x4f1c2d3e4f1c2d3e4f1c2d3e4f1c2d3e4f1c2d3e4f1c2d3e4f1c2d3e4f1c2d3e"
)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct Word(String);

/// An address, checksummed.
#[derive(ToSchema)]
#[schema(
    pattern = "^0x[0-9a-fA-F]{40}$",
    example = "0x90F79bf6EB2c4f870365E785982E1f101E93b906"
)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct AddressText(String);

/// How far a bundle has come, with every check.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct BundleView {
    /// Digest of its evidence.
    #[schema(value_type = Word)]
    pub(super) digest: B256,
    /// Whom it is about.
    #[schema(value_type = AddressText)]
    pub(super) operator: Address,
    /// How far it has come.
    pub(super) state: State,
    /// Why it was rejected, given up, or put back.
    pub(super) reason: Option<String>,
    /// Every check, ascending by id; empty until it is appraised.
    pub(super) checks: Vec<CheckView>,
    /// What the checks add up to.
    pub(super) verdict: Option<VerdictView>,
    /// Digest of the result, which is what relayers sign.
    #[schema(value_type = Option<Word>)]
    pub(super) result: Option<B256>,
    /// The machine.
    #[schema(value_type = Option<Word>)]
    pub(super) platform_id: Option<B256>,
    /// The transaction that carries it, once it is in a block.
    #[schema(value_type = Option<Word>)]
    pub(super) transaction: Option<B256>,
    /// That block.
    pub(super) block_number: Option<u64>,
    /// Gas that the whole transaction used.
    pub(super) gas_used: Option<u64>,
}

/// One check of an appraisal.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct CheckView {
    /// Its number, which never changes.
    id: u16,
    /// Its name.
    #[schema(example = "fresh.anchor")]
    name: String,
    /// What it asks.
    #[serde(default)]
    asks: String,
    /// The answer.
    outcome: Outcome,
    /// What the answer rests on, for machines.
    #[schema(value_type = Object)]
    facts: BTreeMap<String, Value>,
    /// The same for people: what was found, and what to do.
    detail: String,
    /// The entry of the policy that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
}

/// A check's answer.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// Yes.
    Pass,
    /// No: the bundle is rejected.
    Fail,
    /// The question does not arise.
    NotApplicable,
}

/// The two verdicts, and for how long they hold. Times are Unix seconds.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct VerdictView {
    /// One machine, reviewed workload?
    binding: BindingName,
    /// In a data center?
    custody: CustodyName,
    /// TCB status as the registry numbers it.
    tcb: u8,
    /// Whether the workload keeps the operator's key in the TD.
    key_in_td: bool,
    /// Until when.
    expiry: u64,
    /// The policy's lifetime of a binding, seconds.
    ttl: u32,
    /// Until when the claim about custody holds.
    custody_expiry: u64,
}

/// A binding.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
enum BindingName {
    /// Not established.
    None,
    /// A TD quote alone.
    Quote,
    /// TD and virtual TPM, bound to each other.
    VirtualTpm,
    /// TD and the host's TPM, bound to each other.
    Chassis,
}

/// A level of custody.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
enum CustodyName {
    /// Not established.
    None,
    /// People checked.
    Witnessed,
    /// The provider says so about this machine.
    Automated,
}

/// An appraisal, as far as it is shown with a bundle.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    digest: B256,
    platform_id: B256,
    verdict: VerdictView,
    checks: Vec<CheckView>,
}

impl BundleView {
    pub(super) fn new(row: &BundleRow, appraisal: Option<&[u8]>, inclusion: Option<Inclusion>) -> Self {
        let stored = appraisal.and_then(|json| {
            serde_json::from_slice::<Stored>(json)
                .inspect_err(|error| tracing::error!(digest = %row.digest, %error, "a stored appraisal cannot be read"))
                .ok()
        });
        let (mut checks, verdict, result, platform_id) = stored.map_or_else(Default::default, |stored| {
            (
                stored.checks,
                Some(stored.verdict),
                Some(stored.digest),
                Some(stored.platform_id),
            )
        });
        for check in &mut checks {
            let id = CheckId::ALL.iter().find(|id| **id as u16 == check.id);
            check.asks = id.map_or_else(String::new, |id| id.asks().to_owned());
        }
        Self {
            digest: row.digest,
            operator: row.operator,
            state: row.state,
            reason: row.reason.clone(),
            checks,
            verdict,
            result,
            platform_id,
            transaction: inclusion.map(|at| at.hash),
            block_number: inclusion.map(|at| at.block_number),
            gas_used: inclusion.map(|at| at.gas_used),
        }
    }
}

/// What the registry says about an operator, and its latest bundle here. Times are Unix seconds.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct OperatorView {
    /// Who.
    #[schema(value_type = AddressText)]
    pub(super) operator: Address,
    /// By the default requirement.
    pub(super) is_attested: bool,
    /// As the registry names it.
    pub(super) status: StatusName,
    /// The machine.
    #[schema(value_type = Word)]
    pub(super) platform_id: B256,
    /// Until when.
    pub(super) expiry: u64,
    /// Since when without a gap.
    pub(super) attested_since: u64,
    /// The latest bundle that this relayer received.
    pub(super) latest_bundle: Option<BundleView>,
    /// Why its bundle on chain would not be attested so today.
    pub(super) warnings: Vec<WarningView>,
}

/// A bundle on chain that would not be attested so today. Times are Unix seconds.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct WarningView {
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
pub(super) enum StatusName {
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

/// What evidence made now must name.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChallengeView {
    /// The chain.
    pub(super) chain_id: u64,
    /// The registry.
    #[schema(value_type = AddressText)]
    pub(super) registry: Address,
    /// The latest finalized block. Do not believe it: ask your own endpoint for its hash.
    pub(super) block_number: u64,
    /// Its hash.
    #[schema(value_type = Word)]
    pub(super) block_hash: B256,
    /// Its time, Unix seconds.
    pub(super) timestamp: u64,
}

/// Whether bundles would get on chain.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReadyView {
    /// No reason against it.
    pub(super) ready: bool,
    /// Why not.
    pub(super) reasons: Vec<String>,
    /// What does not stop it yet.
    pub(super) warnings: Vec<String>,
}
