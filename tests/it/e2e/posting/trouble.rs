//! Reorgs, other relayers, and reports that come too late.

use super::*;
use crate::e2e::proxy::Fault;

#[tokio::test(flavor = "multi_thread")]
async fn a_reorganised_transaction_is_posted_again_once() {
    let scene = Scene::started(PLAIN).await;
    let digest = scene.submit(0).await;
    scene.until_pending(1).await;
    scene.chain.mine(1).await;
    scene.until_state(&digest, "included").await;
    // Same height, other block, and the transaction is in none.
    scene.chain.ask("anvil_reorg", json!([1, []])).await;
    assert_eq!(scene.chain.batches().await, 0);
    scene.until_state(&digest, "posted").await;
    scene.until_pending(1).await;
    scene.until_final(&digest).await;
    scene.assert_settled(1, 1).await;
}

/// The relayer's own transaction never arrives; another relayer posts the same report; a third program takes the nonce.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_another_relayer_posted_is_final_by_its_transaction() {
    let scene = Scene::started(PLAIN).await;
    let digest = overtaken(&scene).await;
    scene.until_final(&digest).await;
    scene.assert_settled(1, 1).await;
}

/// The endpoint allows questions about ten blocks at most, and a hundred have come since the report was signed.
#[tokio::test(flavor = "multi_thread")]
async fn another_relayers_post_is_found_by_an_endpoint_that_allows_few_blocks_at_once() {
    let scene = Scene::started(PLAIN).await;
    let digest = overtaken(&scene).await;
    scene.proxies[0].always(&[Fault::Span(10)]);
    scene.chain.mine(100).await;
    scene.until_final(&digest).await;
    scene.assert_settled(1, 1).await;
}

/// While a report can still be posted, whether somebody has is waited for; after that, its operator gets a new one.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_is_too_late_does_not_wait_for_an_endpoint_without_logs() {
    let scene = Scene::started(PLAIN).await;
    let digest = overtaken(&scene).await;
    scene.proxies[0].always(&[Fault::Span(0)]);
    for _ in 0..8 {
        scene.chain.mine(1).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let before = scene.state(&digest).await;
    assert!(["posted", "queued"].contains(&before.as_str()), "{before}");
    scene.chain.ask("evm_increaseTime", json!([3_700])).await;
    scene.chain.mine(4).await;
    until("the report is given up", || async {
        let state = scene.state(&digest).await;
        !["posted", "queued"].contains(&state.as_str())
    })
    .await;
    scene.proxies[0].behave();
}

/// The same, and the relayer's own transaction is mined too: it reverts.
#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_was_overtaken_reverts_and_its_bundle_is_final_all_the_same() {
    let scene = Scene::started(PLAIN).await;
    let digest = reverted(&scene).await;
    scene.until_final(&digest).await;
    scene.assert_settled(1, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_became_too_late_in_the_queue_is_made_anew() {
    let scene = Scene::started(Setup {
        top: "max_fee_gwei = 30",
        ..PLAIN
    })
    .await;
    let digest = late(&scene).await;
    scene.until_final(&digest).await;
    scene.assert_settled(1, 1).await;
}

/// Its transaction waits beyond the cap for more than an hour: it would revert. Nothing takes its place.
#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_became_too_late_is_replaced_by_nothing() {
    let scene = Scene::started(PLAIN).await;
    let digest = waiting_too_long(&scene).await;
    let pending = scene.until_pending(1).await;
    scene.until_final(&digest).await;
    assert_eq!(pending[0].nonce, 0);
    scene.assert_settled(1, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_nobody_mines_is_told_of() {
    let scene = Scene::started(Setup {
        post: "stuck_after = 1",
        ..PLAIN
    })
    .await;
    let digest = scene.submit(0).await;
    until("it says so", || async {
        scene.relayer.reasons().await.contains("in no block")
    })
    .await;
    scene.until_final(&digest).await;
    until("it says no more", || async {
        !scene.relayer.reasons().await.contains("in no block")
    })
    .await;
}

/// Has another post what it sent and no node has seen.
async fn swallowed_and_overtaken(scene: &Scene) -> String {
    scene.proxies[0].always(&[Fault::Swallow]);
    let digest = scene.submit(0).await;
    until("a transaction is swallowed", || async {
        !scene.proxies[0].sent().is_empty()
    })
    .await;
    scene.overtake(&scene.proxies[0].sent()[0]).await;
    digest
}

pub(super) async fn reverted(scene: &Scene) -> String {
    let digest = swallowed_and_overtaken(scene).await;
    scene.chain.mine(1).await;
    assert_eq!(scene.chain.batches().await, 1);
    scene.proxies[0].behave();
    digest
}

pub(super) async fn waiting_too_long(scene: &Scene) -> String {
    scene.proxies[0].always(&[Fault::Swallow]);
    let digest = scene.submit(0).await;
    scene.until_state(&digest, "posted").await;
    scene.chain.ask("evm_increaseTime", json!([3_700])).await;
    scene.chain.mine(4).await;
    scene.proxies[0].behave();
    digest
}

pub(super) async fn overtaken(scene: &Scene) -> String {
    let digest = swallowed_and_overtaken(scene).await;
    scene.send_foreign(0).await;
    scene.chain.mine(1).await;
    assert_eq!(scene.chain.batches().await, 1);
    digest
}

pub(super) async fn late(scene: &Scene) -> String {
    scene.set_base_fee(5_000).await;
    let digest = scene.submit(0).await;
    scene.until_state(&digest, "queued").await;
    scene.chain.ask("evm_increaseTime", json!([3_700])).await;
    scene.set_base_fee(1).await;
    scene.chain.mine(4).await;
    digest
}
