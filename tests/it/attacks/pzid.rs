//! What the host says of which instance a TD is.

use chassis_sim::machine::{MachineSpec, Pzid};
use chassis_verifier::{Appraisal, CheckId, CustodyLevel, Outcome};

use crate::world::{World, failed};

fn spec(name: &str, pzid: Pzid) -> MachineSpec {
    MachineSpec {
        pzid,
        ..MachineSpec::new(name)
    }
}

fn outcome(appraisal: &Appraisal) -> Outcome {
    let check = appraisal
        .checks
        .iter()
        .find(|check| check.id.name() == "custody.pzid");
    check.expect("it is always answered").outcome
}

#[test]
fn an_honest_host_names_its_instance() {
    let world = World::new();
    let machine = world.boot(spec("a", Pzid::Honest));
    let appraisal = world.appraise(&world.attest(&machine.parts()), &machine);
    assert_eq!(failed(&appraisal), []);
    assert_eq!(outcome(&appraisal), Outcome::Pass);
}

/// Nothing that is measured differs; the hosts' word does.
#[test]
fn two_machines_of_one_image_in_one_zone_under_hosts_that_speak() {
    let world = World::new();
    let (td, tpm) = (
        world.boot(spec("td", Pzid::Honest)),
        world.boot(spec("tpm", Pzid::Honest)),
    );
    let appraisal = world.appraise(&world.attest(&world.join(&td, &tpm)), &td);
    assert_eq!(failed(&appraisal), [CheckId::Pzid]);
    assert_eq!(appraisal.verdict.custody, CustodyLevel::None);
}

#[test]
fn a_host_that_names_another_instance() {
    let world = World::new();
    let machine = world.boot(spec("a", Pzid::Of([7; 48])));
    let appraisal = world.appraise(&world.attest(&machine.parts()), &machine);
    assert_eq!(failed(&appraisal), [CheckId::Pzid]);
}

/// Whoever owns a host writes there what he likes.
#[test]
fn a_matching_pzid_under_an_unknown_ppid_counts_for_nothing() {
    let world = World::new();
    let rented = world.boot(MachineSpec::new("rented"));
    let basement = world.boot(spec("td", Pzid::Of(rented.instance().pzid())).in_basement());
    let appraisal = world.appraise(&world.attest(&world.join(&basement, &rented)), &basement);
    assert_eq!(failed(&appraisal), [CheckId::HostRegistry]);
    assert_eq!(outcome(&appraisal), Outcome::NotApplicable);
    assert_eq!(appraisal.verdict.custody, CustodyLevel::None);
}

#[test]
fn a_silent_host_where_the_policy_wants_it_to_speak() {
    let mut world = World::new();
    let machine = world.boot(MachineSpec::new("a"));
    let bundle = world.attest(&machine.parts());
    assert_eq!(failed(&world.appraise(&bundle, &machine)), []);
    world.policy.providers[0].require_pzid = true;
    assert_eq!(failed(&world.appraise(&bundle, &machine)), [CheckId::Pzid]);
}
