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
    AT_FROZEN_PROVIDER, BYZANTINE, DEREGISTERED, EXPIRED, FROZEN, MOVED, ON_FROZEN_PLATFORM, OPERATORS,
    OUT_OF_DATE, RECOVERED, REVOKED, Town, lie, operator, platform,
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

/// Who was convicted, when, by which transaction, and of what.
async fn convicted(url: &str, town: &Town<'_>) {
    let liar = signer(BYZANTINE).address();
    let page = text(&format!("{url}/relayers")).await;
    let row = page
        .split("<tr")
        .find(|row| row.contains(&format!("id=\"{liar}\"")));
    let row = row.unwrap();
    let logs = town.history.logs(0).await;
    let proof = logs
        .iter()
        .find(|log| log.event.name() == "Equivocation")
        .unwrap();
    let when = chrono(proof.at.time);
    for part in [
        "by proof of equivocation",
        &when,
        &proof.at.transaction.to_string(),
        &lie().to_string(),
    ] {
        assert!(row.contains(part), "{part} in {row}");
    }
    assert_eq!(
        page.matches("by proof of equivocation").count(),
        1,
        "one of three"
    );
}

/// As pages have it.
fn chrono(time: u64) -> String {
    let time = time::OffsetDateTime::from_unix_timestamp(i64::try_from(time).unwrap()).unwrap();
    time.format(&time::format_description::well_known::Rfc3339)
        .unwrap()
}

/// A provider's freeze, then a pause, each as what it is.
async fn stopped(url: &str, town: &Town<'_>) {
    let (hit, other) = (operator(AT_FROZEN_PROVIDER), operator(RECOVERED));
    let own = |who: &Address| format!("/operators/{who}");
    town.freeze_provider().await;
    said(url, &own(&hit), "Its provider was frozen").await;
    let pages = json!([
        {"name": "overview-provider-frozen", "path": "/", "expect": ["Provider 3", "Frozen"]},
        {"name": "operator-provider-frozen", "path": own(&hit), "expect": ["Frozen", "answers false", "Its provider was frozen by a guardian"]},
        {"name": "operator-at-another-provider", "path": own(&operator(61)), "expect": ["Attested"], "forbid": ["provider was frozen"]},
        {"name": "relayers-provider-frozen", "path": "/relayers", "expect": ["1, 2", "No"]},
        {"name": "changes-provider-frozen", "path": "/changes", "expect": ["Providers that count now: 1, 2"]},
    ]);
    browse("provider-frozen", url, &pages).await;
    town.pause().await;
    said(url, "/", "The registry is paused").await;
    let pages = json!([
        {"name": "overview-paused", "path": "/", "expect": ["The registry is paused", "isAttested answers false for all"]},
        {"name": "operators-paused", "path": "/operators", "expect": ["Paused"]},
        {"name": "operators-attested-paused", "path": "/operators?standing=attested", "expect": ["Nobody"]},
        {"name": "operator-paused", "path": own(&other), "expect": ["Paused", "answers false", "The registry was paused by a guardian"]},
        {"name": "relayers-paused", "path": "/relayers", "expect": ["Yes: nobody is attested"]},
    ]);
    browse("paused", url, &pages).await;
}

async fn said(url: &str, path: &str, what: &str) {
    let page = format!("{url}{path}");
    until(what, || async { text(&page).await.contains(what) }).await;
}

/// All pages of a list, each after the one before.
async fn whole(url: &str, path: &str, name: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let mut after = String::new();
    loop {
        let page: Value = serde_json::from_str(&text(&format!("{url}{path}{after}")).await).unwrap();
        let items = page[name].as_array().unwrap_or_else(|| panic!("{page}"));
        all.extend(items.iter().cloned());
        assert!(page["finalized"]["head"].is_string(), "{page}");
        if page["hasMore"] == json!(false) {
            return all;
        }
        let next = &page["next"];
        after = format!("&after={}", next.as_str().map_or(next.to_string(), str::to_owned));
    }
}

