//! A bundle.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256};
use chassis_verifier::CheckId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{AddressText, Word};
use crate::store::{BundleRow, Inclusion, State};

/// How far a bundle has come, with every check.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct BundleView {
    /// Digest of its evidence.
    #[schema(value_type = Word)]
    pub(in crate::http) digest: B256,
    /// Whom it is about.
    #[schema(value_type = AddressText)]
    pub(in crate::http) operator: Address,
    /// How far it has come.
    pub(in crate::http) state: State,
    /// Why it was rejected, given up, or put back.
    pub(in crate::http) reason: Option<String>,
    /// Every check, ascending by id; empty until it is appraised.
    pub(in crate::http) checks: Vec<CheckView>,
    /// What the checks add up to.
    pub(in crate::http) verdict: Option<VerdictView>,
    /// Digest of the result, which is what relayers sign.
    #[schema(value_type = Option<Word>)]
    pub(in crate::http) result: Option<B256>,
    /// The machine.
    #[schema(value_type = Option<Word>)]
    pub(in crate::http) platform_id: Option<B256>,
    /// The transaction that carries it, once it is in a block.
    #[schema(value_type = Option<Word>)]
    pub(in crate::http) transaction: Option<B256>,
    /// That block.
    pub(in crate::http) block_number: Option<u64>,
    /// Gas that the whole transaction used.
    pub(in crate::http) gas_used: Option<u64>,
}

/// One check of an appraisal.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(in crate::http) struct CheckView {
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
pub(in crate::http) struct VerdictView {
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
    pub(in crate::http) fn new(
        row: &BundleRow,
        appraisal: Option<&[u8]>,
        inclusion: Option<Inclusion>,
    ) -> Self {
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
