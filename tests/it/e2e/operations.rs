//! What an operator sees: answers, refusals, health, and a way down.

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::Command,
    time::{Duration, Instant},
};

use alloy::signers::local::PrivateKeySigner;
use chassis_attester::consent;
use chassis_sim::machine::MachineSpec;
use chassis_verifier::bundle::{Anchor, Bundle, DEFAULT_LIMIT, canonical_json};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::{
    World,
    chain::{KEYS, signer, until},
    digest,
    programs::attest,
    proxy::{Fault, Proxy},
};

async fn get(world: &World, path: &str) -> (u16, reqwest::header::HeaderMap, Value) {
    let answer = reqwest::get(format!("{}{path}", world.relayer.url))
        .await
        .unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    (status, headers, answer.json().await.unwrap_or(Value::Null))
}

fn checks(problem: &Value) -> Vec<&str> {
    let checks = problem["checks"].as_array().unwrap();
    checks
        .iter()
        .map(|check| check["name"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn intake_refuses_in_order_and_says_what_to_do() {
    let mut world = World::new().await;
    let machine = world.cloud.boot(MachineSpec::new("a")).unwrap();
    world
        .relayer
        .start_with(&[
            ("CHASSIS_LIMITS__OPERATOR_PER_DAY", "1"),
            ("CHASSIS_LIMITS__BUNDLE_BYTES", "1000000"),
        ])
        .await;

    let (status, problem) = world.relayer.post(b"{}").await;
    assert_eq!(
        (status, &problem["type"]),
        (400, &json!("urn:chassis:problem:not-a-bundle"))
    );
    let (status, problem) = world.relayer.post(&vec![b' '; 1_000_001]).await;
    assert_eq!(
        (status, &problem["type"]),
        (413, &json!("urn:chassis:problem:too-large"))
    );

    // For another registry, and its consent signed by nobody: both at once.
    let bundle = attest(&world.chain, &world.cloud, &machine.parts(), 2);
    let mut forged: Value = serde_json::from_slice(&bundle).unwrap();
    forged["evidence"]["anchor"]["chainId"] = json!(1);
    let forged = canonical_json(&forged).unwrap();
    let (status, problem) = world.relayer.post(&forged).await;
    assert_eq!(
        (status, &problem["type"]),
        (422, &json!("urn:chassis:problem:refused")),
        "{problem}"
    );
    assert_eq!(checks(&problem), ["fresh.anchor", "fresh.consent"]);
    assert_eq!(problem["checks"][0]["id"], json!(201));

    // Many at once: one is accepted, and all are answered alike.
    let posts = (0..8).map(|_| world.relayer.post(&bundle));
    let answers = futures::future::join_all(posts).await;
    let accepted = answers.iter().filter(|(status, _)| *status == 202).count();
    assert_eq!(accepted, 1, "{answers:?}");
    assert!(
        answers
            .iter()
            .all(|(_, answer)| answer["digest"] == answers[0].1["digest"])
    );

    // The day's only one has been used up; the same again is still answered.
    let second = attest(&world.chain, &world.cloud, &machine.parts(), 2);
    let (status, headers, problem) = world.relayer.submit(&second).await;
    assert_eq!(
        (status, &problem["type"]),
        (429, &json!("urn:chassis:problem:operator-quota"))
    );
    assert_eq!(headers["retry-after"], "3600");
    assert_eq!(world.relayer.post(&bundle).await.0, 200);

    let (status, headers, problem) = get(&world, "/v1/nothing").await;
    assert_eq!((status, &problem["status"]), (404, &json!(404)));
    assert_eq!(headers["content-type"], "application/problem+json");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert!(headers.contains_key("x-request-id"));
    assert_eq!(headers["access-control-allow-origin"], "*");

    let (_, _, challenge) = get(&world, "/v1/challenge").await;
    assert_eq!(challenge["registry"], json!(world.chain.registry));
    assert_eq!(challenge["chainId"], json!(31337));
}

/// Whoever looks for a bundle in the log finds how far it came.
#[tokio::test(flavor = "multi_thread")]
async fn each_stage_of_a_bundle_is_a_line_of_the_log_with_its_digest_and_operator() {
    let mut world = World::new().await;
    let machine = world.cloud.boot(MachineSpec::new("a")).unwrap();
    let log = world.dir.path().join("log");
    world.relayer.start_logging(&log).await;
    let bundle = attest(&world.chain, &world.cloud, &machine.parts(), 2);
    let (_, answer) = world.relayer.post(&bundle).await;
    let digest = digest(&answer);
    world.relayer.until_state(&digest, "final").await;
    let operator = signer(2).address().to_string();
    let stages = || {
        let text = std::fs::read_to_string(&log).unwrap();
        let lines = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        let spans = lines.map(|line| line["span"].clone());
        let about =
            spans.filter(|span| span["digest"] == json!(digest) && span["operator"] == json!(operator));
        let mut stages: Vec<_> = about
            .map(|span| span["stage"].as_str().unwrap().to_owned())
            .collect();
        stages.dedup();
        stages
    };
    let expected = ["intake", "appraise", "sign", "queue", "post", "include", "final"];
    until("the log tells of its end", || async {
        stages().last().unwrap() == "final"
    })
    .await;
    assert_eq!(stages(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn newcomers_share_a_days_space_and_take_none_of_others() {
    let mut world = World::new().await;
    let [a, b] = ["a", "b"].map(|name| world.cloud.boot(MachineSpec::new(name)).unwrap());
    let [first, second] =
        [(&a, 2), (&b, 6)].map(|(machine, key)| attest(&world.chain, &world.cloud, &machine.parts(), key));
    // There is space for one, and hardly more.
    let largest = (first.len() + 10_000).to_string();
    world
        .relayer
        .start_with(&[
            ("CHASSIS_LIMITS__NEWCOMERS_MIB_PER_DAY", "1"),
            ("CHASSIS_LIMITS__BUNDLE_BYTES", &largest),
        ])
        .await;
    let (status, answer) = world.relayer.post(&first).await;
    assert_eq!(status, 202, "{answer}");
    let (status, headers, problem) = world.relayer.submit(&second).await;
    assert_eq!(
        (status, &problem["type"]),
        (429, &json!("urn:chassis:problem:newcomers-quota"))
    );
    let wait: u64 = headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=86_400).contains(&wait), "{wait}");
    world.relayer.until_state(&digest(&answer), "final").await;
    let renewal = attest(&world.chain, &world.cloud, &a.parts(), 2);
    let (status, answer) = world.relayer.post(&renewal).await;
    assert_eq!(status, 202, "who was attested is no newcomer: {answer}");
}

/// Evidence that names a block to come would wait for it, and keys cost nothing: newcomers are told to come again. What waits
/// all the same, as all does while the chain does not answer, leaves half of the queue.
#[tokio::test(flavor = "multi_thread")]
async fn newcomers_whose_bundles_wait_keep_out_nobody_who_was_attested() {
    let mut world = World::new().await;
    let machine = world.cloud.boot(MachineSpec::new("a")).unwrap();
    let proxy = Proxy::start(&world.chain.url).await;
    world
        .relayer
        .configure(|text| text.replace(&world.chain.url, &proxy.url));
    world.relayer.start_with(&[("CHASSIS_MAX_QUEUE", "4")]).await;
    let bundle = attest(&world.chain, &world.cloud, &machine.parts(), 2);
    let (_, answer) = world.relayer.post(&bundle).await;
    world.relayer.until_state(&digest(&answer), "final").await;

    let mut evidence = Bundle::parse(&bundle, DEFAULT_LIMIT).unwrap().evidence;
    evidence.anchor = Anchor {
        block_number: evidence.anchor.block_number + 60,
        ..evidence.anchor
    };
    let mut strangers = || {
        let stranger = PrivateKeySigner::random();
        evidence.operator = stranger.address();
        consent(evidence.clone(), &stranger).unwrap().to_json().unwrap()
    };
    for _ in 0..3 {
        let (status, headers, answer) = world.relayer.submit(&strangers()).await;
        assert_eq!((status, headers["retry-after"].to_str().unwrap()), (503, "30"));
        assert_eq!(answer["type"], json!("urn:chassis:problem:not-final"));
    }
    proxy.always(&[Fault::TooMany]);
    let mut waiting = Vec::new();
    for refused in [false, false, true] {
        let (status, headers, answer) = world.relayer.submit(&strangers()).await;
        assert_eq!(status, if refused { 429 } else { 202 }, "{answer}");
        assert_eq!(headers.contains_key("retry-after"), refused);
        if refused {
            assert_eq!(answer["type"], json!("urn:chassis:problem:queue-full"));
        } else {
            waiting.push(digest(&answer));
        }
    }
    proxy.behave();
    let renewal = attest(&world.chain, &world.cloud, &machine.parts(), 2);
    let (status, answer) = world.relayer.post(&renewal).await;
    assert_eq!(status, 202, "{answer}");
    world.relayer.until_state(&digest(&answer), "final").await;
    for digest in waiting {
        assert_eq!(world.relayer.bundle(&digest).await["state"], json!("received"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_asks_too_often_is_told_when_to_come_back() {
    let mut world = World::new().await;
    world
        .relayer
        .start_with(&[
            ("CHASSIS_LIMITS__CLIENT_PER_SECOND", "1"),
            ("CHASSIS_LIMITS__CLIENT_BURST", "3"),
        ])
        .await;
    let mut last = (0, reqwest::header::HeaderMap::new(), Value::Null);
    for _ in 0..4 {
        last = get(&world, "/v1/challenge").await;
    }
    let (status, headers, problem) = last;
    assert_eq!(
        (status, &problem["type"]),
        (429, &json!("urn:chassis:problem:client-rate"))
    );
    let wait: u64 = headers["retry-after"].to_str().unwrap().parse().unwrap();
    tokio::time::sleep(Duration::from_secs(wait)).await;
    assert_eq!(get(&world, "/v1/challenge").await.0, 200);
    assert_ne!(get(&world, "/healthz").await.0, 429, "who watches is not counted");
}

/// One address takes all the connections that it may. Loopback counts as a proxy; its neighbour does not.
#[tokio::test(flavor = "multi_thread")]
async fn one_address_does_not_take_all_connections() {
    let mut world = World::new().await;
    world
        .relayer
        .start_with(&[
            ("CHASSIS_LIMITS__CONNECTIONS", "8"),
            ("CHASSIS_LIMITS__CLIENT_CONNECTIONS", "4"),
        ])
        .await;
    let address: std::net::SocketAddr = world.relayer.url.trim_start_matches("http://").parse().unwrap();
    let mut open = Vec::new();
    for _ in 0..16 {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
        open.push(socket.connect(address).await.unwrap());
    }
    assert_eq!(get(&world, "/healthz").await.0, 200);
    let metrics = world.relayer.metrics().await;
    assert!(!metrics.contains("\nchassis_http_connections 16"), "{metrics}");
    drop(open);
}

/// Another copy of a document that has gone bad makes it whole.
#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_that_has_gone_bad_in_the_archive_waits_and_is_mended_by_sending_it_again() {
    let mut world = World::new().await;
    let machine = world.cloud.boot(MachineSpec::new("a")).unwrap();
    // No endorsements: it waits, and leaves the memory with the process.
    world
        .relayer
        .configure(|text| text.replace(&world.outside.url, "http://127.0.0.1:9"));
    world.relayer.start(None).await;
    let bundle = attest(&world.chain, &world.cloud, &machine.parts(), 2);
    let (_, answer) = world.relayer.post(&bundle).await;
    let digest = super::digest(&answer);
    world.relayer.stop();
    let folder = world.relayer.data().join("archive");
    let name = digest.trim_start_matches("0x").to_owned();
    let mut found = Vec::new();
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().contains(&name) {
                found.push(path);
            }
        }
    }
    assert_eq!(found.len(), 1, "{found:?}");
    std::fs::write(&found[0], "gone bad").unwrap();
    world
        .relayer
        .configure(|text| text.replace("http://127.0.0.1:9", &world.outside.url));
    world.relayer.start(None).await;
    until("it is told of", || async {
        let metrics = world.relayer.metrics().await;
        let line = metrics
            .lines()
            .find_map(|line| line.strip_prefix("chassis_archive_corrupt_total "));
        line.is_some_and(|count| count != "0")
    })
    .await;
    assert_eq!(world.relayer.bundle(&digest).await["state"], json!("received"));
    let (status, answer) = world.relayer.post(&bundle).await;
    assert_eq!(status, 200, "{answer}");
    world.relayer.until_state(&digest, "final").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_are_dropped_and_others_are_served() {
    let mut world = World::new().await;
    world
        .relayer
        .start_with(&[
            ("CHASSIS_LIMITS__HEADER_TIMEOUT_S", "1"),
            ("CHASSIS_LIMITS__BODY_TIMEOUT_S", "1"),
        ])
        .await;
    let address = world.relayer.url.trim_start_matches("http://").to_owned();
    let slow_head: Vec<_> = (0..16)
        .map(|_| {
            let mut stream = TcpStream::connect(&address).unwrap();
            stream.write_all(b"GET /healthz HTTP/1.1\r\n").unwrap();
            stream
        })
        .collect();
    let mut slow_body = TcpStream::connect(&address).unwrap();
    slow_body
        .write_all(b"POST /v1/bundles HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
        .unwrap();
    assert_eq!(get(&world, "/healthz").await.0, 200);
    let mut answer = [0; 12];
    slow_body.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
    for mut stream in slow_head {
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut rest = Vec::new();
        assert!(
            stream.read_to_end(&mut rest).is_ok(),
            "the connection was not closed"
        );
    }
}

/// Brings a bundle as far as its transaction, and stops the chain before that is in a block.
async fn posted_and_not_included(world: &World, bundle: &[u8]) -> String {
    until("the registry's log is read", || async {
        get(world, "/v1/events").await.0 == 200
    })
    .await;
    // Blocks are few now, so that there is time between the transaction and the next one.
    world.chain.mine_each(6).await;
    let (_, answer) = world.relayer.post(bundle).await;
    let digest = digest(&answer);
    until("it is signed", || async {
        ["queued", "posted"].contains(
            &world.relayer.bundle(&digest).await["state"]
                .as_str()
                .unwrap_or(""),
        )
    })
    .await;
    world.chain.mine_each(0).await;
    world.relayer.until_state(&digest, "posted").await;
    digest
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_it_brings_on_chain_what_is_signed_and_exits() {
    let mut world = World::new().await;
    let machine = world.cloud.boot(MachineSpec::new("a")).unwrap();
    world.relayer.start_with(&[]).await;
    let bundle = attest(&world.chain, &world.cloud, &machine.parts(), 2);
    posted_and_not_included(&world, &bundle).await;

    world.relayer.signal(Signal::SIGTERM);
    until("intake is closed", || async {
        world.relayer.post(b"{}").await.0 == 503
    })
    .await;
    let (_, problem) = world.relayer.post(&bundle).await;
    assert_eq!(problem["type"], json!("urn:chassis:problem:stopping"));
    let (status, _, ready) = get(&world, "/readyz").await;
    assert_eq!(status, 503);
    assert!(ready["reasons"].to_string().contains("stopping"), "{ready}");
    assert!(!world.relayer.is_dead(), "it waits for what is signed");

    world.chain.mine(1).await;
    assert_eq!(world.relayer.exit_code().await, Some(0));
    assert_eq!(world.chain.batches().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn told_twice_it_stops_at_once_and_grace_is_bounded() {
    let mut world = World::new().await;
    let machine = world.cloud.boot(MachineSpec::new("a")).unwrap();
    world
        .relayer
        .start_with(&[("CHASSIS_SHUTDOWN__GRACE_S", "2")])
        .await;
    let bundle = attest(&world.chain, &world.cloud, &machine.parts(), 2);
    let digest = posted_and_not_included(&world, &bundle).await;

    let told = Instant::now();
    world.relayer.signal(Signal::SIGTERM);
    assert_eq!(world.relayer.exit_code().await, Some(0));
    assert!(told.elapsed() >= Duration::from_secs(2));

    world
        .relayer
        .start_with(&[("CHASSIS_SHUTDOWN__GRACE_S", "600")])
        .await;
    world.relayer.signal(Signal::SIGTERM);
    until("intake is closed", || async {
        world.relayer.post(b"{}").await.0 == 503
    })
    .await;
    let told = Instant::now();
    world.relayer.signal(Signal::SIGINT);
    assert_eq!(world.relayer.exit_code().await, Some(130));
    assert!(told.elapsed() < Duration::from_secs(5));

    world.chain.mine(1).await;
    world.relayer.start_with(&[]).await;
    world.chain.mine_each(1).await;
    world.relayer.until_state(&digest, "final").await;
    assert_eq!(world.chain.batches().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_is_in_no_log_no_argument_and_no_answer() {
    let mut world = World::new().await;
    world.relayer.start_with(&[]).await;
    let shown = Command::new(super::binary("chassis"))
        .args(["config", "show"])
        .arg(&world.relayer.config)
        .env("CHASSIS_RELAYER_KEY", KEYS[1])
        .output()
        .unwrap();
    assert!(
        shown.status.success(),
        "{}",
        String::from_utf8_lossy(&shown.stderr)
    );
    let key = KEYS[1].trim_start_matches("0x");
    let pid = world.relayer.pid();
    let argv = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap();
    let (_, _, ready) = get(&world, "/readyz").await;
    world.relayer.kill();
    let log = world.relayer.log();
    assert!(log.contains("started"), "{log}");
    for (what, text) in [
        ("log", log),
        ("arguments", String::from_utf8_lossy(&argv).into_owned()),
        ("config show", String::from_utf8_lossy(&shown.stdout).into_owned()),
        ("readyz", ready.to_string()),
    ] {
        assert!(!text.to_lowercase().contains(key), "the key is in: {what}");
    }
}

/// Every metric of the catalogue that a fresh relayer can show is shown with its help, and none besides.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_scraped_is_in_the_catalogue() {
    let mut world = World::new().await;
    world.relayer.start_with(&[]).await;
    get(&world, "/v1/challenge").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let text = reqwest::get(format!("{}/metrics", world.relayer.url))
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let catalogue = chassis_relayer::metrics::CATALOGUE;
    for line in text.lines().filter_map(|line| line.strip_prefix("# HELP ")) {
        let (name, help) = line.split_once(' ').unwrap();
        assert!(
            catalogue
                .iter()
                .any(|metric| metric.name == name && metric.help == help),
            "{line}"
        );
    }
    for name in [
        "chassis_task_heartbeat_timestamp_seconds",
        "chassis_steps_total",
        "chassis_http_requests_total",
    ] {
        assert!(text.contains(&format!("# HELP {name} ")), "{name}");
    }
    for task in ["appraise", "post", "rpc", "clients"] {
        assert!(
            text.contains(&format!(
                "chassis_task_heartbeat_timestamp_seconds{{task=\"{task}\"}}"
            )),
            "{task} does not beat"
        );
    }
}
