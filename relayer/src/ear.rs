//! An appraisal as an IETF attestation result, so that RATS tools can read it.
//!
//! The claims-set of an EAR (draft-ietf-rats-ear-04 §3, JSON), *not signed*: relayers sign the appraisal's own digest, and
//! the registry counts their signatures. It says less than the appraisal: EAR has no claim about who keeps a machine.
//!
//! The trust vector (draft-ietf-rats-ar4si-09 §2.3; the working group's later text has the same values). A claim is made
//! where its checks passed, is contraindicated (96) where one of them failed, and is not made (0) otherwise: a question
//! that did not arise has shown nothing.
//!
//! | claim | checks | value, where they passed |
//! |---|---|---|
//! | `instance-identity` | 203, 204, 301–305, of a quote that verifies (101), and for a certified key 401–404, for a host's 703, 704; unless 306, 307 or 705 failed | 2, recognized |
//! | `configuration` | for a virtual TPM 601, 604, for a host's 706; unless 1003 failed; of a recognized instance | 2, approved |
//! | `executables` | 502, 1001, and for a virtual TPM 501, 602, 603, 1002, for a host's 701, 702; of a recognized instance | 3, approved at boot: what runs later is not measured |
//! | `file-system` | none | 0 |
//! | `hardware` | 101, 102, 104–106 | 2, genuine; 32, known holes, unless the TCB is up to date |
//! | `runtime-opaque` | 103, of a quote that verifies | 2, encrypted memory |
//! | `storage-opaque` | none | 0 |
//! | `sourced-data` | none | 0 |
//!
//! So an identity is claimed where a key that is proven to be in a TPM signed for this TD, and the TD named that key: a
//! virtual TPM's by its certificate, one behind a paravisor by its certificate and the paravisor's word, a host's by its
//! registrar's word or its IAK's. Without it, logs and registers are anybody's words, so `configuration` and `executables` are
//! not claimed either.
//!
//! Each check belongs to one claim, or to none: those about the evidence's age and consent, its form (902), and who keeps
//! the machine (801–807, 901). A test keeps it so.
//!
//! The status is `contraindicated` where any check at all failed, `none` where nothing is established, `warning` where a
//! claim is one or the binding is only `Quote`, and `affirming` otherwise.

use std::collections::BTreeMap;

use chassis_verifier::{Appraisal, Binding, Check, CheckId, Outcome, Tcb};
use serde::Serialize;

/// An unsigned claims-set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ear {
    #[serde(rename = "eat_profile")]
    profile: &'static str,
    /// The appraisal's own time, so that the same inputs give the same bytes.
    iat: u64,
    #[serde(rename = "ear_verifier_id")]
    verifier: VerifierId,
    submods: BTreeMap<&'static str, Submod>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct VerifierId {
    developer: &'static str,
    build: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Submod {
    #[serde(rename = "ear_status")]
    status: Status,
    #[serde(rename = "ear_trustworthiness_vector")]
    vector: Vector,
    #[serde(rename = "ear_appraisal_policy_ids")]
    policies: [String; 1],
}

/// Trustworthiness tiers (AR4SI §2.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    None,
    Affirming,
    Warning,
    Contraindicated,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Vector {
    instance_identity: u8,
    configuration: u8,
    executables: u8,
    file_system: u8,
    hardware: u8,
    runtime_opaque: u8,
    storage_opaque: u8,
    sourced_data: u8,
}

impl From<&Appraisal> for Ear {
    fn from(appraisal: &Appraisal) -> Self {
        let vector = Vector::of(&appraisal.checks, appraisal.verdict.tcb);
        let submod = Submod {
            status: status(appraisal, vector),
            vector,
            policies: [format!("chassis/v1/policy/{}", appraisal.result.policyDigest)],
        };
        Self {
            profile: PROFILE,
            iat: appraisal.result.asOf.to(),
            verifier: VerifierId {
                developer: "Chassis",
                build: concat!("chassis ", env!("CARGO_PKG_VERSION")),
            },
            submods: BTreeMap::from([("machine", submod)]),
        }
    }
}

impl Vector {
    fn of(checks: &[Check], tcb: u8) -> Self {
        let claim = |rule: &Rule, affirming: u8| rule.value(checks, affirming);
        let hardware = if tcb == Tcb::UpToDate as u8 {
            GENUINE
        } else {
            UNSAFE
        };
        let instance_identity = claim(&INSTANCE, RECOGNIZED);
        // What a TPM measured is worth what is known of that TPM.
        let measured = |rule: &Rule, affirming: u8| match claim(rule, affirming) {
            CONTRAINDICATED => CONTRAINDICATED,
            value if instance_identity == RECOGNIZED => value,
            _ => NO_CLAIM,
        };
        Self {
            instance_identity,
            configuration: measured(&CONFIGURATION, APPROVED),
            executables: measured(&EXECUTABLES, APPROVED_AT_BOOT),
            file_system: NO_CLAIM,
            hardware: claim(&HARDWARE, hardware),
            runtime_opaque: claim(&RUNTIME, ENCRYPTED),
            storage_opaque: NO_CLAIM,
            sourced_data: NO_CLAIM,
        }
    }

