//! The index of the registry's log in a running relayer: whole, in order, once, and never a wrong state said to be good.

use alloy::{providers::Provider as _, sol_types::SolEvent as _};
use chassis_relayer::{
    failpoint::INDEX,
    index::event_json,
    registry::IProofOfCloudRegistry::{BatchPosted, StatusChanged},
    replay::RegistryLog,
};
use serde_json::{Value, json};

use super::{
    World,
    chain::until,
    history::{HOUR, History, operator, platform},
    liar::{Liar, Lie},
    postgres::Postgres,
};

/// The one of [`INDEX`] that takes a reorg.
const ROLLED_BACK: &str = "index_rolled_back";

async fn get(world: &World, path: &str) -> (u16, Value) {
    let answer = reqwest::get(format!("{}{path}", world.relayer.url))
        .await
        .unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or(Value::Null))
}

/// Every event there is, page by page.
async fn all(world: &World, query: &str) -> Vec<Value> {
    let mut events = Vec::new();
    let mut after = String::new();
    loop {
        let (status, page) = get(world, &format!("/v1/events?limit=7{query}{after}")).await;
        if status == 503 {
            return events;
        }
        assert_eq!(status, 200, "{page}");
        let page_events = page["events"].as_array().unwrap();
        events.extend(page_events.iter().cloned());
        if page["hasMore"] == json!(false) {
            return events;
        }
        after = format!("&after={}", page["next"].as_str().unwrap());
    }
}

/// Without what depends on the question.
fn plain(events: &[Value]) -> Vec<Value> {
    let mut events = events.to_vec();
    for event in &mut events {
        let event = event.as_object_mut().unwrap();
        event.remove("cursor");
        event.remove("isFinal");
    }
    events
}

fn expected(logs: &[RegistryLog]) -> Vec<Value> {
    logs.iter().map(event_json).collect()
}

/// Waits until the index shows all of the registry's log, and shows it right.
async fn complete(world: &World, history: &History<'_>, query: &str) {
    let logs = expected(&history.logs(0).await);
    until("the index shows the log, and nothing else", || async {
        plain(&all(world, query).await) == logs
    })
    .await;
}

async fn metric(world: &World, name: &str) -> u64 {
    let text = reqwest::get(format!("{}/metrics", world.relayer.url))
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let line = text.lines().find(|line| line.starts_with(&format!("{name} ")));
    line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
}

/// What is scraped is a second old at most.
async fn until_diverged(world: &World, is_diverged: u64) {
    until("the metric says so", || async {
        metric(world, "chassis_index_diverged").await == is_diverged
    })
    .await;
}

async fn ready_reasons(world: &World) -> String {
    get(world, "/readyz").await.1["reasons"].to_string()
}

