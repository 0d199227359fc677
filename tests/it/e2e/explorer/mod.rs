//! The explorer's pages in a real browser, its feeds, and what it makes of a hostile archive.

mod alone;
mod browser;
mod lists;
mod live;
mod sanctions;
mod search;
mod town;

use chassis_sim::machine::MachineSpec;
use serde_json::json;

use super::{
    World,
    chain::{Chain, signer, until},
    digest,
    history::History,
    programs::attest,
};
use alone::{alone_with_a_folder, alone_with_a_hostile_archive};
use browser::browse;
use lists::{feeds, lists};
use live::live;
use sanctions::{convicted, stopped};
use search::searches;
use town::{
    DEREGISTERED, EXPIRED, FROZEN, MOVED, ON_FROZEN_PLATFORM, OPERATORS, OUT_OF_DATE, RECOVERED, REVOKED,
    Town, operator, platform,
};

/// The operator with a real machine.
const REAL: usize = 2;
const SCRIPT: &str = "<script>window.hostile = 1</script>";
const IMAGE: &str = "<img src=x onerror=\"window.hostile = 1\">";

#[tokio::test(flavor = "multi_thread")]
async fn every_page_holds_in_a_browser() {
    let mut world = World::new().await;
    let machine = world.cloud.boot(MachineSpec::new("a")).unwrap();
    world
        .relayer
        .start_with(&[
            ("CHASSIS_LIMITS__CLIENT_PER_SECOND", "0"),
            ("CHASSIS_EXPLORER__LIVE_PER_CLIENT", "5"),
        ])
        .await;
    let bundle = attest(&world.chain, &world.cloud, &machine.parts(), REAL);
    let (_, answer) = world.relayer.post(&bundle).await;
    let evidence = digest(&answer);
    let done = world.relayer.until_state(&evidence, "final").await;

    let policy = world.cloud.policy().digest().unwrap();
    let mut town = Town {
        history: History::new(&world.chain, policy),
    };
    town.build().await;
    shown(&world.relayer.url, &world.chain).await;
    the_registry_says_the_same(&world.relayer.url, &world.chain).await;

    let real = signer(REAL).address();
    let gone = signer(DEREGISTERED).address();
    let (frozen, moved) = (operator(FROZEN), operator(MOVED));
    let page =
        |name: &str, path: String, expect: &[&str]| json!({"name": name, "path": path, "expect": expect});
    let pages = json!([
        page("overview", "/".into(), &["of 102", "Expiring soon", "Provider 3", "chassis audit"]),
        page("operators", "/operators".into(), &["102 ever granted", "Next page"]),
        page("operators-frozen", "/operators?standing=frozen".into(), &["3 Frozen"]),
        page("operator-real", format!("/operators/{real}"), &["td.quote", "cross.rtmr1", &evidence, "Expired"]),
        page("operator-recovered", format!("/operators/{}", operator(RECOVERED)), &["Attested", "OutOfDate", "--reappraise"]),
        page("operator-frozen", format!("/operators/{frozen}"), &["Frozen", "answers false", "by a guardian", "reason 102"]),
        page("operator-on-frozen-platform", format!("/operators/{}", operator(ON_FROZEN_PLATFORM)), &["Frozen"]),
        page("operator-revoked", format!("/operators/{}", operator(REVOKED)), &["Revoked", "answers false"]),
        page("operator-expired", format!("/operators/{}", operator(EXPIRED)), &["Expired", "ran out"]),
        page("operator-below", format!("/operators/{}", operator(OUT_OF_DATE)), &["Below default", "OutOfDate"]),
        page("operator-moved", format!("/operators/{moved}"), &["Attested"]),
        page("operator-gone", format!("/operators/{gone}"), &["Deregistered", "by the operator itself"]),
        page("operator-unknown", format!("/operators/{}", operator(9_999)), &["Not attested"]),
        page("platforms", "/platforms".into(), &["Automated", "Frozen"]),
        page("platform", format!("/platforms/{}", platform(60)), &["Custody", "Operators here"]),
        page("platform-frozen", format!("/platforms/{}", platform(ON_FROZEN_PLATFORM)), &["Frozen", "No operator on it is attested"]),
        page("batches", "/batches".into(), &["2 of 3"]),
        page("batch", "/batches/6".into(), &["Signed by", "Grant"]),
        page("relayers", "/relayers".into(), &["1 of them disabled", "2 of 3", "Governor", "by proof of equivocation"]),
        page("changes", "/changes".into(), &["Expired", "Levels changed"]),
        page("search-hostile", format!("/search?q={}", encoded(SCRIPT)), &[SCRIPT]),
        {"name": "missing", "path": "/operators/nobody", "expect": "no address", "status": 404},
    ]);
    browse("relay", &world.relayer.url, &pages).await;

    convicted(&world.relayer.url, &town).await;
    feeds(&world.relayer.url).await;
    lists(&world.relayer.url).await;
    searches(&world.relayer.url, &evidence, &done, &town).await;
    live(&world.relayer.url, &town).await;
    alone_with_a_hostile_archive(&world.chain).await;
    alone_with_a_folder(&world, &real, &evidence).await;
    stopped(&world.relayer.url, &town).await;
}

/// Waits until the explorer has come to the end of the log.
async fn shown(url: &str, chain: &Chain) {
    let batches = chain.batches().await;
    until("the last batch is shown", || async {
        let answer = reqwest::get(format!("{url}/batches/{}", batches - 1)).await;
        answer.is_ok_and(|answer| answer.status() == 200)
    })
    .await;
}

/// For every operator, the list says what `isAttested` does.
async fn the_registry_says_the_same(url: &str, chain: &Chain) {
    let mut listed = String::new();
    let mut from = String::new();
    loop {
        let page = text(&format!("{url}/operators?standing=attested{from}")).await;
        let next = page
            .split("&amp;after=")
            .nth(1)
            .and_then(|rest| rest.split('"').next());
        listed.push_str(&page);
        match next {
            Some(next) => from = format!("&after={next}"),
            None => break,
        }
    }
    let mut attested = 0;
    for n in 1..=OPERATORS {
        let said = chain.registry().isAttested_0(operator(n)).call().await.unwrap();
        assert_eq!(listed.contains(&operator(n).to_string()), said, "operator {n}");
        attested += usize::from(said);
    }
    assert!((50..100).contains(&attested), "{attested}");
}

async fn text(url: &str) -> String {
    reqwest::get(url).await.unwrap().text().await.unwrap()
}

fn encoded(text: &str) -> String {
    let bytes: Vec<_> = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
    bytes.concat()
}
