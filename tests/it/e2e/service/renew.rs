use std::time::Duration;

use chassis_sim::{firmware::Image, machine::MachineSpec};
use serde_json::{Value, json};

use super::{KEY, Service, expiry, is_attested, travel};
use crate::e2e::{World, chain::signer, cosign::Network};

const HOUR: u64 = 3600;

#[tokio::test(flavor = "multi_thread")]
async fn a_service_registers_renews_through_three_expiries_survives_a_kill_and_a_reboot() {
    let mut world = World::new().await;
    let mut machine = world.cloud.boot(MachineSpec::new("a")).unwrap();
    world.relayer.start(None).await;
    let (chain, operator) = (&world.chain, signer(KEY).address());
    let relayer = &*world.relayer.url;

    let mut service = Service::new();
    service.start(chain, &machine.parts(), &[relayer]);
    service.until("it is ready", || service.is_ready()).await;
    assert!(is_attested(chain, operator).await);
    let first = expiry(chain, operator).await;
    assert_eq!(
        service.metric("chassis_node_expiry_timestamp_seconds").await,
        first
    );
    let public = || std::fs::read(service.path("session.pem.pub")).unwrap();
    service
        .until("it has landed", || async {
            service.renewals("landed").await == 1
        })
        .await;

    // At most 70 % of a day are 16.8 hours. The third expiry after the first grant is behind us at the end.
    let mut keys = std::collections::BTreeSet::from([public()]);
    for round in 2..=5 {
        let before = expiry(chain, operator).await;
        travel(chain, 17 * HOUR).await;
        service
            .until("it is renewed", || async {
                expiry(chain, operator).await > before
            })
            .await;
        service
            .until("it has landed", || async {
                service.renewals("landed").await == round
            })
            .await;
        assert!(is_attested(chain, operator).await);
        keys.insert(public());
    }
    assert_eq!(keys.len(), 5, "a session key for each");
    assert!(service.state()["landed"].as_u64().unwrap() > first + 24 * HOUR);

    // Killed when the bundle is sent and in no block.
    let (before, batches) = (expiry(chain, operator).await, chain.batches().await);
    travel(chain, 17 * HOUR).await;
    chain.mine_each(0).await;
    service
        .until("a bundle is under way", || async {
            service.state()["pending"] != Value::Null
        })
        .await;
    service.kill();
    let sent = service.state()["pending"]["digest"].as_str().unwrap().to_owned();
    chain.mine_each(1).await;
    service.start(chain, &machine.parts(), &[relayer]);
    service
        .until("it is renewed", || async {
            expiry(chain, operator).await > before
        })
        .await;
    service
        .until("it knows", || async { service.state()["pending"] == Value::Null })
        .await;
    assert!(
        service.log().contains("taking up what was sent before"),
        "{}",
        service.log()
    );
    assert!(service.log().contains(&sent));
    service.until("it is ready", || service.is_ready()).await;
    assert_eq!(chain.batches().await, batches + 1, "nothing is sent twice");

    // Told to end, it does; and nobody says any more that it is ready.
    assert_eq!(service.stop().await, Some(0));
    assert!(!service.path("ready").exists());

    // Started again on the same boot, it has nothing to do; after a reboot it has, though nothing is due.
    service.start(chain, &machine.parts(), &[relayer]);
    service.until("it is ready", || service.is_ready()).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(service.stop().await, Some(0));
    assert_eq!(chain.batches().await, batches + 1);
    machine.reboot(Image::reviewed()).unwrap();
    travel(chain, 600).await;
    let before = expiry(chain, operator).await;
    service.start(chain, &machine.parts(), &[relayer]);
    service
        .until("it is renewed", || async {
            expiry(chain, operator).await > before
        })
        .await;
    assert!(
        service.log().contains("this machine has booted since"),
        "{}",
        service.log()
    );
}

/// A block of such a time was shown once, and remembered.
#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_has_not_come_keeps_no_renewal_off() {
    let mut world = World::new().await;
    let machine = world.cloud.boot(MachineSpec::new("a")).unwrap();
    world.relayer.start(None).await;
    let (chain, operator) = (&world.chain, signer(KEY).address());
    let relayer = &*world.relayer.url;
    let mut service = Service::new();
    service.start(chain, &machine.parts(), &[relayer]);
    service
        .until("it has landed", || async {
            service.renewals("landed").await == 1
        })
        .await;
    assert_eq!(service.stop().await, Some(0));

    let end = expiry(chain, operator).await;
    let mut state = service.state();
    state["unchanged"] = json!(end + 30 * 24 * HOUR);
    std::fs::write(service.path("state.json"), state.to_string()).unwrap();
    service.start(chain, &machine.parts(), &[relayer]);
    let due = "chassis_node_next_renewal_timestamp_seconds";
    service
        .until("it has looked", || async { service.metric(due).await > 0 })
        .await;
    let due = service.metric(due).await;
    assert!(due < end, "{due}, and it ends at {end}");
    travel(chain, 17 * HOUR).await;
    service
        .until("it has landed", || async {
            service.renewals("landed").await == 1
        })
        .await;
    assert!(expiry(chain, operator).await > end);
}

/// The report that carries its bundle may be proposed and posted by others.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_knows_one_of_three_relayers_sees_what_lands() {
    let mut network = Network::with_threshold(3, 2).await;
    let machine = network.cloud.boot(MachineSpec::new("a")).unwrap();
    network.start_all().await;
    let chain = &network.chain;
    let mut services = [Service::new(), Service::new(), Service::new()];
    for (place, service) in services.iter_mut().enumerate() {
        let relayer = &*network.honest[place].url;
        service.start(chain, &machine.parts(), &[relayer]);
        service
            .until("it has landed", || async {
                service.renewals("landed").await == 1
            })
            .await;
        for round in 2..=3 {
            travel(chain, 17 * HOUR).await;
            service
                .until("it has landed", || async {
                    service.renewals("landed").await == round
                })
                .await;
        }
        assert_eq!(service.stop().await, Some(0));
        // The next one has no memory, and renews for that.
        travel(chain, HOUR).await;
    }
    assert_eq!(chain.batches().await, 9);
}
