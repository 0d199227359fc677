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
        (CheckId::TdPlatform, &["hardware"]),
        (CheckId::TdQuote, &["hardware"]),
        (CheckId::TdDebug, &["runtime-opaque"]),
        (CheckId::HclAk, &["instance-identity"]),
        (CheckId::HostAkPolicy, &["instance-identity"]),
        (CheckId::HostPlatform, &["instance-identity"]),
        (CheckId::HostStack, &["configuration"]),
        (CheckId::Paravisor, &["configuration"]),
        (CheckId::HostLog, &["executables"]),
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

/// Those that say nothing about the machine itself: EAR has no claim about age, consent, form or custody.
const NO_CLAIMS: &[CheckId] = &[
    CheckId::Anchor,
    CheckId::Age,
    CheckId::Consent,
    CheckId::HostRegistry,
    CheckId::CustodyAk,
    CheckId::Zones,
    CheckId::Pzid,
    CheckId::Poe,
    CheckId::Alliance,
    CheckId::Registrar,
    CheckId::Conflict,
    CheckId::Parts,
];

#[test]
fn every_check_belongs_to_one_claim_or_is_listed_as_belonging_to_none() {
    let claims = [&INSTANCE, &CONFIGURATION, &EXECUTABLES, &HARDWARE, &RUNTIME];
    let owned: Vec<CheckId> = claims.into_iter().flat_map(Rule::own).collect();
    for check in CheckId::ALL {
        let places = owned.iter().chain(NO_CLAIMS).filter(|id| *id == check).count();
        assert_eq!(places, 1, "{check:?}");
    }
    for rule in claims {
        let elsewhere = rule.rests_on.iter().all(|id| owned.contains(id));
        assert!(elsewhere, "{:?}", rule.rests_on);
    }
}

#[test]
fn a_quote_that_does_not_verify_says_nothing_about_memory_or_instance() {
    let failed = appraisal(Binding::None, 0, |id| {
        (id == CheckId::TdQuote).then_some(Outcome::Fail)
    });
    let vector = &machine(&failed)["ear_trustworthiness_vector"];
    assert_eq!(vector["runtime-opaque"], 0);
    assert_eq!(vector["instance-identity"], 0);
}

/// Logs can be made up to fit each other; what holds them is the TD's quote, and the quote of a TPM that is known.
#[test]
fn measurements_that_rest_on_nothing_are_not_affirmed() {
    let of_a_virtual_tpm = [OF_A_HOST, OF_A_PARAVISOR].concat();
    let of_a_host = [OF_A_VIRTUAL_TPM, OF_A_CERTIFICATE, OF_A_PARAVISOR].concat();
    for (unasked, key) in [
        (of_a_virtual_tpm, CheckId::AkChain),
        (of_a_host, CheckId::HostAkPolicy),
    ] {
        for id in INSTANCE.needs.iter().chain(INSTANCE.rests_on).chain([&key]) {
            for outcome in [Outcome::Fail, Outcome::NotApplicable] {
                let appraisal = appraisal(Binding::Quote, 1, |check| {
                    if check == *id {
                        return Some(outcome);
                    }
                    unasked.contains(&check).then_some(Outcome::NotApplicable)
                });
                let vector = &machine(&appraisal)["ear_trustworthiness_vector"];
                assert_eq!(
                    (&vector["configuration"], &vector["executables"]),
                    (&json!(0), &json!(0)),
                    "{id:?} {outcome:?}"
                );
            }
        }
    }
}

/// The checks whose question does not arise for a virtual TPM, for a host's, and for one behind a paravisor.
const OF_A_HOST: &[CheckId] = &[
    CheckId::HostPcrs,
    CheckId::HostLog,
    CheckId::HostAkPolicy,
    CheckId::HostAk,
    CheckId::HostPlatform,
    CheckId::HostStack,
];
const OF_A_PARAVISOR: &[CheckId] = &[CheckId::HclReport, CheckId::HclAk, CheckId::Paravisor];
const OF_A_VIRTUAL_TPM: &[CheckId] = &[
    CheckId::AkInstance,
    CheckId::PcrReplay,
    CheckId::CrossConfiguration,
    CheckId::CrossLoader,
    CheckId::CrossSystem,
    CheckId::Pcr0,
    CheckId::Sealed,
];
const OF_A_CERTIFICATE: &[CheckId] = &[CheckId::AkChain, CheckId::AkKeyUsage, CheckId::AkKey];

