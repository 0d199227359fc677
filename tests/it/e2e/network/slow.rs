//! One member takes its time.

use std::time::Duration;

use chassis_relayer::registry::domain;

use crate::e2e::{
    agreement::sign,
    cosign::{Network, votes_as_the_proposer_wants},
    member::Answer,
};

/// A member that votes and signs as it is asked to, each after its time.
async fn serve(network: &Network, vote_after: Duration, sign_after: Duration) -> crate::e2e::member::Member {
    let slow = network.member().await;
    let domain = domain(network.chain_id().await, network.chain.registry);
    let (first, member) = (network.honest[0].url.clone(), slow.clone());
    slow.serve(*network.ports.last().unwrap(), move |message| -> Answer {
        let (first, member, domain) = (first.clone(), member.clone(), domain.clone());
        Box::pin(async move {
            match message["kind"].as_str().unwrap() {
                "propose" => {
                    let votes = votes_as_the_proposer_wants(&first, &message).await;
                    tokio::time::sleep(vote_after).await;
                    Some((200, votes))
                }
                "sign" => {
                    tokio::time::sleep(sign_after).await;
                    sign(&member, &domain, &message).await
                }
                _ => None,
            }
        })
    })
    .await;
    slow
}

/// A stage is three seconds here. Once the others have voted, it is not waited for that long.
#[tokio::test(flavor = "multi_thread")]
async fn with_one_that_votes_late_the_others_go_on() {
    let mut network = Network::new(2).await;
    let slow = serve(&network, Duration::from_millis(2_700), Duration::ZERO).await;
    network.start_all().await;
    network.attest_through_the_first("a").await;
    assert_eq!(network.chain.batches().await, 1);
    assert!(!slow.heard("propose").is_empty(), "it was asked to vote");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_one_that_signs_too_late_the_others_go_on() {
    let mut network = Network::new(2).await;
    let slow = serve(&network, Duration::ZERO, Duration::from_millis(3_500)).await;
    network.start_all().await;
    network.attest_through_the_first("a").await;
    assert_eq!(network.chain.batches().await, 1);
    assert!(!slow.heard("sign").is_empty(), "it was asked to sign");
}

/// Without it there are too few. It answers just within a stage, each time.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_answers_late_in_a_stage_is_waited_for() {
    let mut network = Network::new(1).await;
    network.honest[0].configure(|text| text.replace("stage_seconds = 3", "stage_seconds = 10"));
    let late = Duration::from_secs(8);
    let slow = serve(&network, late, late).await;
    network.start_all().await;
    network.attest_through_the_first("a").await;
    assert_eq!(network.chain.batches().await, 1);
    assert_eq!(slow.heard("sign").len(), 1, "asked once");
}
