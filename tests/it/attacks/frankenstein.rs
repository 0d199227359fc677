//! One machine's TD, another machine's TPM: both genuine, both quotes bound to each other in both directions.

use chassis_sim::{
    firmware::{Image, Shape},
    machine::MachineSpec,
};
use chassis_verifier::{Appraisal, Binding, CheckId, CustodyLevel};

use crate::world::{World, failed};

fn join(world: &World, td: MachineSpec, tpm: MachineSpec) -> Appraisal {
    let (td, tpm) = (world.boot(td), world.boot(tpm));
    world.appraise(&world.attest(&world.join(&td, &tpm)), &td)
}

#[test]
fn another_image() {
    let world = World::new();
    let images = [
        Image::other_kernel(),
        Image::other_cmdline(),
        Image::other_initrd(),
        Image::distribution(),
    ];
    for image in images {
        let name = image.name.clone();
        // The TD must be the reviewed one to be worth anything; the TPM is any rented machine's.
        let appraisal = join(
            &world,
            MachineSpec::new("td"),
            MachineSpec::new("tpm").image(image),
        );
        let failed = failed(&appraisal);
        // Another loader is another entry of db that vouches for it, too.
        let configuration = (name == "distribution").then_some(CheckId::CrossConfiguration);
        let loaded = [CheckId::CrossLoader, CheckId::CrossSystem];
        assert_eq!(
            failed,
            configuration.into_iter().chain(loaded).collect::<Vec<_>>(),
            "{name}"
        );
        assert_eq!(appraisal.verdict.binding, Binding::Quote, "{name}");
    }
}

#[test]
fn another_machine_type() {
    let world = World::new();
    let large = MachineSpec {
        shape: Shape::LARGE,
        ..MachineSpec::new("tpm")
    };
    let appraisal = join(&world, MachineSpec::new("td"), large);
    assert_eq!(failed(&appraisal), [CheckId::CrossConfiguration]);
    assert_eq!(appraisal.verdict.binding, Binding::Quote);
}

#[test]
fn the_tpm_of_a_machine_without_tdx() {
    let world = World::new();
    let ordinary = MachineSpec {
        shape: Shape::ORDINARY,
        ..MachineSpec::new("tpm")
    };
    let appraisal = join(&world, MachineSpec::new("td"), ordinary);
    assert_eq!(failed(&appraisal), [CheckId::Pcr0]);
    assert_eq!(appraisal.verdict.binding, Binding::Quote);
}

#[test]
fn the_same_image_in_another_zone() {
    let world = World::new();
    let appraisal = join(
        &world,
        MachineSpec::new("td"),
        MachineSpec::new("tpm").zone("europe-west4-b"),
    );
    assert_eq!(failed(&appraisal), [CheckId::Zones]);
    assert_eq!(appraisal.verdict.custody, CustodyLevel::None);
}

/// Custody is about the CPU: the rented machine's TPM cannot lend it.
#[test]
fn a_basement_td_with_a_rented_tpm() {
    let world = World::new();
    let appraisal = join(
        &world,
        MachineSpec::new("td").in_basement(),
        MachineSpec::new("tpm"),
    );
    assert_eq!(failed(&appraisal), [CheckId::HostRegistry]);
    assert_eq!(appraisal.verdict.custody, CustodyLevel::None);
}

/// Nothing differs that is measured, so what stops it is that the reviewed image keeps its vTPM to itself: an owner of
/// both machines cannot make the second one quote for the first. Here the simulation does what the image would not.
#[test]
fn the_same_image_in_the_same_zone_stands_and_falls_with_the_seal() {
    let mut world = World::new();
    let parts = (MachineSpec::new("td"), MachineSpec::new("tpm"));
    assert_eq!(failed(&join(&world, parts.0.clone(), parts.1.clone())), []);
    world.policy.workloads[0].vtpm_sealed = false;
    let appraisal = join(&world, parts.0, parts.1);
    assert_eq!(failed(&appraisal), [CheckId::Sealed]);
    assert_eq!(appraisal.verdict.binding, Binding::Quote);
}
