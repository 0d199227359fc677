//! Everything at once, from a seed.

use super::*;

/// Another seed: `CHASSIS_CHAOS_SEED=7 cargo nextest run -p chassis-tests chaos`.
const SEED: u64 = 5;

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_drains_through_chaos_and_each_bundle_has_one_effect() {
    let seed = std::env::var("CHASSIS_CHAOS_SEED").map_or(SEED, |text| text.parse().unwrap());
    let mut scene = Scene::started(Setup {
        machines: 3,
        proxies: 3,
        top: "max_batch = 1",
        ..PLAIN
    })
    .await;
    for (index, proxy) in (0..).zip(&scene.proxies) {
        proxy.chaos(seed * 10 + index, 25);
    }
    scene.keep_mining();
    let mut digests = Vec::new();
    for round in 0..2_u64 {
        for machine in 0..3 {
            digests.push(scene.submit(machine).await);
        }
        tokio::time::sleep(Duration::from_millis(700)).await;
        // What is not final may be taken back, and the power may fail.
        scene.chain.ask("anvil_reorg", json!([1, []])).await;
        if (seed + round).is_multiple_of(2) {
            scene.relayer.kill();
            scene.relayer.start(None).await;
        }
    }
    for digest in &digests {
        until(&format!("{digest} is final (seed {seed})"), || async {
            scene.state(digest).await == "final"
        })
        .await;
    }
    for proxy in &scene.proxies {
        proxy.behave();
    }
    scene.mining.store(false, Ordering::Relaxed);
    // A bundle that came while another of its operator's was on its way may have found itself attested for as long.
    let (batches, transactions) = (scene.chain.batches().await, scene.nonce().await);
    assert!((3..=6).contains(&batches), "{batches} batches for 6 bundles");
    let ours: std::collections::BTreeSet<_> = scene.proxies.iter().flat_map(Proxy::sent).collect();
    let nonces: std::collections::BTreeSet<_> = ours
        .iter()
        .map(|raw| TxEnvelope::decode_2718(&mut &**raw).unwrap().nonce())
        .collect();
    assert_eq!(
        nonces,
        (0..transactions).collect(),
        "each nonce is one of ours, and each of ours is mined"
    );
    assert_eq!(
        batches, transactions,
        "each transaction had an effect: none was doubled"
    );
    scene.assert_settled(batches, transactions).await;
}
