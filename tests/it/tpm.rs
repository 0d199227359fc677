//! Software TPMs as the simulated provider prepares them.

use chassis_sim::{
    Seed,
    firmware::{Image, MeasuredBoot, Shape},
    machine::MachineSpec,
    provider::{Instance, Provider},
    tpm::{Swtpm, create_ak},
};
use x509_parser::{certificate::X509Certificate, prelude::FromDer};

use crate::world::World;

#[test]
fn a_restart_keeps_the_key_and_clears_the_pcrs() {
    let folder = tempfile::tempdir().unwrap();
    let boot = MeasuredBoot::of(&Image::reviewed(), &Shape::SMALL);
    let provider = Provider::new(Seed(1));

    let tpm = Swtpm::start(folder.path()).unwrap();
    let certificate = tpm.provision(&provider, &instance()).unwrap();
    tpm.measure(&boot).unwrap();
    let key = create_ak(&tpm.tcti()).unwrap();
    let (_, parsed) = X509Certificate::from_der(&certificate).unwrap();
    assert_eq!(parsed.public_key().subject_public_key.data.as_ref(), key.0);
    let first = tpm.pid();
    drop(tpm);
    assert!(!is_running(first));

    let tpm = Swtpm::start(folder.path()).unwrap();
    assert_eq!(create_ak(&tpm.tcti()).unwrap(), key);
    tpm.measure(&boot).unwrap();
    let second = tpm.pid();
    drop(tpm);
    assert!(!is_running(second));
}

/// A TPM that loses power unannounced counts it as a guess at a password and locks its keys after three.
#[test]
fn many_restarts_do_not_lock_the_key() {
    let world = World::new();
    for _ in 0..6 {
        let machine = world.boot(MachineSpec::new("a"));
        world.attest(&machine.parts());
    }
}

#[test]
fn a_tpm_left_behind_makes_way() {
    let folder = tempfile::tempdir().unwrap();
    let left_behind = Swtpm::start(folder.path()).unwrap();
    let tpm = Swtpm::start(folder.path()).unwrap();
    create_ak(&tpm.tcti()).unwrap();
    assert_ne!(left_behind.pid(), tpm.pid());
}

#[test]
fn many_start_at_once() {
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for name in ["a", "b", "c"] {
            let state = folder.path().join(name);
            scope.spawn(move || {
                let tpm = Swtpm::start(&state).unwrap();
                create_ak(&tpm.tcti()).unwrap();
            });
        }
    });
}

fn instance() -> Instance {
    Instance {
        zone: "us-central1-a".into(),
        project_number: 1,
        project_id: "project".into(),
        instance_id: u64::MAX - 1,
        name: "a".into(),
        is_production: true,
    }
}

fn is_running(pid: u32) -> bool {
    std::path::Path::new(&format!("/proc/{pid}")).exists()
}
