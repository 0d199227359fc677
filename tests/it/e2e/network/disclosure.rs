//! A bundle that is not for everybody's eyes.

use serde_json::json;

use crate::e2e::{chain::until, cosign::Network, digest, programs::attest_for};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_for_auditors_no_relayer_shows_and_its_result_all_do() {
    let mut network = Network::new(3).await;
    network.start_all().await;
    let machine = network.boot("a");
    let bundle = attest_for("auditors", &network.chain, &network.cloud, &machine.parts(), 2);
    let (status, answer) = network.honest[0].post(&bundle).await;
    assert_eq!(status, 202, "{answer}");
    let digest = digest(&answer);
    let evidence = async |place: usize| {
        let url = format!("{}/v1/evidence/{digest}", network.honest[place].url);
        reqwest::get(url).await.unwrap().status().as_u16()
    };
    assert_eq!(evidence(0).await, 403, "who took it in");
    let done = network.honest[0].until_state(&digest, "final").await;
    assert!(network.is_attested(2).await);
    for place in 0..3 {
        // One may have voted and not signed: it takes it up once it is final.
        until("it is known there", || async { evidence(place).await != 404 }).await;
        assert_eq!(evidence(place).await, 403, "{place}");
        let seen = network.honest[place].bundle(&digest).await;
        assert_eq!(seen["result"], done["result"]);
        let url = format!(
            "{}/v1/results/{}",
            network.honest[place].url,
            done["result"].as_str().unwrap()
        );
        let result = reqwest::get(url).await.unwrap();
        assert_eq!(result.status().as_u16(), 200, "{place}");
        let result: serde_json::Value = result.json().await.unwrap();
        assert_eq!(result["evidenceDigest"], json!(digest));
    }
}