    fn warns(self) -> bool {
        let claims = [
            self.instance_identity,
            self.configuration,
            self.executables,
            self.hardware,
            self.runtime_opaque,
        ];
        claims.iter().any(|claim| (32..96).contains(claim))
    }
}

/// The checks that belong to a claim, and how they decide it.
struct Rule {
    /// Each must have passed.
    needs: &'static [CheckId],
    /// All of one list must have passed: the lists are for different machines.
    one_of: &'static [&'static [CheckId]],
    /// None may have failed, but the question need not arise.
    unless: &'static [CheckId],
    /// Checks of other claims, without which this one would say nothing. That they failed is said there.
    rests_on: &'static [CheckId],
}

impl Rule {
    /// The checks that belong to it.
    fn own(&self) -> impl Iterator<Item = CheckId> {
        let alternatives = self.one_of.iter().copied().flatten();
        self.needs.iter().chain(alternatives).chain(self.unless).copied()
    }

    fn value(&self, checks: &[Check], affirming: u8) -> u8 {
        let has = |id: CheckId, outcome: Outcome| {
            checks
                .iter()
                .any(|check| check.id == id && check.outcome == outcome)
        };
        let all_pass = |ids: &[CheckId]| ids.iter().all(|id| has(*id, Outcome::Pass));
        if self.own().any(|id| has(id, Outcome::Fail)) {
            CONTRAINDICATED
        } else if all_pass(self.needs)
            && all_pass(self.rests_on)
            && (self.one_of.is_empty() || self.one_of.iter().any(|ids| all_pass(ids)))
        {
            affirming
        } else {
            NO_CLAIM
        }
    }
}

fn status(appraisal: &Appraisal, vector: Vector) -> Status {
    if appraisal.failed().next().is_some() {
        return Status::Contraindicated;
    }
    match appraisal.verdict.binding {
        Binding::None => Status::None,
        Binding::Quote => Status::Warning,
        Binding::VirtualTpm | Binding::Chassis if vector.warns() => Status::Warning,
        Binding::VirtualTpm | Binding::Chassis => Status::Affirming,
    }
}

/// The `eat_profile` of draft-ietf-rats-ear-04.
const PROFILE: &str = "tag:ietf.org,2026:rats/ear#04";

const NO_CLAIM: u8 = 0;
const RECOGNIZED: u8 = 2;
const APPROVED: u8 = 2;
const APPROVED_AT_BOOT: u8 = 3;
const GENUINE: u8 = 2;
const UNSAFE: u8 = 32;
const ENCRYPTED: u8 = 2;
const CONTRAINDICATED: u8 = 96;

const INSTANCE: Rule = Rule {
    needs: &[
        CheckId::ReportData,
        CheckId::QualifyingData,
        CheckId::TpmQuoteForm,
        CheckId::TpmSignature,
        CheckId::TpmSelection,
        CheckId::TpmPcrDigest,
        CheckId::AkAttributes,
    ],
    one_of: &[
        &[
            CheckId::AkChain,
            CheckId::AkKeyUsage,
            CheckId::AkKey,
            CheckId::AkInstance,
        ],
        &[CheckId::HostAk, CheckId::HostAkPolicy],
    ],
    unless: &[CheckId::HclReport, CheckId::HclAk, CheckId::HostPlatform],
    rests_on: &[CheckId::TdQuote],
};
const CONFIGURATION: Rule = Rule {
    needs: &[],
    one_of: &[
        &[CheckId::CrossConfiguration, CheckId::Pcr0],
        &[CheckId::HostStack],
    ],
    unless: &[CheckId::Paravisor],
    rests_on: &[],
};
const EXECUTABLES: Rule = Rule {
    needs: &[CheckId::RtmrReplay, CheckId::Workload],
    one_of: &[
        &[
            CheckId::PcrReplay,
            CheckId::CrossLoader,
            CheckId::CrossSystem,
            CheckId::Sealed,
        ],
        &[CheckId::HostPcrs, CheckId::HostLog],
    ],
    unless: &[],
    rests_on: &[],
};
const HARDWARE: Rule = Rule {
    needs: &[
        CheckId::TdQuote,
        CheckId::TdTcb,
        CheckId::TdPceId,
        CheckId::TdEvaluation,
        CheckId::TdPlatform,
    ],
    one_of: &[],
    unless: &[],
    rests_on: &[],
};
const RUNTIME: Rule = Rule {
    needs: &[CheckId::TdDebug],
    one_of: &[],
    unless: &[],
    rests_on: &[CheckId::TdQuote],
};

#[cfg(test)]
mod tests;
