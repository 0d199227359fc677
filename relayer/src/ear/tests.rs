use chassis_verifier::{AttestationResult, CustodyLevel, Verdict};
use serde_json::{Value, json};

use super::*;

/// An appraisal in which every check passed, but for those that `outcome` says.
fn appraisal(binding: Binding, tcb: u8, outcome: impl Fn(CheckId) -> Option<Outcome>) -> Appraisal {
    let checks = CheckId::ALL.iter().map(|id| Check {
        outcome: outcome(*id).unwrap_or(Outcome::Pass),
        ..Check::pass(*id, "")
    });
    Appraisal {
        checks: checks.collect(),
        verdict: Verdict {
            binding,
            custody: CustodyLevel::None,
            tcb,
            key_in_td: false,
            expiry: 0,
            ttl: 0,
            custody_expiry: 0,
        },
        result: AttestationResult {
            asOf: alloy::primitives::aliases::U40::from(1_700_000_000),
            policyDigest: alloy::primitives::B256::repeat_byte(0xab),
            ..result()
        },
    }
}

fn result() -> AttestationResult {
    use alloy::primitives::{Address, B256, aliases::U40};
    AttestationResult {
        operator: Address::ZERO,
        platformId: B256::ZERO,
        instanceId: B256::ZERO,
        workloadId: B256::ZERO,
        measurementsHash: B256::ZERO,
        sessionKeyHash: B256::ZERO,
        evidenceDigest: B256::ZERO,
        checksRoot: B256::ZERO,
        policyDigest: B256::ZERO,
        endorsementsDigest: B256::ZERO,
        asOf: U40::ZERO,
        evidenceTime: U40::ZERO,
        expiry: U40::ZERO,
        provider: 0,
        teeClass: 1,
        binding: 0,
        custody: 0,
        tcb: 0,
        flags: 0,
    }
}

fn machine(appraisal: &Appraisal) -> Value {
    serde_json::to_value(Ear::from(appraisal)).unwrap()["submods"]["machine"].clone()
}

#[test]
fn a_machine_that_passes_everything_is_affirmed() {
    let ear = serde_json::to_value(Ear::from(&appraisal(Binding::VirtualTpm, 1, |_| None))).unwrap();
    assert_eq!(
        ear,
        json!({
            "eat_profile": "tag:ietf.org,2026:rats/ear#04",
            "iat": 1_700_000_000,
            "ear_verifier_id": {"developer": "Chassis", "build": concat!("chassis ", env!("CARGO_PKG_VERSION"))},
            "submods": {"machine": {
                "ear_status": "affirming",
                "ear_trustworthiness_vector": {
                    "instance-identity": 2, "configuration": 2, "executables": 3, "file-system": 0,
                    "hardware": 2, "runtime-opaque": 2, "storage-opaque": 0, "sourced-data": 0,
                },
                "ear_appraisal_policy_ids": [format!("chassis/v1/policy/0x{}", "ab".repeat(32))],
            }},
        })
    );
}

#[test]
fn one_failed_check_contraindicates_its_claim_and_no_other() {
    for (check, claims) in [
        (CheckId::AkChain, &["instance-identity"][..]),
        (CheckId::QualifyingData, &["instance-identity"]),
        (CheckId::CrossConfiguration, &["configuration"]),
        (CheckId::CrossSystem, &["executables"]),
        (CheckId::Sealed, &["executables"]),
        (CheckId::TdTcb, &["hardware"]),
        (CheckId::TdQuote, &["hardware", "runtime-opaque"]),
        (CheckId::TdDebug, &["configuration", "runtime-opaque"]),
    ] {
        let failed = appraisal(Binding::None, 0, |id| (id == check).then_some(Outcome::Fail));
        let machine = machine(&failed);
        assert_eq!(machine["ear_status"], "contraindicated");
        for (claim, value) in machine["ear_trustworthiness_vector"].as_object().unwrap() {
            assert_eq!(
                value == 96,
                claims.contains(&claim.as_str()),
                "{check:?}, {claim}: {value}"
            );
        }
    }
}

#[test]
fn any_failed_check_contraindicates_the_machine() {
    for check in CheckId::ALL {
        let failed = appraisal(Binding::VirtualTpm, 1, |id| {
            (id == *check).then_some(Outcome::Fail)
        });
        assert_eq!(machine(&failed)["ear_status"], "contraindicated", "{check:?}");
    }
}

#[test]
fn a_question_that_does_not_arise_makes_no_claim() {
    let without_tpm =
        |id: CheckId| (INSTANCE.contains(&id) || EXECUTABLES.contains(&id)).then_some(Outcome::NotApplicable);
    let machine = machine(&appraisal(Binding::Quote, 1, without_tpm));
    assert_eq!(machine["ear_status"], "warning");
    let vector = &machine["ear_trustworthiness_vector"];
    assert_eq!(
        (&vector["instance-identity"], &vector["executables"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(vector["hardware"], 2);

    // One question of many is enough.
    let one = appraisal(Binding::Quote, 1, |id| {
        (id == CheckId::AkKey).then_some(Outcome::NotApplicable)
    });
    assert_eq!(
        self::machine(&one)["ear_trustworthiness_vector"]["instance-identity"],
        0
    );
}

#[test]
fn a_check_that_did_not_run_makes_no_claim() {
    let mut appraisal = appraisal(Binding::VirtualTpm, 1, |_| None);
    appraisal.checks.retain(|check| check.id != CheckId::CrossLoader);
    assert_eq!(
        machine(&appraisal)["ear_trustworthiness_vector"]["executables"],
        0
    );
}

#[test]
fn a_platform_with_known_holes_is_a_warning() {
    for tcb in 2..=6 {
        let machine = machine(&appraisal(Binding::VirtualTpm, tcb, |_| None));
        assert_eq!(machine["ear_trustworthiness_vector"]["hardware"], 32);
        assert_eq!(machine["ear_status"], "warning");
    }
}

#[test]
fn where_nothing_is_established_nothing_is_said() {
    let nothing = appraisal(Binding::None, 0, |_| Some(Outcome::NotApplicable));
    let machine = machine(&nothing);
    assert_eq!(machine["ear_status"], "none");
    let vector = machine["ear_trustworthiness_vector"].as_object().unwrap();
    assert!(vector.values().all(|claim| claim == 0), "{vector:?}");
}
