//! The proposer dies, or one that it asks, and comes back: one effect on chain, and what it has signed before it signs
//! for ever.

use std::{collections::BTreeSet, time::Duration};

use alloy::sol_types::SolStruct;
use chassis_relayer::{failpoint::COSIGN, registry::domain};

use crate::e2e::{
    byzantine::posted,
    cosign::{Network, address},
    digest, failed,
    programs::attest,
    signatures, votes,
};

/// What was found at a death and after it.
struct Found {
    evidence: String,
    /// The evidence for which the one that died had written down a vote.
    voted: Vec<String>,
    /// The signatures that it had written down: report, signer, bytes.
    signed: Vec<(String, String, String)>,
    /// The reports that came on chain.
    posted: Vec<String>,
}

/// Two of three must sign, and the first `there` are there. The first proposes. The one at place `dying` dies at
/// `failpoint`, and comes back.
async fn killed_at(failpoint: &str, there: usize, dying: usize) -> Found {
    let mut network = Network::new(there).await;
    for (place, relayer) in network.honest.iter_mut().enumerate() {
        relayer.start((place == dying).then_some(failpoint)).await;
    }
    let machine = network.boot("a");
    let bundle = attest(&network.chain, &network.cloud, &machine.parts(), 2);
    let (status, answer) = network.honest[0].post(&bundle).await;
    assert_eq!(status, 202, "{answer}");
    let evidence = digest(&answer);
    for _ in 0..600 {
        if network.honest[dying].is_dead() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(network.honest[dying].is_dead(), "it never came to `{failpoint}`");
    let voted = votes(&network.honest[dying]).await;
    let signed = signatures(&network.honest[dying]).await;

    network.honest[dying].start(None).await;
    let done = network.honest[0].until_state(&evidence, "final").await;
    assert_eq!(failed(&done), [""; 0]);
    // Whoever posts it a second time has had the time to.
    tokio::time::sleep(Duration::from_secs(8)).await;
    assert_eq!(network.chain.batches().await, 1, "{failpoint}");
    assert!(network.is_attested(2).await);
    let after = signatures(&network.honest[dying]).await;
    for one in &signed {
        assert!(after.contains(one), "{one:?} is not among {after:?}");
    }
    let domain = domain(network.chain_id().await, network.chain.registry);
    let posted = posted(&network.chain).await;
    let posted = posted
        .iter()
        .map(|call| call.report.eip712_signing_hash(&domain).to_string());
    Found {
        evidence,
        voted,
        signed,
        posted: posted.collect(),
    }
}

impl Found {
    /// The members whose signatures it had.
    fn signers(&self) -> BTreeSet<&str> {
        self.signed.iter().map(|(_, signer, _)| &**signer).collect()
    }

    fn posts_what_was_signed(&self) {
        assert_eq!(self.posted, [&*self.signed[0].0], "byte for byte");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposer_killed_before_it_asks_for_signatures_has_one_effect() {
    let found = killed_at("recorded", 2, 0).await;
    assert_eq!(found.signers(), [&*address(0).to_string()].into());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposer_killed_with_all_signatures_has_the_effect_that_was_signed() {
    let found = killed_at("collected", 2, 0).await;
    assert_eq!(found.signed.len(), 2, "{:?}", found.signed);
    found.posts_what_was_signed();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_killed_anywhere_while_they_agree_has_one_effect() {
    for point in COSIGN {
        match *point {
            "voted" => {
                let found = killed_at(point, 2, 1).await;
                assert_eq!(found.voted, [&*found.evidence]);
                assert_eq!(found.signed, [], "it was not asked to sign");
                assert_eq!(found.posted.len(), 1);
            }
            "gathered" => {
                let found = killed_at(point, 2, 0).await;
                let both = [address(0).to_string(), address(1).to_string()];
                assert_eq!(found.signers(), both.iter().map(|signer| &**signer).collect());
                found.posts_what_was_signed();
            }
            // The second one that signs tells the third.
            "delivered" => {
                let found = killed_at(point, 3, 2).await;
                assert!(found.signers().contains(&*address(1).to_string()));
                found.posts_what_was_signed();
            }
            other => panic!("who comes by `{other}`?"),
        }
    }
}
