//! What an appraisal says: every check by id, two separate verdicts, and the one digest that k relayers sign.

use std::collections::BTreeMap;

use alloy_primitives::{B256, b256};
use alloy_sol_types::SolStruct;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::{AttestationResult, CheckId, canonical::canonical_digest, json::GREATEST_NUMBER};

/// The outcome of one check. The numbers are hashed and posted: they never change meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Outcome {
    /// The evidence shows it.
    Pass = 1,
    /// The evidence does not show it.
    Fail = 2,
    /// The question does not arise for this evidence.
    NotApplicable = 3,
}

/// Machine values a check found, by name. They are hashed, so they must not depend on anything but the inputs.
pub type Facts = BTreeMap<&'static str, Value>;

/// SHA-256 of `{}`: most checks have no facts.
pub(crate) const NO_FACTS: B256 = b256!("44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");

/// One question and its answer.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// Which question. As JSON: `id` and `name`.
    #[serde(flatten)]
    pub id: CheckId,
    /// The answer.
    pub outcome: Outcome,
    /// What the answer rests on, for machines.
    pub facts: Facts,
    /// The same for people. Never hashed.
    pub detail: String,
    /// The entry of the policy that decided, as a path into its TOML: `tcb.accepted`, `workload[2].rtmr1`. Never hashed.
    /// `None` where no policy could decide otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

impl Check {
    /// A check that passed.
    pub fn pass(id: CheckId, detail: impl Into<String>) -> Self {
        Self {
            id,
            outcome: Outcome::Pass,
            facts: Facts::new(),
            detail: detail.into(),
            rule: None,
        }
    }

    /// A check that failed.
    pub fn fail(id: CheckId, detail: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Fail,
            ..Self::pass(id, detail)
        }
    }

    /// A check whose question does not arise.
    pub fn not_applicable(id: CheckId, detail: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::NotApplicable,
            ..Self::pass(id, detail)
        }
    }

    /// Passed, or failed with the reason.
    pub fn from_result<T>(id: CheckId, result: Result<T, impl std::fmt::Display>, passed: &str) -> Self {
        match result {
            Ok(_) => Self::pass(id, passed),
            Err(reason) => Self::fail(id, reason.to_string()),
        }
    }

    /// Adds a machine value. An integer beyond 2^53 becomes a decimal string, as in every document that is hashed.
    #[must_use]
    pub fn fact(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        let value = match value.into() {
            Value::Number(number) if number.as_u64().is_some_and(|n| n > GREATEST_NUMBER) => {
                Value::String(number.to_string())
            }
            value => value,
        };
        self.facts.insert(name, value);
        self
    }

    /// Names the entry of the policy that decided.
    #[must_use]
    pub fn by(mut self, rule: impl Into<String>) -> Self {
        self.rule = Some(rule.into());
        self
    }

    /// SHA-256 of the facts in canonical JSON.
    pub fn facts_hash(&self) -> B256 {
        if self.facts.is_empty() {
            return NO_FACTS;
        }
        // A map of strings, numbers and lists always has a JSON form.
        canonical_digest(&self.facts).unwrap_or_default()
    }
}

/// Do the TD quote and the TPM quote come from one machine that runs a reviewed workload?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[repr(u8)]
pub enum Binding {
    /// Not established.
    None = 0,
    /// A valid TD quote names the operator; no sufficient TPM evidence, or the workload is not reviewed.
    Quote = 1,
    /// DCEA scenario 1: the provider's vTPM, bound in both directions, with event-level cross-check.
    VirtualTpm = 2,
    /// DCEA scenario 2: bare metal, discrete TPM, AK sealed to a TXT-measured host.
    Chassis = 3,
}

/// Is that CPU in a data center?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum CustodyLevel {
    /// Not established.
    #[default]
    None = 0,
    /// People checked.
    Witnessed = 1,
    /// A machine-checked claim by the provider about this very platform.
    Automated = 2,
}

/// The two verdicts, and for how long they hold.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// One machine, reviewed workload?
    #[serde(serialize_with = "as_name")]
    pub binding: Binding,
    /// In a data center?
    #[serde(serialize_with = "as_name")]
    pub custody: CustodyLevel,
    /// TCB status as the registry numbers it, 1 (`UpToDate`) to 6; 0 where no quote verified.
    pub tcb: u8,
    /// Whether the workload keeps the operator's key in the TD.
    pub key_in_td: bool,
    /// Unix seconds, a multiple of 64.
    pub expiry: u64,
    /// The policy's uncapped lifetime of a binding, seconds.
    pub ttl: u32,
    /// How long the claim about custody holds, Unix seconds, a multiple of 64. Not zero where custody is `None`: the registry
    /// gives every platform an entry, and this is its end.
    pub custody_expiry: u64,
}

