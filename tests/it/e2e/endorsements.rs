//! A relayer whose sources of endorsements fail.

use chassis_sim::{
    fleet::{Fleet, operator},
    machine::MachineSpec,
    pcs::Fault,
};
use serde_json::json;

use super::{World, chain::until, digest, tcb_recovery::anchor};

/// More than are taken further at a time.
const STUCK: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn bundles_whose_source_fails_hold_up_nobody_and_go_on_when_it_is_back() {
    let mut world = World::new().await;
    let model = world.cloud.boot(MachineSpec::new("model")).unwrap();
    let cloud = std::sync::Arc::clone(&world.cloud);
    let mut fleet = Fleet::new(&cloud, &model, STUCK + 1).unwrap();
    (0..STUCK).for_each(|machine| fleet.certify(machine, |spec| spec.fmspc = [0xb0, 0xc0, 0x6f, 0, 0, 0]));
    fleet.list();
    world.outside.pcs.break_path("fmspc=B0C06F", Fault::Status(500));
    world.relayer.start(None).await;

    let anchor = anchor(&world.chain).await;
    let mut digests = Vec::new();
    for number in 0..=STUCK {
        let bundle = fleet.bundle_at(number, number, anchor).unwrap();
        let (status, answer) = world.relayer.post(&bundle.to_json().unwrap()).await;
        assert_eq!(status, 202, "{answer}");
        digests.push(digest(&answer));
    }
    world.relayer.until_state(&digests[STUCK], "final").await;
    assert_eq!(
        world.relayer.bundle(&digests[0]).await["state"],
        json!("received")
    );
    // It is the source's last answer that counts, and for the other platform it answers.
    let url = format!("{}/readyz", world.relayer.url);
    until("readyz says what fails", async || {
        let ready = reqwest::get(&url).await.unwrap().text().await.unwrap();
        ready.contains("tcb_info fails")
    })
    .await;

    world.outside.pcs.mend();
    for digest in &digests {
        world.relayer.until_state(digest, "final").await;
    }
    let last = operator(0).address();
    assert!(world.chain.registry().isAttested_0(last).call().await.unwrap());
}
