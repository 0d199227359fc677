//! Two machines with one disk. The disk holds the operator's key and files with certificates; a TPM is not on it.

use std::time::Duration;

use chassis_sim::{firmware::Image, machine::MachineSpec};
use serde_json::{Value, json};

use super::{
    super::{
        chain::signer,
        service::{KEY, Service, on_machine, speaker, travel},
    },
    World, platform, run,
};

/// The operator is attested on the machine that proved itself last, and nowhere else.
#[tokio::test(flavor = "multi_thread")]
async fn one_operators_key_on_two_machines_is_attested_on_one_at_a_time() {
    let mut world = World::new().await;
    world.relayer.start(None).await;
    let a = world.cloud.boot(MachineSpec::new("a")).unwrap();
    let b = world.cloud.boot(MachineSpec::new("b")).unwrap();
    assert_ne!(platform(&a), platform(&b));
    let operator = signer(2).address();
    for machine in [&a, &b, &a] {
        let ran = world.register(&machine.parts(), 2).await;
        assert_eq!(ran.code, 0, "{}", ran.said);
        assert!(world.is_attested(2).await);
        assert_eq!(world.platform_of(operator).await, platform(machine));
    }
}

/// What a provider wrote for one TPM is worth nothing in another: the key that is certified cannot be made there.
#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_copied_to_another_tpm_is_refused_on_the_node() {
    let world = World::new().await;
    let a = world.cloud.boot(MachineSpec::new("a")).unwrap();
    let b = world.cloud.boot(MachineSpec::new("b")).unwrap();
    b.plant_ak_certificate(a.ak_certificate()).unwrap();
    let ran = world.register(&b.parts(), 2).await;
    assert_eq!(ran.code, 3, "{}", ran.said);
    assert!(ran.said.contains("is not the one certified"), "{}", ran.said);
}

/// Key, state file and session key are on the disk. Each service knows its own bundles, and the registry's numbers alone do not
/// deceive it.
#[tokio::test(flavor = "multi_thread")]
async fn two_services_from_one_disk_do_not_take_each_others_grants_for_their_own() {
    let mut world = World::new().await;
    world.relayer.start(None).await;
    let mut a = world.cloud.boot(MachineSpec::new("a")).unwrap();
    let b = world.cloud.boot(MachineSpec::new("b")).unwrap();
    let operator = signer(KEY).address();
    let idle = speaker(json!({"state": "received"})).await;
    let relayer = &*world.relayer.url;

    // The bundle of the first is under way, and goes nowhere.
    let mut first = Service::new();
    first.start(&world.chain, &a.parts(), &[&idle]);
    first
        .until("a bundle is under way", || async {
            first.state()["pending"] != Value::Null
        })
        .await;
    let public = |service: &Service| std::fs::read(service.path("session.pem.pub")).unwrap();
    let keys = public(&first);
    let mut second = first.cloned();
    second.start(&world.chain, &b.parts(), &[relayer]);
    second
        .until("it has landed", || async { second.renewals("landed").await == 1 })
        .await;
    assert_eq!(world.platform_of(operator).await, platform(&b));
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(first.renewals("landed").await, 0, "{}", first.log());
    assert_eq!(public(&first), keys, "no quote with its next key is on chain");
    assert_eq!(first.state()["bootId"], Value::Null);
    assert_eq!(world.chain.batches().await, 1);

    // The first one's machine boots, and comes to a relayer that works: the operator moves there, and stays.
    assert_eq!(first.stop().await, Some(0));
    a.reboot(Image::reviewed()).unwrap();
    travel(&world.chain, 600).await;
    let keys = public(&second);
    first.start(&world.chain, &a.parts(), &[relayer]);
    first
        .until("it has landed", || async { first.renewals("landed").await == 1 })
        .await;
    assert_eq!(world.platform_of(operator).await, platform(&a));
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(world.chain.batches().await, 2, "they do not chase each other");
    assert_eq!(second.renewals("landed").await, 1);
    assert_eq!(public(&second), keys);
}

/// A key sealed to a TPM is on the disk as well, and worth nothing without that TPM.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_on_a_cloned_disk_does_not_open_the_sealed_key() {
    let mut world = World::new().await;
    world.relayer.start(None).await;
    let a = world.cloud.boot(MachineSpec::new("a")).unwrap();
    let b = world.cloud.boot(MachineSpec::new("b")).unwrap();
    let mut first = Service::new();
    let sealed = first.path("operator.sealed");
    let mut key_new = std::process::Command::new(super::binary("chassis-node"));
    key_new
        .args(["key", "new", "--tcti", &a.tcti(), "--sealed"])
        .arg(&sealed);
    let made = run(key_new).await;
    assert_eq!(made.code, 0, "{}", made.said);
    let operator = made.stdout.trim().parse().unwrap();
    first.start_with(&world.chain, &a.parts(), &[&world.relayer.url], |command| {
        command
            .env_remove("CHASSIS_OPERATOR_KEY")
            .arg("--sealed-key")
            .arg(&sealed);
    });
    first
        .until("it has landed", || async { first.renewals("landed").await == 1 })
        .await;

    let clone = first.cloned();
    let mut command = on_machine("renew", &world.chain, &b.parts());
    command
        .env_remove("CHASSIS_OPERATOR_KEY")
        .args(["--relayer", &world.relayer.url, "--sealed-key"])
        .arg(clone.path("operator.sealed"))
        .arg("--state")
        .arg(clone.path("state.json"));
    let ran = run(command).await;
    assert_eq!(ran.code, 7, "{}", ran.said);
    assert!(ran.said.contains("or the TPM is another one"), "{}", ran.said);
    assert_eq!(world.platform_of(operator).await, platform(&a));
    assert_eq!(world.chain.batches().await, 1);
}

/// One TPM, two operators: the second waits until the first has left, or has run out.
#[tokio::test(flavor = "multi_thread")]
async fn two_operators_on_one_machine_are_attested_one_after_the_other() {
    let mut world = World::new().await;
    world.relayer.start(None).await;
    let machine = world.cloud.boot(MachineSpec::new("a")).unwrap();
    let first = world.register(&machine.parts(), 2).await;
    assert_eq!(first.code, 0, "{}", first.said);

    let mut second = world.node("register", &machine.parts());
    second
        .args(["--relayer", &world.relayer.url, "--wait", "15"])
        .env("CHASSIS_OPERATOR_KEY", super::KEYS[6]);
    let second = run(second).await;
    assert_eq!(second.code, 6, "{}", second.said);
    let holder = format!("is attested for {}", signer(2).address());
    assert!(second.said.contains(&holder), "{}", second.said);
    assert!(world.is_attested(2).await && !world.is_attested(6).await);
    assert_eq!(world.chain.batches().await, 1);

    let mut leave = super::super::service::on_chain("deregister", &world.chain);
    leave.arg("--yes");
    let left = run(leave).await;
    assert_eq!(left.code, 0, "{}", left.said);
    let second = world.register(&machine.parts(), 6).await;
    assert_eq!(second.code, 0, "{}", second.said);
    assert!(!world.is_attested(2).await && world.is_attested(6).await);
}
