//! News come between an appraisal and its signatures.

use serde_json::{Value, json};

use crate::e2e::{
    chain::{signer, until},
    cosign::Network,
    digest, failed,
    programs::attest,
};

/// A renewal waits for a second signature while Intel demands an update that its machine has not got.
#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_appraised_before_the_news_is_put_back_and_not_posted() {
    let mut network = Network::new(2).await;
    network.start_all().await;
    let machine = network.boot("a");
    let send = async |network: &Network| {
        let bundle = attest(&network.chain, &network.cloud, &machine.parts(), 2);
        let (status, answer) = network.honest[0].post(&bundle).await;
        assert_eq!(status, 202, "{answer}");
        digest(&answer)
    };
    let first = send(&network).await;
    network.honest[0].until_state(&first, "final").await;

    network.honest[1].kill();
    network.chain.ask("evm_increaseTime", json!([3_600])).await;
    network.chain.mine(4).await;
    let renewal = send(&network).await;
    until("it waits for the other", || async {
        let seen = network.honest[0].bundle(&renewal).await;
        let reason = seen["reason"].as_str().unwrap_or_default();
        seen["state"] == json!("appraised") && reason.contains("no other relayer answered")
    })
    .await;
    network.cloud.demand_update();
    let url = format!("{}/v1/operators/{}", network.honest[0].url, signer(2).address());
    until("it is barred", || async {
        let view: Value = reqwest::get(&url).await.unwrap().json().await.unwrap();
        view["warnings"][0]["barsRenewal"] == json!(true)
    })
    .await;
    let done = network.honest[0].until_state(&renewal, "rejected").await;
    assert_eq!(failed(&done), ["td.tcb"]);

    network.honest[1].start(None).await;
    let other = network.boot("b");
    let bundle = attest(&network.chain, &network.cloud, &other.parts(), 6);
    let (_, answer) = network.honest[1].post(&bundle).await;
    network.honest[1].until_state(&digest(&answer), "rejected").await;
    assert_eq!(network.chain.batches().await, 1);
}