/// The whole answer.
#[derive(Clone, Debug)]
pub struct Appraisal {
    /// Every check, ascending by id.
    pub checks: Vec<Check>,
    /// What they add up to.
    pub verdict: Verdict,
    /// What relayers sign the digest of.
    pub result: AttestationResult,
}

impl Appraisal {
    /// The EIP-712 struct hash of the result: the digest that is posted.
    pub fn digest(&self) -> B256 {
        self.result.eip712_hash_struct()
    }

    /// The checks that failed.
    pub fn failed(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| check.outcome == Outcome::Fail)
    }

    /// Whether a relayer may sign: nothing failed, and something is established.
    pub fn is_attestable(&self) -> bool {
        self.failed().next().is_none() && self.verdict.binding > Binding::None
    }
}

impl Serialize for Appraisal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct View<'a> {
            attestable: bool,
            digest: B256,
            verdict: &'a Verdict,
            platform_id: B256,
            instance_id: B256,
            workload_id: B256,
            evidence_digest: B256,
            policy_digest: B256,
            endorsements_digest: B256,
            checks_root: B256,
            as_of: u64,
            checks: &'a [Check],
        }
        let result = &self.result;
        View {
            attestable: self.is_attestable(),
            digest: self.digest(),
            verdict: &self.verdict,
            platform_id: result.platformId,
            instance_id: result.instanceId,
            workload_id: result.workloadId,
            evidence_digest: result.evidenceDigest,
            policy_digest: result.policyDigest,
            endorsements_digest: result.endorsementsDigest,
            checks_root: result.checksRoot,
            as_of: result.asOf.to(),
            checks: &self.checks,
        }
        .serialize(serializer)
    }
}

fn as_name<T: std::fmt::Debug, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{value:?}"))
}

#[cfg(test)]
mod tests {
    use alloy_primitives::keccak256;

    use super::*;
    use crate::{canonical::canonical_json, checks_root, sha256};

    fn checks() -> [Check; 2] {
        [
            Check::pass(CheckId::Anchor, "as signers saw it")
                .fact("number", 7)
                .fact("chain", "x"),
            Check::fail(CheckId::Age, "too old").fact("age", 9),
        ]
    }

    #[test]
    fn neither_prose_nor_the_rule_that_decided_is_hashed() {
        let mut said_otherwise = checks();
        for check in &mut said_otherwise {
            check.detail = "im Haus ist's kühl".into();
            check.rule = Some("workload[2].rtmr1".into());
        }
        let hashes = |checks: &[Check]| -> Vec<_> { checks.iter().map(Check::facts_hash).collect() };
        assert_eq!(hashes(&said_otherwise), hashes(&checks()));
        assert_eq!(checks_root(&said_otherwise), checks_root(&checks()));
    }

    #[test]
    fn facts_outcomes_and_ids_are_hashed_in_whatever_order_they_were_found() {
        let [anchor, age] = checks();
        let root = checks_root(&checks());
        let reordered = Check::pass(CheckId::Anchor, "")
            .fact("chain", "x")
            .fact("number", 7);
        assert_eq!(checks_root(&[reordered, age.clone()]), root);

        let fact = anchor.clone().fact("number", 8);
        assert_ne!(checks_root(&[fact, age.clone()]), root);
        let outcome = Check {
            outcome: Outcome::NotApplicable,
            ..anchor.clone()
        };
        assert_ne!(checks_root(&[outcome, age.clone()]), root);
        let id = Check {
            id: CheckId::Consent,
            ..anchor
        };
        assert_ne!(checks_root(&[id, age]), root);
    }

    #[test]
    fn no_facts_hash_as_an_empty_map() {
        assert_eq!(NO_FACTS, sha256(&canonical_json(&Facts::new()).unwrap()));
        let none = Check::pass(CheckId::Age, "");
        assert_eq!(none.facts_hash(), NO_FACTS);
        let one = none.fact("seconds", 1);
        assert_eq!(one.facts_hash(), sha256(br#"{"seconds":1}"#));
        let great = Check::pass(CheckId::Age, "").fact("seconds", (1_u64 << 53) + 1);
        assert_eq!(great.facts_hash(), sha256(br#"{"seconds":"9007199254740993"}"#));
    }

    /// By the definition alone: `keccak256(keccak256(abi.encode(id, outcome, factsHash)))`.
    #[test]
    fn a_check_without_facts_has_the_leaf_of_its_definition() {
        for id in CheckId::ALL {
            for outcome in [Outcome::Pass, Outcome::Fail, Outcome::NotApplicable] {
                let bare = Check {
                    outcome,
                    ..Check::pass(*id, "")
                };
                let word = |number: u16| B256::from(alloy_primitives::U256::from(number));
                let leaf = [word(*id as u16), word(outcome as u16), NO_FACTS];
                let hash = keccak256(keccak256(leaf.concat()));
                assert_eq!(checks_root(std::slice::from_ref(&bare)), hash);
                assert_ne!(checks_root(&[bare.fact("seconds", 1)]), hash);
            }
        }
    }
}
