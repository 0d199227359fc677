//! The explorer's pages in a real browser, its feeds, and what it makes of a hostile archive.

mod town;

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use alloy::primitives::{Address, B256};
use axum::{Json, Router, extract::Path as InPath, routing::get};
use chassis_relayer::{registry::IProofOfCloudRegistry::freezeOperatorCall, replay::Event};
use chassis_sim::machine::MachineSpec;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::{
    World,
    chain::{Chain, free_port, signer, until},
    digest,
    history::{GUARDIAN, History},
    programs::{attest, binary},
};
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
            ("CHASSIS_EXPLORER__LIVE_CONNECTIONS", "8"),
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
        page("relayers", "/relayers".into(), &["1 of them disabled", "2 of 3", "Governor"]),
        page("changes", "/changes".into(), &["Expired", "Levels changed"]),
        page("search-hostile", format!("/search?q={}", encoded(SCRIPT)), &[SCRIPT]),
        {"name": "missing", "path": "/operators/nobody", "expect": "no address", "status": 404},
    ]);
    browse("relay", &world.relayer.url, &pages).await;

    feeds(&world.relayer.url).await;
    searches(&world.relayer.url, &evidence, &done, &town).await;
    live(&world.relayer.url, &town).await;
    alone_with_a_hostile_archive(&world.chain).await;
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

/// Where the tests of pages are, and where their pictures go.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("browser")
}

fn plan(name: &str, url: &str, pages: &Value) -> PathBuf {
    let modules = folder().join("node_modules");
    assert!(
        modules.exists(),
        "{} is missing; run `scripts/setup.sh`",
        modules.display()
    );
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("explorer").join(name);
    std::fs::create_dir_all(&out).unwrap();
    let plan = out.join("plan.json");
    let content = json!({"base": url, "out": out, "chromium": "/usr/bin/chromium", "pages": pages});
    std::fs::write(&plan, content.to_string()).unwrap();
    plan
}

