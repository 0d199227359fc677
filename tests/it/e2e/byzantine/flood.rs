//! Answers that are too long.

use alloy::primitives::B256;
use serde_json::json;

use super::finalized;
use crate::e2e::{
    cosign::{Network, address},
    member::Answer,
};

/// Longer than all that a relayer may have in use below.
const LONG: usize = 300 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_megabytes_in_answer_to_anything_are_not_read() {
    let mut network = Network::new(2).await;
    let liar = network.member().await;
    liar.serve(network.ports[2], |_| -> Answer {
        Box::pin(async { Some((200, vec![b' '; LONG])) })
    })
    .await;
    network.start_all().await;

    // Both documents of an item, of which it says that it has them.
    let block = finalized(&network.chain).await;
    let evidence = B256::repeat_byte(1);
    let proposal = json!({
        "kind": "propose",
        "relayerSetId": 1,
        "policy": network.cloud.policy().digest().unwrap(),
        "block": {"number": block.number, "hash": block.hash},
        "asOf": block.timestamp,
        "items": [{"evidence": evidence, "endorsements": evidence, "asOf": block.timestamp}],
    });
    for (place, relayer) in network.honest.iter().enumerate() {
        let (status, votes) = liar.say(&relayer.url, address(place), &proposal).await;
        assert_eq!(status, 200, "{votes}");
        assert_eq!(votes["votes"][0]["vote"], json!("no"), "{votes}");
    }
    network.attest_through_the_first("a").await;
    assert_eq!(network.chain.batches().await, 1);
    for kind in ["hello", "fetch", "propose"] {
        assert!(!liar.heard(kind).is_empty(), "{kind}");
    }
    for relayer in &network.honest {
        let peak = relayer.peak_memory();
        assert!(peak < 200 << 20, "{peak} bytes");
    }
}
