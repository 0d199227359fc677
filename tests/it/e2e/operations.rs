//! What a relayer's operator sees: its log, its metrics, a document gone bad, and a way down.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use chassis_sim::machine::MachineSpec;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::{
    World,
    chain::{KEYS, signer, until},
    digest,
    intake::get,
    programs::attest,
};

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
