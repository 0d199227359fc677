//! Endpoints that lie, lag, fail and disagree.

use super::*;
use crate::e2e::proxy::Fault;

const TWO: Setup = Setup { proxies: 2, ..PLAIN };
const THREE: Setup = Setup { proxies: 3, ..PLAIN };

/// An anchor is a block by its hash: while two disagree about it, nothing is appraised.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_anchored_while_two_endpoints_disagree_about_a_block() {
    let scene = Scene::started(TWO).await;
    scene.proxies[0].always(&[Fault::WrongHash]);
    let digest = scene.submit(0).await;
    for _ in 0..10 {
        scene.chain.mine(1).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(scene.state(&digest).await, "received");
    scene.proxies[0].behave();
    scene.until_final(&digest).await;
    scene.assert_settled(1, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_liar_about_finality_makes_nothing_final() {
    let scene = Scene::started(TWO).await;
    scene.proxies[0].always(&[Fault::FalseFinality]);
    let digest = scene.submit(0).await;
    scene.until_pending(1).await;
    scene.chain.mine(1).await;
    scene.until_state(&digest, "included").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(
        scene.state(&digest).await,
        "included",
        "the other one says that it is not final"
    );
    scene.until_final(&digest).await;
    scene.assert_settled(1, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_included_transaction_is_not_final_by_a_false_hash() {
    let scene = Scene::started(TWO).await;
    let digest = scene.submit(0).await;
    scene.until_pending(1).await;
    scene.chain.mine(1).await;
    scene.until_state(&digest, "included").await;
    scene.proxies[1].always(&[Fault::WrongHash]);
    scene.chain.mine(4).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(scene.state(&digest).await, "included");
    scene.proxies[1].behave();
    scene.until_final(&digest).await;
    scene.assert_settled(1, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_of_three_go_on_without_a_liar_and_without_a_dead_one() {
    let scene = Scene::started(THREE).await;
    scene.proxies[0].always(&[Fault::WrongHash, Fault::FalseFinality]);
    let first = scene.submit(0).await;
    scene.until_final(&first).await;
    scene.proxies[0].always(&[Fault::Drop]);
    let second = scene.submit(0).await;
    scene.until_final(&second).await;
    scene.assert_settled(2, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_of_three_post_though_the_first_says_that_nobody_can_pay() {
    let scene = Scene::started(THREE).await;
    scene.proxies[0].always(&[Fault::Dear]);
    let digest = scene.submit(0).await;
    scene.until_final(&digest).await;
    scene.assert_settled(1, 1).await;
}

/// The first endpoint is the one that single reads go to.
#[tokio::test(flavor = "multi_thread")]
async fn the_index_follows_two_of_three_and_not_the_first() {
    let scene = Scene::started(THREE).await;
    let first = scene.submit(0).await;
    scene.until_final(&first).await;
    scene.proxies[0].always(&[Fault::WrongHash]);
    let second = scene.submit(0).await;
    scene.until_final(&second).await;
    let end = scene.chain.provider.get_block_number().await.unwrap();
    until("the index has read all that is final", || async {
        scene.chain.mine(1).await;
        let metrics = scene.relayer.metrics().await;
        let line = metrics
            .lines()
            .find_map(|line| line.strip_prefix("chassis_index_block "));
        line.is_some_and(|block| block.parse::<u64>().unwrap() >= end)
    })
    .await;
    let metrics = scene.relayer.metrics().await;
    assert!(
        metrics.contains("\nchassis_index_divergences_total 0"),
        "{metrics}"
    );
    scene.assert_settled(2, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_for_a_while_ends_in_one_effect() {
    let scene = Scene::started(PLAIN).await;
    let faults = [
        Fault::LoseAnswer,
        Fault::Delay(Duration::from_millis(300)),
        Fault::TooMany,
        Fault::Truncate,
        Fault::Stale(2),
        Fault::Underpriced,
        Fault::Swallow,
    ];
    for (number, fault) in (1..).zip(faults) {
        let digest = scene.submit(0).await;
        scene.proxies[0].always(&[fault]);
        tokio::time::sleep(Duration::from_millis(800)).await;
        scene.proxies[0].behave();
        scene.until_final(&digest).await;
        assert_eq!(
            (scene.chain.batches().await, scene.nonce().await),
            (number, number),
            "after {fault:?}"
        );
    }
}