fn without(lists: &[&[CheckId]], binding: Binding) -> Value {
    let lists: Vec<_> = lists.iter().copied().flatten().copied().collect();
    let appraisal = appraisal(binding, 1, |id| {
        lists.contains(&id).then_some(Outcome::NotApplicable)
    });
    machine(&appraisal)
}

#[test]
fn a_virtual_tpms_key_identifies_its_instance() {
    let machine = without(&[OF_A_HOST, OF_A_PARAVISOR], Binding::VirtualTpm);
    assert_eq!(machine["ear_status"], "affirming");
    let vector = &machine["ear_trustworthiness_vector"];
    assert_eq!(vector["instance-identity"], 2);
    assert_eq!(
        (&vector["configuration"], &vector["executables"]),
        (&json!(2), &json!(3))
    );
}

#[test]
fn a_hosts_key_identifies_it_whoever_vouches_for_the_key() {
    for certificate in [OF_A_CERTIFICATE, &[]] {
        let machine = without(&[OF_A_VIRTUAL_TPM, OF_A_PARAVISOR, certificate], Binding::Chassis);
        assert_eq!(machine["ear_status"], "affirming");
        let vector = &machine["ear_trustworthiness_vector"];
        assert_eq!(vector["instance-identity"], 2);
        assert_eq!(
            (&vector["configuration"], &vector["executables"]),
            (&json!(2), &json!(3))
        );
    }
    // A key that nobody vouches for, or that works under any launch, identifies nothing.
    for missing in [CheckId::HostAk, CheckId::HostAkPolicy] {
        let lists = [OF_A_VIRTUAL_TPM, OF_A_PARAVISOR, OF_A_CERTIFICATE, &[missing]];
        let machine = without(&lists, Binding::Quote);
        assert_eq!(
            machine["ear_trustworthiness_vector"]["instance-identity"], 0,
            "{missing:?}"
        );
    }
}

#[test]
fn a_certified_key_behind_a_paravisor_identifies_its_instance_and_nothing_more() {
    let compared = &OF_A_VIRTUAL_TPM[1..];
    let machine = without(&[OF_A_HOST, compared, &[CheckId::RtmrReplay]], Binding::Quote);
    assert_eq!(machine["ear_status"], "warning");
    let vector = &machine["ear_trustworthiness_vector"];
    assert_eq!(vector["instance-identity"], 2);
    assert_eq!(
        (&vector["configuration"], &vector["executables"]),
        (&json!(0), &json!(0))
    );
    let lists = [OF_A_HOST, compared, &[CheckId::RtmrReplay], OF_A_CERTIFICATE];
    assert_eq!(
        without(&lists, Binding::Quote)["ear_trustworthiness_vector"]["instance-identity"],
        0
    );
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
    let about_the_tpm: Vec<_> = INSTANCE.own().chain(EXECUTABLES.own()).collect();
    let without_tpm = |id: CheckId| about_the_tpm.contains(&id).then_some(Outcome::NotApplicable);
    let machine = machine(&appraisal(Binding::Quote, 1, without_tpm));
    assert_eq!(machine["ear_status"], "warning");
    let vector = &machine["ear_trustworthiness_vector"];
    assert_eq!(
        (&vector["instance-identity"], &vector["executables"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(vector["hardware"], 2);

    // One question of many is enough.
    for id in INSTANCE.needs {
        let machine = without(&[&[*id]], Binding::Quote);
        assert_eq!(
            machine["ear_trustworthiness_vector"]["instance-identity"], 0,
            "{id:?}"
        );
    }
    let one_each = without(&[&[CheckId::AkKey, CheckId::HostAk]], Binding::Quote);
    assert_eq!(one_each["ear_trustworthiness_vector"]["instance-identity"], 0);
}

#[test]
fn a_check_that_did_not_run_makes_no_claim() {
    let mut appraisal = appraisal(Binding::VirtualTpm, 1, |_| None);
    appraisal.checks.retain(|check| check.id != CheckId::Workload);
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
