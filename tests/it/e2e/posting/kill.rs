//! The process dies at every fail point there is, and comes back: exactly one effect on chain per bundle.

use chassis_relayer::failpoint::{ALL, Way};

use super::{
    trouble::{late, overtaken, reverted, waiting_too_long},
    *,
};

/// Every point on one way, on one chain: a new bundle for each.
#[tokio::test(flavor = "multi_thread")]
async fn killed_anywhere_on_the_straight_way_it_posts_once() {
    let mut scene = Scene::new(PLAIN).await;
    for (number, point) in (1..).zip(points(Way::Straight)) {
        scene.relayer.start(Some(point)).await;
        let digest = scene.submit(0).await;
        scene.keep_mining();
        scene.until_dead(point).await;
        scene.mining.store(false, Ordering::Relaxed);
        scene.relayer.start(None).await;
        scene.until_final(&digest).await;
        scene.assert_settled(number, number).await;
        scene.relayer.kill();
    }
}

/// Nothing was acknowledged: whoever sent it sends it again.
#[tokio::test(flavor = "multi_thread")]
async fn killed_while_it_takes_a_bundle_in_it_posts_once() {
    let mut scene = Scene::new(PLAIN).await;
    for (number, point) in (1..).zip(points(Way::Intake)) {
        scene.relayer.start(Some(point)).await;
        let bundle = scene.attested(0).await;
        let url = format!("{}/v1/bundles", scene.relayer.url);
        let sent = reqwest::Client::new().post(url).body(bundle.clone()).send().await;
        assert!(sent.is_err(), "{point}: {sent:?}");
        scene.until_dead(point).await;
        scene.relayer.start(None).await;
        let (status, answer) = scene.relayer.post(&bundle).await;
        let expected = if point == "received" { 200 } else { 202 };
        assert_eq!(status, expected, "{point}: {answer}");
        let digest = crate::e2e::digest(&answer);
        scene.until_final(&digest).await;
        scene.assert_settled(number, number).await;
        scene.relayer.kill();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_it_offers_more_it_posts_once() {
    for point in points(Way::Spike) {
        let mut scene = dying(PLAIN, point).await;
        let digest = scene.submit(0).await;
        let before = scene.until_pending(1).await[0].clone();
        scene.set_base_fee(before.max_fee / GWEI + 20).await;
        scene.ends_well(point, &digest, 1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_it_closes_a_gap_it_posts_once() {
    for point in points(Way::Gap) {
        let mut scene = dying(PLAIN, point).await;
        scene.chain.ask("anvil_setNonce", json!([relayer(), "0x2"])).await;
        let digest = scene.submit(0).await;
        scene.until_pending(1).await;
        scene.chain.ask("anvil_dropAllTransactions", json!([])).await;
        scene.chain.ask("anvil_setNonce", json!([relayer(), "0x0"])).await;
        scene.ends_well(point, &digest, 3).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_its_nonce_was_lost_it_posts_once() {
    for point in points(Way::Foreign) {
        let mut scene = dying(PLAIN, point).await;
        let digest = scene.submit(0).await;
        scene.until_pending(1).await;
        scene.send_foreign(0).await;
        scene.ends_well(point, &digest, 2).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_a_reorg_it_posts_once() {
    for point in points(Way::Reorg) {
        let mut scene = dying(PLAIN, point).await;
        let digest = scene.submit(0).await;
        scene.until_pending(1).await;
        scene.chain.mine(1).await;
        scene.until_state(&digest, "included").await;
        scene.chain.ask("anvil_reorg", json!([1, []])).await;
        scene.ends_well(point, &digest, 1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_a_report_came_too_late_it_posts_once() {
    for point in points(Way::Late) {
        let setup = Setup {
            top: "max_fee_gwei = 30",
            ..PLAIN
        };
        let mut scene = dying(setup, point).await;
        let digest = late(&scene).await;
        scene.ends_well(point, &digest, 1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_it_was_overtaken_it_posts_nothing_more() {
    for point in points(Way::Overtaken) {
        let mut scene = dying(PLAIN, point).await;
        let digest = overtaken(&scene).await;
        scene.ends_well(point, &digest, 1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_its_own_transaction_reverted_it_posts_nothing_more() {
    for point in points(Way::Reverted) {
        let mut scene = dying(PLAIN, point).await;
        let digest = reverted(&scene).await;
        scene.ends_well(point, &digest, 1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_nothing_took_the_place_of_what_was_too_late_it_posts_once() {
    for point in points(Way::Cancelled) {
        let mut scene = dying(PLAIN, point).await;
        let digest = waiting_too_long(&scene).await;
        scene.ends_well(point, &digest, 2).await;
    }
}

/// Every way has a test above: a new one does not compile without.
#[test]
fn no_way_is_without_a_kill_test() {
    for (_, way) in ALL {
        match way {
            Way::Intake
            | Way::Straight
            | Way::Spike
            | Way::Gap
            | Way::Foreign
            | Way::Reorg
            | Way::Late
            | Way::Overtaken
            | Way::Reverted
            | Way::Cancelled => {}
        }
        assert!(!points(*way).is_empty());
    }
}

fn points(way: Way) -> Vec<&'static str> {
    ALL.iter()
        .filter(|(_, on)| *on == way)
        .map(|(name, _)| *name)
        .collect()
}

async fn dying(setup: Setup, point: &str) -> Scene {
    let mut scene = Scene::new(setup).await;
    scene.relayer.start(Some(point)).await;
    scene
}

impl Scene {
    /// The process dies at the point, comes back, and the bundle has one effect.
    async fn ends_well(&mut self, point: &str, digest: &str, transactions: u64) {
        self.keep_mining();
        self.until_dead(point).await;
        self.mining.store(false, Ordering::Relaxed);
        self.relayer.start(None).await;
        self.until_final(digest).await;
        self.assert_settled(1, transactions).await;
    }
}
