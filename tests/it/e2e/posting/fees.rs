//! Markets that move, and an account that runs dry.

use super::*;
use crate::e2e::proxy::Fault;

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

/// Whichever of its hashes is mined. Here the first, which somebody had kept, after a dearer one was signed.
#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_was_replaced_and_is_mined_all_the_same_is_the_effect() {
    let scene = Scene::started(PLAIN).await;
    let swallowed = || -> Vec<(B256, u64, Vec<u8>)> {
        let sent = scene.proxies[0].sent().into_iter();
        let read = sent.map(|raw| {
            let transaction = TxEnvelope::decode_2718(&mut &*raw).unwrap();
            let fee = u64::try_from(transaction.max_fee_per_gas()).unwrap();
            (*transaction.tx_hash(), fee, raw)
        });
        read.collect()
    };
    scene.proxies[0].always(&[Fault::Swallow]);
    let digest = scene.submit(0).await;
    until("a transaction is swallowed", || async { !swallowed().is_empty() }).await;
    let (old, fee, raw) = swallowed()[0].clone();
    scene.set_base_fee(fee / GWEI + 20).await;
    until("so is a dearer one", || async {
        swallowed()
            .iter()
            .any(|(hash, dearer, _)| *hash != old && *dearer > fee)
    })
    .await;
    scene.set_base_fee(1).await;
    let raw = alloy::primitives::Bytes::from(raw);
    scene.chain.ask("eth_sendRawTransaction", json!([raw])).await;
    scene.until_final(&digest).await;
    assert_eq!(scene.relayer.bundle(&digest).await["transaction"], json!(old));
    scene.proxies[0].behave();
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
async fn the_days_budget_holds_transactions_back_until_there_is_more() {
    let mut scene = Scene::started(Setup {
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
    scene.relayer.kill();
    let key = "max_spend_per_day";
    scene
        .relayer
        .configure(|text| text.replace(&format!("{key} = \"0.000001\""), &format!("{key} = \"1\"")));
    scene.relayer.start(None).await;
    scene.until_final(&digest).await;
    scene.assert_settled(1, 1).await;
    assert!(!scene.relayer.reasons().await.contains(key));
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
