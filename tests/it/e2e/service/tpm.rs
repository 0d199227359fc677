//! The TPM fails under the service: it is gone, or it hangs.

use alloy::primitives::B256;
use chassis_relayer::registry::IProofOfCloudRegistry::freezeOperatorCall;
use chassis_sim::{
    firmware::Image,
    machine::{Machine, MachineSpec},
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{KEY, Service, is_attested, travel};
use crate::e2e::{World, chain::signer};

const HOUR: u64 = 3600;

fn signal(machine: &Machine, signal: Signal) {
    kill(Pid::from_raw(machine.tpm_pid().try_into().unwrap()), signal).unwrap();
}

async fn attested_once(world: &mut World, machine: &Machine, more: &[&str]) -> Service {
    world.relayer.start(None).await;
    let mut service = Service::new();
    service.start_with(&world.chain, &machine.parts(), &[&world.relayer.url], |command| {
        command.args(more);
    });
    service
        .until("it has landed", || async {
            service.renewals("landed").await == 1
        })
        .await;
    service.until("it is ready", || service.is_ready()).await;
    service
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_tpm_hangs_what_the_chain_says_is_told() {
    let mut world = World::new().await;
    let machine = world.cloud.boot(MachineSpec::new("a")).unwrap();
    let mut service = attested_once(&mut world, &machine, &[]).await;

    signal(&machine, Signal::SIGSTOP);
    travel(&world.chain, 17 * HOUR).await;
    service
        .until("it renews", || async {
            service.log().matches("renewing").count() == 2
        })
        .await;
    assert!(service.is_ready().await);
    world
        .chain
        .guard(&freezeOperatorCall {
            operator: signer(KEY).address(),
            reason: 1,
            evidenceHash: B256::ZERO,
        })
        .await;
    service
        .until("it is not ready", || async { !service.is_ready().await })
        .await;
    assert!(!service.path("ready").exists());
    assert_eq!(service.metric("chassis_node_attested").await, 0);
    let under_way = ["landed", "failed"].map(|outcome| service.renewals(outcome));
    assert_eq!(
        futures::future::join_all(under_way).await,
        [1, 0],
        "it still hangs"
    );
    assert_eq!(
        service.stop().await,
        Some(0),
        "it ends when told, hanging TPM or not"
    );
    signal(&machine, Signal::SIGCONT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tpm_that_hangs_is_given_up_and_asked_again() {
    let mut world = World::new().await;
    let machine = world.cloud.boot(MachineSpec::new("a")).unwrap();
    let service = attested_once(&mut world, &machine, &["--machine-timeout", "3"]).await;

    signal(&machine, Signal::SIGSTOP);
    travel(&world.chain, 17 * HOUR).await;
    service
        .until("it has given up", || async {
            service.renewals("failed").await >= 2
        })
        .await;
    let log = service.log();
    assert!(log.contains("made no evidence within 3 s"), "{log}");
    assert!(service.is_ready().await, "it is attested still");
    assert_eq!(world.chain.batches().await, 1);
    signal(&machine, Signal::SIGCONT);
    service
        .until("it has landed", || async {
            service.renewals("landed").await == 2
        })
        .await;
    assert_eq!(world.chain.batches().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_tpm_it_is_attested_until_that_runs_out_and_again_when_it_is_back() {
    let mut world = World::new().await;
    let mut machine = world.cloud.boot(MachineSpec::new("a")).unwrap();
    let mut service = attested_once(&mut world, &machine, &[]).await;
    let operator = signer(KEY).address();

    signal(&machine, Signal::SIGKILL);
    travel(&world.chain, 17 * HOUR).await;
    service
        .until("it has failed", || async {
            service.renewals("failed").await >= 2
        })
        .await;
    let log = service.log();
    assert!(log.contains("cannot open the TPM"), "{log}");
    assert!(is_attested(&world.chain, operator).await && service.is_ready().await);
    travel(&world.chain, 8 * HOUR).await;
    service
        .until("it is not ready", || async { !service.is_ready().await })
        .await;
    assert!(!is_attested(&world.chain, operator).await);
    assert_eq!(world.chain.batches().await, 1);

    assert_eq!(service.stop().await, Some(0));
    machine.reboot(Image::reviewed()).unwrap();
    service.start(&world.chain, &machine.parts(), &[&world.relayer.url]);
    service.until("it is ready", || service.is_ready()).await;
    assert!(is_attested(&world.chain, operator).await);
}
