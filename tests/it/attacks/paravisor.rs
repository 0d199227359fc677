//! A paravisor between hardware and guest: never more than `Quote`, and only where the policy lets it in.

use chassis_sim::machine::{Machine, MachineSpec, hcl_report};
use chassis_verifier::{
    Appraisal, Binding, CheckId, Outcome, ParavisorReach,
    bundle::{Bundle, Tee},
    challenge::{AkName, challenge, report_data},
    sha256,
};

use crate::world::{World, failed};

/// A modulus of 2,048 bits.
fn modulus() -> String {
    format!("{}Q", "1".repeat(341))
}

fn world() -> (World, Machine) {
    let mut world = World::new();
    world.policy.paravisor_reaches = ParavisorReach::Quote;
    let machine = world.boot(MachineSpec::new("a"));
    (world, machine)
}

/// Evidence of a machine under a paravisor, without its TPM's part; `user_data` is what the guest has it report.
fn bundle(world: &World, machine: &Machine, user_data: impl FnOnce([u8; 64]) -> [u8; 64]) -> Bundle {
    let honest = world.attest(&machine.parts());
    world.tamper(&honest, |evidence| {
        evidence.tpm = None;
        let challenge = challenge(&evidence.anchor, evidence.operator);
        let named = report_data(challenge, AkName::NONE, evidence.session_key_hash);
        let (report, variable_data) =
            hcl_report(&user_data(named), &modulus(), |data| machine.td().td_report(data));
        let mut digest = [0; 64];
        digest[..32].copy_from_slice(sha256(&variable_data).as_slice());
        evidence.tee = Tee::Tdx {
            quote: machine.td_quote(digest).into(),
            ccel: None,
            hcl_report: Some(report.into()),
        };
    })
}

fn outcome(appraisal: &Appraisal, id: CheckId) -> Outcome {
    let check = appraisal.checks.iter().find(|check| check.id == id);
    check.expect("every check is answered").outcome
}

#[test]
fn a_paravisors_td_reaches_quote_and_no_more() {
    let (world, machine) = world();
    let appraisal = world.appraise(&bundle(&world, &machine, |named| named), &machine);
    assert_eq!(failed(&appraisal), []);
    assert_eq!(outcome(&appraisal, CheckId::HclReport), Outcome::Pass);
    assert_eq!(appraisal.verdict.binding, Binding::Quote);
}

#[test]
fn a_paravisor_where_the_policy_wants_none() {
    let (mut world, machine) = world();
    world.policy.paravisor_reaches = ParavisorReach::None;
    let appraisal = world.appraise(&bundle(&world, &machine, |named| named), &machine);
    assert_eq!(failed(&appraisal), [CheckId::Paravisor]);
    assert_eq!(appraisal.verdict.binding, Binding::None);
}

#[test]
fn user_data_of_another_challenge() {
    let (world, machine) = world();
    let appraisal = world.appraise(&bundle(&world, &machine, |_| [7; 64]), &machine);
    assert_eq!(failed(&appraisal), [CheckId::ReportData]);
    assert_eq!(appraisal.verdict.binding, Binding::None);
}

/// A report for the challenge beside a quote that never heard of it.
#[test]
fn variable_data_that_the_quote_does_not_name() {
    let (world, machine) = world();
    let honest = bundle(&world, &machine, |named| named);
    let appraisal = world.appraise(
        &world.tamper(&honest, |evidence| {
            let Tee::Tdx { quote, .. } = &mut evidence.tee;
            *quote = machine.td_quote([3; 64]).into();
        }),
        &machine,
    );
    assert_eq!(failed(&appraisal), [CheckId::ReportData, CheckId::HclReport]);
    assert_eq!(appraisal.verdict.binding, Binding::None);
}

/// The TPM of a rented machine beside a paravisor's report: it is not the key the variable data name.
#[test]
fn a_tpm_that_the_variable_data_do_not_name() {
    let (world, machine) = world();
    let honest = world.attest(&machine.parts());
    let paravisor = bundle(&world, &machine, |named| named);
    let appraisal = world.appraise(
        &world.tamper(&paravisor, |evidence| {
            evidence.tpm.clone_from(&honest.evidence.tpm);
        }),
        &machine,
    );
    let checks = [
        CheckId::ReportData,
        CheckId::QualifyingData,
        CheckId::HclAk,
        CheckId::CrossConfiguration,
        CheckId::CrossLoader,
        CheckId::CrossSystem,
        CheckId::Parts,
    ];
    assert_eq!(failed(&appraisal), checks, "{:#?}", appraisal.checks);
    assert_eq!(appraisal.verdict.binding, Binding::None);
}
