//! Markets that move, and an account that runs dry.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_market_that_moves_makes_a_dearer_attempt_and_one_effect() {
    let scene = Scene::started(PLAIN).await;
    let digest = scene.submit(0).await;
    let before = scene.until_pending(1).await[0].clone();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(
        scene.until_pending(1).await[0],
        before,
        "no bump while the market stands still"
    );
    // The pool's own view of the fee must not evict it before the relayer has seen the market.
    scene.set_base_fee(before.max_fee / GWEI + 20).await;
    until("a dearer attempt", || async {
        scene
            .pool()
            .await
            .first()
            .is_some_and(|now| now.hash != before.hash)
    })
    .await;
    let after = scene.pool().await[0].clone();
    assert_eq!(after.nonce, before.nonce);
    assert!(8 * after.max_fee >= 9 * before.max_fee && 8 * after.max_tip >= 9 * before.max_tip);
    scene.until_final(&digest).await;
    scene.assert_settled(1, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_cap_it_waits_and_says_so_and_goes_on_when_the_market_falls() {
    let scene = Scene::started(Setup {
        top: "max_fee_gwei = 30",
        ..PLAIN
    })
    .await;
    let digest = scene.submit(0).await;
    scene.until_pending(1).await;
    scene.set_base_fee(1_000).await;
    until("it says that fees are beyond the cap", || async {
        scene.relayer.reasons().await.contains("max_fee_gwei is 30")
    })
    .await;
    assert_eq!(scene.chain.batches().await, 0);
    let sent = scene.proxies[0].sent().len();
    until("it goes on sending", || async {
        scene.proxies[0].sent().len() > sent + 3
    })
    .await;
    let offered = scene.proxies[0].sent();
    let dearest = offered
        .iter()
        .map(|raw| TxEnvelope::decode_2718(&mut &**raw).unwrap().max_fee_per_gas())
        .max();
    assert!(dearest.unwrap() <= 30 * u128::from(GWEI), "{dearest:?}");
    scene.set_base_fee(1).await;
    scene.until_final(&digest).await;
    scene.assert_settled(1, 1).await;
    assert!(!scene.relayer.reasons().await.contains("max_fee_gwei"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_waits_for_the_market_takes_no_nonce() {
    let scene = Scene::started(Setup {
        top: "max_fee_gwei = 30",
        ..PLAIN
    })
    .await;
    scene.set_base_fee(5_000).await;
    let digest = scene.submit(0).await;
    scene.until_state(&digest, "queued").await;
    until("it says so", || async {
        scene.relayer.reasons().await.contains("max_fee_gwei is 30")
    })
    .await;
    assert!(scene.proxies[0].sent().is_empty());
    scene.set_base_fee(1).await;
    scene.until_final(&digest).await;
    scene.assert_settled(1, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_days_budget_holds_transactions_back() {
    let scene = Scene::started(Setup {
        post: "max_spend_per_day = \"0.000001\"",
        ..PLAIN
    })
    .await;
    let digest = scene.submit(0).await;
    until("it says so", || async {
        scene.relayer.reasons().await.contains("max_spend_per_day")
    })
    .await;
    assert_eq!(scene.state(&digest).await, "queued");
    assert!(scene.proxies[0].sent().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn out_of_funds_it_says_so_and_goes_on_when_refilled() {
    let scene = Scene::started(PLAIN).await;
    scene
        .chain
        .ask("anvil_setBalance", json!([relayer(), "0x1"]))
        .await;
    let digest = scene.submit(0).await;
    until("it says that it is poor", || async {
        scene.relayer.reasons().await.contains("send it more")
    })
    .await;
    assert_eq!(scene.chain.batches().await, 0);
    scene
        .chain
        .ask("anvil_setBalance", json!([relayer(), "0xde0b6b3a7640000"]))
        .await;
    scene.until_final(&digest).await;
    scene.assert_settled(1, 1).await;
}

/// The money is gone after the transaction was signed.
#[tokio::test(flavor = "multi_thread")]
async fn a_signed_transaction_outlives_an_empty_account() {
    let scene = Scene::started(PLAIN).await;
    let digest = scene.submit(0).await;
    scene.until_pending(1).await;
    scene
        .chain
        .ask("anvil_setBalance", json!([relayer(), "0x1"]))
        .await;
    scene.chain.ask("anvil_dropAllTransactions", json!([])).await;
    until("it says that it is poor", || async {
        scene.relayer.reasons().await.contains("send it more")
    })
    .await;
    scene
        .chain
        .ask("anvil_setBalance", json!([relayer(), "0xde0b6b3a7640000"]))
        .await;
    scene.until_final(&digest).await;
    scene.assert_settled(1, 1).await;
    assert!(!scene.relayer.reasons().await.contains("send it more"));
}
