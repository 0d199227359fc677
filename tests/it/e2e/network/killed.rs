//! The proposer dies, and comes back: one effect on chain, and what it has signed before it signs for ever.

use std::time::Duration;

use alloy::sol_types::SolStruct;
use chassis_relayer::registry::domain;

use crate::e2e::{
    byzantine::posted,
    cosign::{Network, address},
    digest, failed,
    programs::attest,
    signatures,
};

/// Two of three must sign, and two are there; the one that proposes dies at `failpoint`. Gives the reports of which it had
/// written down this many signatures when it died, and those that came on chain.
async fn killed_at(failpoint: &str, signed: usize) -> (String, Vec<String>) {
    let mut network = Network::new(2).await;
    network.honest[0].start(Some(failpoint)).await;
    network.honest[1].start(None).await;
    let machine = network.boot("a");
    let bundle = attest(&network.chain, &network.cloud, &machine.parts(), 2);
    let (status, answer) = network.honest[0].post(&bundle).await;
    assert_eq!(status, 202, "{answer}");
    for _ in 0..600 {
        if network.honest[0].is_dead() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(network.honest[0].is_dead(), "it never came to `{failpoint}`");
    let before = signatures(&network.honest[0]).await;
    assert_eq!(before.len(), signed, "{before:?}");
    let own = address(0).to_string();
    assert!(before.iter().any(|(_, signer, _)| *signer == own), "{before:?}");

    network.honest[0].start(None).await;
    let done = network.honest[0].until_state(&digest(&answer), "final").await;
    assert_eq!(failed(&done), [""; 0]);
    // Whoever posts it a second time has had the time to.
    tokio::time::sleep(Duration::from_secs(8)).await;
    assert_eq!(network.chain.batches().await, 1);
    assert!(network.is_attested(2).await);
    let after = signatures(&network.honest[0]).await;
    for one in &before {
        assert!(after.contains(one), "{one:?} is not among {after:?}");
    }
    let domain = domain(network.chain_id().await, network.chain.registry);
    let posted = posted(&network.chain).await;
    let hashes = posted.iter().map(|call| call.report.eip712_signing_hash(&domain));
    (before[0].0.clone(), hashes.map(|hash| hash.to_string()).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposer_killed_before_it_asks_for_signatures_has_one_effect() {
    killed_at("recorded", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposer_killed_with_all_signatures_has_the_effect_that_was_signed() {
    let (signed, posted) = killed_at("collected", 2).await;
    assert_eq!(posted, [signed], "byte for byte");
}