fn policy(world: &World) -> alloy::primitives::B256 {
    world.cloud.policy().digest().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_anywhere_the_index_goes_on_where_it_was() {
    goes_on(World::new().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_anywhere_the_index_goes_on_where_it_was_in_postgres_too() {
    let mut world = World::new().await;
    let _server = in_postgres(&mut world);
    goes_on(world).await;
}

async fn until_dead(world: &mut World, failpoint: &str) {
    for _ in 0..600 {
        if world.relayer.is_dead() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("it never came to `{failpoint}`");
}

async fn goes_on(mut world: World) {
    let registry = world.chain.registry;
    {
        let history = History::new(&world.chain, policy(&world));
        history.enrol(&[1, 2, 3], 0xa1).await;
        history.renew(&[1, 2], 13 * HOUR).await;
    }
    // Where a reorg is undone, `takes_back` goes by.
    for failpoint in INDEX.iter().filter(|point| **point != ROLLED_BACK) {
        world.relayer.configure(|text| {
            let text = text.split("[index]").next().unwrap().to_owned();
            text + "[index]\nmax_range = 3\n"
        });
        world.relayer.start(Some(failpoint)).await;
        until_dead(&mut world, failpoint).await;
        History::new(&world.chain, policy(&world))
            .renew(&[1, 3], 14 * HOUR)
            .await;
    }
    world.relayer.start(None).await;
    let history = History::new(&world.chain, policy(&world));
    history.freeze(operator(2)).await;
    history.enrol(&[1, 4], 0xa2).await;
    complete(&world, &history, "").await;

    // The questions there are.
    let logs = history.logs(0).await;
    let of_kind = all(&world, "&kind=BatchPosted").await;
    let batches = logs.iter().filter(|log| log.event.name() == "BatchPosted");
    assert_eq!(plain(&of_kind), batches.map(event_json).collect::<Vec<_>>());
    let about = |n: u8| format!("&operator={}", operator(n));
    let kinds = |events: &[Value]| -> Vec<String> {
        let kinds = events
            .iter()
            .map(|event| event["kind"].as_str().unwrap().to_owned());
        kinds.collect()
    };
    assert_eq!(
        kinds(&all(&world, &about(2)).await),
        ["OperatorGranted", "BatchPosted", "StatusChanged"],
        "granted, renewed, frozen"
    );
    let both = format!("{}&platform={}", about(1), platform(0xa1));
    assert_eq!(
        kinds(&all(&world, &both).await),
        ["OperatorGranted"; 2],
        "came, and left"
    );

    let (status, page) = get(&world, &format!("/v1/platforms/{}", platform(0xa2))).await;
    assert_eq!((status, &page["status"]), (200, &json!("active")), "{page}");
    let members = page["members"].as_array().unwrap();
    let members: Vec<_> = members.iter().map(|member| member["operator"].clone()).collect();
    assert_eq!(members, [json!(operator(1)), json!(operator(4))]);
    assert_eq!(page["history"].as_array().unwrap().len(), 3);
    let (status, batch) = get(&world, "/v1/batches/1").await;
    assert_eq!(status, 200, "{batch}");
    let root = world.chain.registry().batchRoot(1).call().await.unwrap();
    assert_eq!(batch["root"], json!(root));
    assert_eq!(batch["leaves"].as_array().unwrap().len(), 2);
    assert_eq!(batch["leaves"][0]["operator"], json!(operator(1)));
    assert_eq!(batch["signers"].as_array().unwrap().len(), 1);
    for (path, status) in [
        ("/v1/batches/99", 404),
        ("/v1/batches/x", 404),
        ("/v1/platforms/0x00", 404),
        (&format!("/v1/platforms/{}", platform(0xee)), 404),
        ("/v1/events?after=7", 400),
        ("/v1/events?kind=Nothing", 400),
        ("/v1/events?limit=0", 400),
        ("/v1/events?limit=1001", 400),
        ("/v1/events?operator=0x12", 400),
        ("/v1/events?what=1", 400),
    ] {
        let (found, problem) = get(&world, path).await;
        assert_eq!(
            (found, problem["status"].as_u64()),
            (status, Some(status.into())),
            "{path}: {problem}"
        );
    }
    assert_eq!(metric(&world, "chassis_index_diverged").await, 0);
    assert_eq!(registry, world.chain.registry);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_reorg_takes_back_is_taken_back() {
    takes_back(World::with_epoch(10).await, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_it_takes_back_what_a_reorg_did_it_goes_on_where_it_was() {
    assert!(INDEX.contains(&ROLLED_BACK));
    takes_back(World::with_epoch(10).await, Some(ROLLED_BACK)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_reorg_takes_back_is_taken_back_in_postgres_too() {
    let mut world = World::with_epoch(10).await;
    let _server = in_postgres(&mut world);
    takes_back(world, None).await;
}

async fn takes_back(mut world: World, failpoint: Option<&str>) {
    world.relayer.start(failpoint).await;
    let history = History::new(&world.chain, policy(&world));
    history.enrol(&[1, 2], 0xa1).await;
    world.chain.mine(25).await;
    complete(&world, &history, "").await;

    let snapshot: Value = world
        .chain
        .provider
        .raw_request("evm_snapshot".into(), ())
        .await
        .unwrap();
    history.renew(&[1], 13 * HOUR).await;
    history.freeze(operator(2)).await;
    history.mine().await;
    complete(&world, &history, "&pending=true").await;
    let before = all(&world, "&pending=true").await;
    assert_eq!(before.last().unwrap()["isFinal"], json!(false));
    assert_eq!(before.last().unwrap()["kind"], json!("StatusChanged"));

    let _: Value = world
        .chain
        .provider
        .raw_request("evm_revert".into(), [snapshot])
        .await
        .unwrap();
    if let Some(failpoint) = failpoint {
        until_dead(&mut world, failpoint).await;
        world.relayer.start(None).await;
    }
    // Another one: nonces are lower again.
    let history = History::new(&world.chain, policy(&world));
    history.enrol(&[3], 0xa1).await;
    history.renew(&[2], 14 * HOUR).await;
    complete(&world, &history, "&pending=true").await;
    let after = all(&world, "&pending=true").await;
    assert_ne!(before, after);
    world.chain.mine(25).await;
    complete(&world, &history, "").await;
    // What was counted before it died is not.
    if failpoint.is_none() {
        assert!(metric(&world, "chassis_index_reorgs_total").await > 0);
    }
    assert_eq!(metric(&world, "chassis_index_divergences_total").await, 0);
}

/// The relayer's database is on this server, for as long as it is there.
fn in_postgres(world: &mut World) -> Postgres {
    let server = Postgres::start();
    let section = format!("\n[store]\nurl = {:?}\n", server.url("postgres"));
    world.relayer.configure(|text| text + &section);
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_one_endpoint_made_up_does_not_become_final() {
    let (mut world, liar) = before(World::with_epoch(10).await).await;
    world.relayer.start(None).await;
    let history = History::new(&world.chain, policy(&world));
    history.enrol(&[1], 0xa1).await;
    let mine = async || {
        let _: Value = world
            .chain
            .provider
            .raw_request("anvil_mine".into(), [25])
            .await
            .unwrap();
    };
    mine().await;
    complete(&world, &history, "").await;

    liar.tell(Lie::LaterBlocks(7));
    history.freeze(operator(1)).await;
    let logs = expected(&history.logs(0).await);
    until("the lie is in the tail", || async {
        let told = plain(&all(&world, "&pending=true").await);
        told.len() == logs.len() && told != logs
    })
    .await;
    liar.tell(Lie::Truth);
    mine().await;
    complete(&world, &history, "").await;
    assert_eq!(metric(&world, "chassis_index_divergences_total").await, 0);
}

/// The index, behind an endpoint that can lie.
async fn behind_a_liar() -> (World, Liar) {
    before(World::new().await).await
}

async fn before(world: World) -> (World, Liar) {
    let liar = Liar::before(&world.chain.url).await;
    world
        .relayer
        .configure(|text| text.replace(&world.chain.url, &liar.url));
    (world, liar)
}

#[tokio::test(flavor = "multi_thread")]
async fn short_answers_and_small_ranges_make_it_slower_and_not_wrong() {
    let (mut world, liar) = behind_a_liar().await;
    {
        let history = History::new(&world.chain, policy(&world));
        history.enrol(&[1, 2, 3, 4], 0xa1).await;
        for hours in [13, 14, 15, 16] {
            history.renew(&[1, 2], hours * HOUR).await;
            history
                .freeze(operator(0x10 + u8::try_from(hours).unwrap()))
                .await;
        }
    }
    // More than the creation's logs, fewer than all; and no word about it.
    liar.tell(Lie::First(17));
    world.relayer.start(None).await;
    let history = History::new(&world.chain, policy(&world));
    complete(&world, &history, "").await;
    assert_eq!(metric(&world, "chassis_index_divergences_total").await, 0);
    liar.tell(Lie::AtMost(2));
    let _: Value = world
        .chain
        .provider
        .raw_request("anvil_mine".into(), [60])
        .await
        .unwrap();
    history.renew(&[3], 13 * HOUR).await;
    complete(&world, &history, "").await;
    assert_eq!(metric(&world, "chassis_index_divergences_total").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_left_out_is_an_alarm_and_never_a_state() {
    let (mut world, liar) = behind_a_liar().await;
    world.relayer.start(None).await;
    let history = History::new(&world.chain, policy(&world));
    history.enrol(&[1, 2], 0xa1).await;
    complete(&world, &history, "").await;

    let mut frozen = 0x20;
    for lie in [
        Lie::Omit(StatusChanged::SIGNATURE_HASH),
        Lie::Empty,
        Lie::Forge,
        Lie::First(0),
        Lie::Flag,
    ] {
        liar.tell(lie);
        frozen += 1;
        // What the head does not cover, the registry's words do.
        if lie == Lie::Flag {
            history.enrol(&[3], 0xa2).await;
        } else {
            history.freeze(operator(frozen)).await;
        }
        let block = history.logs(0).await.last().unwrap().at.block;
        until("the alarm", || async {
            ready_reasons(&world).await.contains("not what its log says")
        })
        .await;
        let reasons = ready_reasons(&world).await;
        assert!(reasons.contains(&format!("block {block} ")), "{block}: {reasons}");
        until_diverged(&world, 1).await;
        history.mine().await;
        history.mine().await;
        // Whatever is shown is right, and ends before the lie.
        let logs = history.logs(0).await;
        let shown = all(&world, "&pending=true").await;
        assert!(shown.len() < logs.len(), "{lie:?}");
        assert_eq!(plain(&shown), expected(&logs[..shown.len()]));

        liar.tell(Lie::Truth);
        complete(&world, &history, "").await;
        until("no alarm", || async {
            !ready_reasons(&world).await.contains("log says")
        })
        .await;
        until_diverged(&world, 0).await;
    }
    assert!(metric(&world, "chassis_index_divergences_total").await >= 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_endpoints_the_one_that_leaves_out_is_not_believed() {
    let (mut world, liar) = behind_a_liar().await;
    let honest = world.chain.url.clone();
    world
        .relayer
        .configure(|text| format!("{text}\n[rpc]\nurls = [\"{honest}\"]\n"));
    liar.tell(Lie::Omit(BatchPosted::SIGNATURE_HASH));
    world.relayer.start(None).await;
    let history = History::new(&world.chain, policy(&world));
    history.enrol(&[1, 2], 0xa1).await;
    history.renew(&[1], 13 * HOUR).await;
    complete(&world, &history, "").await;
    // A word that no head covers: what is shown was compared with it, in ranges and block by block.
    liar.tell(Lie::Flag);
    history.enrol(&[1, 3], 0xa2).await;
    complete(&world, &history, "&pending=true").await;
    world.relayer.kill();
    history.enrol(&[4, 5], 0xa3).await;
    for _ in 0..8 {
        history.mine().await;
    }
    world.relayer.start(None).await;
    complete(&world, &history, "").await;
    assert_eq!(metric(&world, "chassis_index_divergences_total").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_final_and_is_not_any_more_is_an_alarm_and_read_anew() {
    reads_anew(World::new().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_final_and_is_not_any_more_is_an_alarm_and_read_anew_in_postgres_too() {
    let mut world = World::new().await;
    let _server = in_postgres(&mut world);
    reads_anew(world).await;
}

async fn reads_anew(mut world: World) {
    world.relayer.start(None).await;
    let history = History::new(&world.chain, policy(&world));
    history.enrol(&[1, 2], 0xa1).await;
    let snapshot: Value = world
        .chain
        .provider
        .raw_request("evm_snapshot".into(), ())
        .await
        .unwrap();
    history.freeze(operator(2)).await;
    history.renew(&[1], 13 * HOUR).await;
    complete(&world, &history, "").await;
    let _: Value = world
        .chain
        .provider
        .raw_request("evm_revert".into(), [snapshot])
        .await
        .unwrap();
    let history = History::new(&world.chain, policy(&world));
    history.renew(&[2], 13 * HOUR).await;
    let _: Value = world
        .chain
        .provider
        .raw_request("anvil_mine".into(), [10])
        .await
        .unwrap();
    complete(&world, &history, "").await;
    assert!(metric(&world, "chassis_index_divergences_total").await >= 1);
}