async fn browse(name: &str, url: &str, pages: &Value) {
    let plan = plan(name, url, pages);
    let output = tokio::process::Command::new("node")
        .arg(folder().join("run.mjs"))
        .arg(plan)
        .output()
        .await
        .unwrap();
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

async fn feeds(url: &str) {
    let answer = reqwest::get(format!("{url}/feed.json")).await.unwrap();
    assert_eq!(
        answer.headers()["content-type"],
        "application/feed+json; charset=utf-8"
    );
    let feed: Value = answer.json().await.unwrap();
    assert_eq!(feed["version"], "https://jsonfeed.org/version/1.1");
    assert_eq!(feed["feed_url"], json!(format!("{url}/feed.json")));
    let items = feed["items"].as_array().unwrap();
    assert_eq!(items.len(), 100);
    let ids: std::collections::BTreeSet<_> = items.iter().map(|item| item["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), items.len(), "each once");
    let times: Vec<_> = items
        .iter()
        .map(|item| item["date_published"].as_str().unwrap())
        .collect();
    assert!(times.is_sorted_by(|a, b| a >= b), "the last first");

    let frozen = operator(FROZEN);
    let feed: Value = reqwest::get(format!("{url}/operators/{frozen}/feed.json"))
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let kinds: Vec<_> = feed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["_chassis"]["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["frozen", "granted"]);
    let expired = operator(EXPIRED);
    let feed: Value = reqwest::get(format!("{url}/operators/{expired}/feed.json"))
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(feed["items"][0]["_chassis"]["kind"], "expired");

    let atom = text(&format!("{url}/feed.atom")).await;
    assert!(
        atom.starts_with("<?xml") && atom.matches("<entry>").count() == 100,
        "{atom}"
    );
    assert_eq!(
        atom.matches("<link ").count(),
        atom.matches("/>").count(),
        "well formed"
    );
}

/// Everything that has a name leads to its page.
async fn searches(url: &str, evidence: &str, done: &Value, town: &Town<'_>) {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let leads = async |question: &str| {
        let answer = client
            .get(format!("{url}/search?q={}", encoded(question)))
            .send()
            .await
            .unwrap();
        let to = answer
            .headers()
            .get("location")
            .map(|to| to.to_str().unwrap().to_owned());
        to.unwrap_or_else(|| format!("{}", answer.status()))
    };
    let real = signer(REAL).address();
    let frozen = operator(FROZEN);
    let logs = town.history.logs(0).await;
    let renewed = logs.iter().rev().find_map(|log| match &log.event {
        Event::BatchPosted(batch) => Some((batch.batch, *batch.digests.first()?)),
        _ => None,
    });
    let (batch, renewal) = renewed.unwrap();
    assert_eq!(
        leads(&renewal.to_string()).await,
        format!("/batches/{batch}#leaf-{renewal}")
    );
    assert_eq!(
        leads(&frozen.to_string().to_lowercase()).await,
        format!("/operators/{frozen}")
    );
    assert_eq!(
        leads(&platform(60).to_string()).await,
        format!("/platforms/{}", platform(60))
    );
    assert_eq!(leads(evidence).await, format!("/operators/{real}#checks"));
    let result = done["result"].as_str().unwrap();
    assert_eq!(leads(result).await, format!("/batches/0#leaf-{result}"));
    assert_eq!(leads("#3").await, "/batches/3");
    assert_eq!(leads(done["transaction"].as_str().unwrap()).await, "/batches/0");
    assert_eq!(
        leads(&signer(4).address().to_string()).await,
        format!("/relayers#{}", signer(4).address())
    );
    for nothing in ["", "x", &B256::repeat_byte(9).to_string(), "99999999"] {
        assert_eq!(leads(nothing).await, "200 OK", "{nothing}");
    }
}

/// A page that is open is told of a freeze; so is a program, which comes back to where it was.
async fn live(url: &str, town: &Town<'_>) {
    let target = operator(66);
    let pages = json!([{"name": "operator", "path": format!("/operators/{target}"), "live": "Frozen"}]);
    let mut browser = tokio::process::Command::new("node")
        .arg(folder().join("run.mjs"))
        .arg(plan("live", url, &pages))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(browser.stdout.take().unwrap()).lines();
    assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("listening"));

    let feed: Value = reqwest::get(format!("{url}/feed.json"))
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let last = feed["items"][0]["_chassis"]["cursor"]
        .as_str()
        .unwrap()
        .to_owned();
    let freeze = freezeOperatorCall {
        operator: target,
        reason: 1,
        evidenceHash: B256::ZERO,
    };
    town.history.send(GUARDIAN, &freeze).await;
    // Others may have been frozen since the feed was read.
    let told = events(url, &format!("after={last}"), None, target).await;
    let change = told.iter().find(|event| is_change_of(event, target)).unwrap();
    assert!(change.contains("\"kind\":\"frozen\""), "{change}");
    let again = events(url, "", Some(&last), target).await;
    assert!(again.contains(change), "{again:?}");
    let others = told_of(url, &format!("after={last}&operator={}", operator(1)), None, 5).await;
    assert!(
        others.iter().all(|event| !event.contains("event: change")),
        "{others:?}"
    );

    let output = browser.wait_with_output().await.unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );

    // Places are few, and given back.
    let mut open = Vec::new();
    loop {
        let answer = reqwest::get(format!("{url}/live")).await.unwrap();
        if answer.status() == 503 {
            assert!(!open.is_empty());
            assert!(answer.headers().contains_key("retry-after"));
            break;
        }
        open.push(answer);
        assert!(open.len() <= 8, "more than there are places");
    }
    drop(open);
    until("places are free again", || async {
        reqwest::get(format!("{url}/live")).await.unwrap().status() == 200
    })
    .await;
}

async fn events(url: &str, query: &str, last: Option<&str>, about: Address) -> Vec<String> {
    let mut told = Vec::new();
    until("an event is told", || async {
        told_of(url, query, last, 2)
            .await
            .iter()
            .any(|event| is_change_of(event, about))
    })
    .await;
    told.extend(told_of(url, query, last, 3).await);
    told
}

fn is_change_of(event: &str, operator: Address) -> bool {
    event.contains("event: change") && event.contains(&operator.to_string().to_lowercase())
}

/// What is told within some seconds.
async fn told_of(url: &str, query: &str, last: Option<&str>, seconds: u64) -> Vec<String> {
    let mut request = reqwest::Client::new().get(format!("{url}/live?{query}"));
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let mut answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut text = String::new();
    let end = tokio::time::Instant::now() + Duration::from_secs(seconds);
    while let Ok(Ok(Some(piece))) = tokio::time::timeout_at(end, answer.chunk()).await {
        text.push_str(&String::from_utf8_lossy(&piece));
    }
    text.split("\n\n").map(str::to_owned).collect()
}

/// `chassis explore`, killed on drop.
struct Explore(Child);

impl Drop for Explore {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whatever the archive says is shown as text, whoever says it.
async fn alone_with_a_hostile_archive(chain: &Chain) {
    let archive = hostile_archive().await;
    let port = free_port();
    let _explore = Explore(
        Command::new(binary("chassis"))
            .args([
                "explore",
                "--rpc",
                &chain.url,
                "--registry",
                &chain.registry.to_string(),
            ])
            .args(["--archive", &archive, "--listen", &format!("127.0.0.1:{port}")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let url = format!("http://127.0.0.1:{port}");
    shown(&url, chain).await;
    let pages = json!([
        {"name": "overview", "path": "/", "expect": "of 102"},
        {"name": "hostile", "path": format!("/operators/{}", operator(MOVED)), "expect": [SCRIPT, IMAGE, "td.quote"]},
        {"name": "nowhere", "path": format!("/{}", encoded(SCRIPT)), "expect": "no such page", "status": 404},
    ]);
    browse("explore", &url, &pages).await;
}

/// Has an appraisal for every digest, all of it hostile.
async fn hostile_archive() -> String {
    let result = async |InPath(digest): InPath<String>| {
        let zero = B256::ZERO;
        Json(json!({
            "attestable": true,
            "digest": digest,
            "evidenceDigest": zero,
            "policyDigest": zero,
            "endorsementsDigest": zero,
            "asOf": 1,
            "checks": [
                {"id": 101, "name": SCRIPT, "outcome": "pass", "facts": {}, "detail": SCRIPT, "rule": IMAGE},
                {"id": 9999, "name": IMAGE, "outcome": SCRIPT, "facts": {}, "detail": format!("\u{202e}{IMAGE}")},
            ],
        }))
    };
    let router = Router::new().route("/v1/results/{digest}", get(result));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, router).await });
    url
}