/// The same through the interface, page by page, whatever their length.
async fn lists(url: &str) {
    let changes = whole(url, "/v1/changes?limit=7", "changes").await;
    assert_eq!(changes, whole(url, "/v1/changes?limit=1000", "changes").await);
    let ids: Vec<_> = changes
        .iter()
        .map(|change| change["id"].as_str().unwrap())
        .collect();
    assert_eq!(
        ids.iter().collect::<std::collections::BTreeSet<_>>().len(),
        ids.len(),
        "each once"
    );
    assert!(
        changes.is_sorted_by_key(|change| change["time"].as_u64()),
        "the oldest first"
    );
    let mut feed: Vec<String> = Vec::new();
    let mut next = Some(format!("{url}/feed.json"));
    while let Some(page) = next {
        let page: Value = serde_json::from_str(&text(&page).await).unwrap();
        let items = page["items"].as_array().unwrap();
        feed.extend(
            items
                .iter()
                .map(|item| item["_chassis"]["cursor"].as_str().unwrap().to_owned()),
        );
        next = page["next_url"].as_str().map(str::to_owned);
    }
    feed.reverse();
    assert_eq!(feed, ids, "the feed's pages have the same");
    let about = format!("/v1/changes?operator={}", operator(FROZEN));
    let about = whole(url, &about, "changes").await;
    let kinds: Vec<_> = about
        .iter()
        .map(|change| change["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["granted", "frozen"]);

    let operators = whole(url, "/v1/operators?limit=33", "operators").await;
    assert_eq!(operators.len(), 102);
    let attested = whole(url, "/v1/operators?standing=attested&limit=33", "operators").await;
    assert!(attested.iter().all(|o| o["isAttested"] == json!(true)));
    let says_so = operators.iter().filter(|o| o["standing"] == json!("attested"));
    assert_eq!(says_so.cloned().collect::<Vec<_>>(), attested);
    let platforms = whole(url, "/v1/platforms?limit=13", "platforms").await;
    // Fifty and one of the pairs' numbers, and the real machine.
    assert_eq!(platforms.len(), 52);
    let batches = whole(url, "/v1/batches?limit=3", "batches").await;
    let numbers: Vec<_> = batches
        .iter()
        .map(|batch| batch["number"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, (0..batches.len() as u64).collect::<Vec<_>>());
    assert_eq!(batches[1]["signers"].as_array().unwrap().len(), 2);
    for (path, status) in [
        ("/v1/changes?after=7", 400),
        ("/v1/changes?limit=0", 400),
        ("/v1/operators?standing=good", 400),
        ("/v1/operators?after=0x12", 400),
        ("/v1/platforms?after=x", 400),
        ("/v1/batches?after=-1", 400),
        ("/v1/batches?after=99999", 200),
        ("/feed.json?before=x", 400),
    ] {
        let answer = reqwest::get(format!("{url}{path}")).await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
    }
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
        assert!(open.len() <= 5, "more than one client may have");
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

impl Explore {
    /// Says where it answers.
    fn start(chain: &Chain, more: &[&str], deployment: Option<&Path>) -> (String, Self) {
        let port = free_port();
        let listen = format!("127.0.0.1:{port}");
        let mut command = Command::new(binary("chassis"));
        command
            .args(["explore", "--rpc", &chain.url, "--listen", &listen])
            .args(more)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Some(deployment) = deployment {
            command.env("CHASSIS_DEPLOYMENT", deployment);
        }
        (format!("http://{listen}"), Self(command.spawn().unwrap()))
    }
}

/// The registry from the deployment's file, the checks from a folder, and the same lists as a relayer's.
async fn alone_with_a_folder(world: &World, operator: &Address, evidence: &str) {
    let deployment = world.dir.path().join("deployment.json");
    let content = json!({
        "chainId": 31_337, "registry": world.chain.registry, "fromBlock": 1, "relayerUrls": [],
        "archives": [world.dir.path(), world.relayer.archive()], "threshold": 1,
    });
    std::fs::write(&deployment, content.to_string()).unwrap();
    let (url, _explore) = Explore::start(&world.chain, &[], Some(&deployment));
    shown(&url, &world.chain).await;
    let page = text(&format!("{url}/operators/{operator}")).await;
    for part in ["td.quote", evidence, "--archive $ARCHIVE"] {
        assert!(page.contains(part), "{part} in {page}");
    }
    for (path, name) in [
        ("/v1/changes?limit=1000", "changes"),
        ("/v1/platforms?limit=1000", "platforms"),
        ("/v1/batches?limit=1000", "batches"),
        ("/v1/events?limit=1000", "events"),
    ] {
        until(path, || async {
            whole(&url, path, name).await == whole(&world.relayer.url, path, name).await
        })
        .await;
    }
    let document: Value = serde_json::from_str(&text(&format!("{url}/openapi.json")).await).unwrap();
    assert!(document["paths"]["/v1/changes"].is_object());
    assert!(document["paths"]["/v1/bundles"].is_null(), "it takes none");
}

impl Drop for Explore {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whatever the archive says is shown as text, whoever says it.
async fn alone_with_a_hostile_archive(chain: &Chain) {
    let archive = hostile_archive().await;
    let registry = chain.registry.to_string();
    let (url, _explore) = Explore::start(chain, &["--registry", &registry, "--archive", &archive], None);
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
