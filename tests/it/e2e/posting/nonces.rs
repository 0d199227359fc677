//! Several at once, dropped ones, and nonces that go up and down.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn three_reports_are_under_way_at_once() {
    let scene = Scene::started(Setup {
        machines: 3,
        top: "max_batch = 1",
        ..PLAIN
    })
    .await;
    // Whoever attests has blocks mined, and with them what waits.
    let mut bundles = Vec::new();
    for machine in 0..3 {
        bundles.push(scene.attested(machine).await);
    }
    let mut digests = Vec::new();
    for bundle in &bundles {
        digests.push(scene.send(bundle).await);
    }
    let pending = scene.until_pending(3).await;
    let nonces: Vec<_> = pending.iter().map(|transaction| transaction.nonce).collect();
    assert_eq!(nonces, [0, 1, 2]);
    until("metrics show them", || async {
        let metrics = scene.relayer.metrics().await;
        metrics.contains("chassis_transactions{state=\"broadcast\"} 3")
            && metrics.contains("chassis_account_balance_wei ")
            && metrics.contains("chassis_spent_today_wei 0")
    })
    .await;
    for digest in &digests {
        scene.until_final(digest).await;
    }
    scene.assert_settled(3, 3).await;
}

/// Two fill a report; the third waits for another one, and not for ever.
#[tokio::test(flavor = "multi_thread")]
async fn bundles_wait_for_each_other_until_a_report_is_full_or_the_first_is_old() {
    let scene = Scene::started(Setup {
        machines: 3,
        top: "max_batch = 2\nbatch_wait_s = 8",
        ..PLAIN
    })
    .await;
    let first = scene.submit(0).await;
    scene.until_state(&first, "appraised").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(scene.state(&first).await, "appraised", "it waits for another one");
    let second = scene.submit(1).await;
    scene.until_pending(1).await;
    scene.until_final(&first).await;
    scene.until_final(&second).await;
    assert_eq!(scene.chain.batches().await, 1, "by size");

    let third = scene.submit(2).await;
    scene.until_state(&third, "appraised").await;
    let since = std::time::Instant::now();
    scene.until_pending(1).await;
    assert!(
        since.elapsed() >= Duration::from_secs(6),
        "by age: {:?}",
        since.elapsed()
    );
    scene.until_final(&third).await;
    scene.assert_settled(2, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_are_under_way_than_configured() {
    let scene = Scene::started(Setup {
        machines: 3,
        top: "max_batch = 1",
        post: "max_in_flight = 2",
        ..PLAIN
    })
    .await;
    let mut digests = Vec::new();
    for machine in 0..3 {
        digests.push(scene.submit(machine).await);
    }
    scene.until_pending(2).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(scene.pool().await.len(), 2);
    for digest in &digests {
        scene.until_final(digest).await;
    }
    scene.assert_settled(3, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_only_waits_for_finality_keeps_no_other_waiting() {
    let scene = Scene::started(Setup {
        machines: 2,
        top: "max_batch = 1\nmax_fee_gwei = 30",
        post: "max_in_flight = 1",
        ..PLAIN
    })
    .await;
    scene.set_base_fee(5_000).await;
    let mut digests = Vec::new();
    for machine in 0..2 {
        digests.push(scene.submit(machine).await);
    }
    for digest in &digests {
        scene.until_state(digest, "queued").await;
    }
    scene.set_base_fee(1).await;
    let first = scene.until_pending(1).await;
    scene.chain.mine(1).await;
    let second = scene.until_pending(1).await;
    assert_eq!(second[0].nonce, first[0].nonce + 1);
    let mut states = Vec::new();
    for digest in &digests {
        states.push(scene.state(digest).await);
    }
    states.sort();
    assert_eq!(states, ["included", "posted"]);
    for digest in &digests {
        scene.until_final(digest).await;
    }
    scene.assert_settled(2, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_transaction_comes_back_with_the_same_bytes() {
    let scene = Scene::started(PLAIN).await;
    let digest = scene.submit(0).await;
    let before = scene.until_pending(1).await;
    scene.chain.ask("anvil_dropAllTransactions", json!([])).await;
    let after = scene.until_pending(1).await;
    assert_eq!(before, after);
    scene.until_final(&digest).await;
    scene.assert_settled(1, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_pending_is_pending_after_a_restart() {
    let mut scene = Scene::started(PLAIN).await;
    let digest = scene.submit(0).await;
    let before = scene.until_pending(1).await;
    scene.relayer.kill();
    scene.chain.ask("anvil_dropAllTransactions", json!([])).await;
    scene.relayer.start(None).await;
    assert_eq!(scene.until_pending(1).await, before);
    scene.until_final(&digest).await;
    scene.assert_settled(1, 1).await;
}

/// The chain forgets five transactions of the relayer's, while one waits that comes after them.
#[tokio::test(flavor = "multi_thread")]
async fn a_nonce_gap_is_closed_with_self_sends() {
    let scene = Scene::started(PLAIN).await;
    scene.chain.ask("anvil_setNonce", json!([relayer(), "0x5"])).await;
    let digest = scene.submit(0).await;
    assert_eq!(scene.until_pending(1).await[0].nonce, 5);
    scene.chain.ask("anvil_dropAllTransactions", json!([])).await;
    scene.chain.ask("anvil_setNonce", json!([relayer(), "0x0"])).await;
    scene.until_final(&digest).await;
    scene.assert_settled(1, 6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nonce_used_by_another_program_costs_nothing_but_a_new_one() {
    let scene = Scene::started(PLAIN).await;
    let digest = scene.submit(0).await;
    scene.until_pending(1).await;
    scene.send_foreign(0).await;
    until("the foreign transaction is mined", || async {
        scene.chain.mine(1).await;
        scene.nonce().await > 0
    })
    .await;
    scene.until_final(&digest).await;
    scene.assert_settled(1, 2).await;
}

/// Blocks far below finality are gone, as on a chain that was restored from a backup.
#[tokio::test(flavor = "multi_thread")]
async fn the_nonce_goes_down_with_the_chain() {
    let scene = Scene::started(PLAIN).await;
    let snapshot = scene.chain.ask("evm_snapshot", json!([])).await;
    let first = scene.submit(0).await;
    scene.until_final(&first).await;
    assert_eq!(scene.nonce().await, 1);
    scene.chain.ask("evm_revert", json!([snapshot])).await;
    assert_eq!(scene.nonce().await, 0);
    scene.chain.mine(4).await;
    scene.chain.ask("evm_increaseTime", json!([3_600])).await;
    let second = scene.submit(0).await;
    assert_eq!(scene.until_pending(1).await[0].nonce, 0);
    scene.until_final(&second).await;
    scene.assert_settled(1, 1).await;
}
