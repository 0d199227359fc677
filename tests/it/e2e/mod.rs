//! The whole path: evidence in, `isAttested` out, on a real chain, with the product's own binaries.

mod agreement;
mod ak_revocation;
mod audit;
mod azure;
mod bare_metal;
mod bucket;
mod byzantine;
mod chain;
mod cosign;
mod endorsements;
mod explorer;
mod freeze;
mod freezes;
mod history;
mod index;
mod intake;
mod investigation;
mod kms;
mod liar;
mod member;
mod network;
mod node;
mod openapi;
mod operations;
mod outside;
#[path = "../../../relayer/src/store/tests/postgres.rs"]
mod postgres;
mod posting;
mod process;
pub(crate) mod programs;
mod proxy;
mod replay;
mod replicas;
mod rotation;
mod service;
mod storage;
mod tcb_recovery;
mod timeline;

use std::sync::Arc;

use chassis_sim::{
    Cloud, Seed,
    firmware::Image,
    machine::{MachineSpec, assemble},
};
use serde_json::json;

use chain::{Chain, signer, until};
use outside::Outside;
pub(crate) use programs::binary;
use programs::{Relayer, attest, chassis};
use tempfile::TempDir;

/// A cloud, a chain that trusts its policy, and a relayer that is not started yet.
struct World {
    cloud: Arc<Cloud>,
    chain: Chain,
    relayer: Relayer,
    outside: Outside,
    dir: TempDir,
}

impl World {
    async fn new() -> Self {
        Self::with_epoch(1).await
    }

    /// Blocks are final after twice as many more.
    async fn with_epoch(epoch: u32) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let cloud = Arc::new(Cloud::new(&dir.path().join("cloud"), Seed(7)).unwrap());
        let chain = Chain::start_with(cloud.policy().digest().unwrap(), epoch).await;
        let outside = Outside::serve(Arc::clone(&cloud)).await;
        let relayer = Relayer::new(&chain, &cloud, &outside);
        Self {
            cloud,
            chain,
            relayer,
            outside,
            dir,
        }
    }
}

fn failed(bundle: &serde_json::Value) -> Vec<String> {
    let checks = bundle["checks"].as_array().unwrap();
    let failed = checks.iter().filter(|check| check["outcome"] == json!("fail"));
    failed
        .map(|check| check["name"].as_str().unwrap().to_owned())
        .collect()
}

fn digest(answer: &serde_json::Value) -> String {
    answer["digest"]
        .as_str()
        .unwrap_or_else(|| panic!("no digest in {answer}"))
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_goes_in_and_is_attested_comes_out() {
    let mut world = World::new().await;
    let machine = world.cloud.boot(MachineSpec::new("a")).unwrap();
    world.relayer.start(None).await;
    let operator = signer(2).address();
    let registry = world.chain.registry();
    assert!(!registry.isAttested_0(operator).call().await.unwrap());

    let bundle = attest(&world.chain, &world.cloud, &machine.parts(), 2);
    let (status, answer) = world.relayer.post(&bundle).await;
    assert_eq!(status, 202, "{answer}");
    let digest = digest(&answer);
    let done = world.relayer.until_state(&digest, "final").await;

    assert_eq!(failed(&done), [""; 0]);
    assert_eq!(done["verdict"]["binding"], json!("VirtualTpm"));
    assert_eq!(done["verdict"]["custody"], json!("Automated"));
    assert!(registry.isAttested_0(operator).call().await.unwrap());
    let stored = registry.attestationOf(operator).call().await.unwrap();
    assert_eq!(json!(stored.platformId), done["platformId"]);
    assert_eq!((stored.binding, stored.custody, stored.tcb), (2, 2, 1));

    let (again, same) = world.relayer.post(&bundle).await;
    assert!(again < 300, "{same}");
    assert_eq!(same["digest"], json!(digest));
    assert_eq!(
        world.chain.batches().await,
        1,
        "the same bundle twice is one effect"
    );

    let status = chassis(&[
        "status",
        &operator.to_string(),
        "--rpc-url",
        &world.chain.url,
        "--registry",
        &world.chain.registry.to_string(),
        "--json",
    ]);
    assert!(
        status.status.success(),
        "{}",
        String::from_utf8_lossy(&status.stderr)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_td_of_one_machine_with_the_tpm_of_another_is_refused_by_the_cross_check() {
    let mut world = World::new().await;
    let a = world.cloud.boot(MachineSpec::new("a")).unwrap();
    let b = world
        .cloud
        .boot(MachineSpec::new("b").image(Image::other_kernel()))
        .unwrap();
    world.relayer.start(None).await;

    let mixed = assemble(&world.dir.path().join("mixed"), &a.parts(), &b.parts()).unwrap();
    let bundle = attest(&world.chain, &world.cloud, &mixed, 2);
    let (_, answer) = world.relayer.post(&bundle).await;
    let done = world.relayer.until_state(&digest(&answer), "rejected").await;

    assert_eq!(failed(&done), ["cross.rtmr1", "cross.rtmr2"]);
    assert!(
        !world
            .chain
            .registry()
            .isAttested_0(signer(2).address())
            .call()
            .await
            .unwrap()
    );
    assert_eq!(world.chain.batches().await, 0);
}

/// Kills the relayer at `failpoint`, starts it again, and demands exactly one effect on chain.
async fn posts_once_when_killed_at(failpoint: &str) {
    let mut world = World::new().await;
    let machine = world.cloud.boot(MachineSpec::new("a")).unwrap();
    world.relayer.start(Some(failpoint)).await;
    let bundle = attest(&world.chain, &world.cloud, &machine.parts(), 2);
    let (_, answer) = world.relayer.post(&bundle).await;
    let digest = digest(&answer);
    for _ in 0..600 {
        if world.relayer.is_dead() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert!(world.relayer.is_dead(), "the relayer never came to `{failpoint}`");
    let signed = signatures(&world.relayer).await;
    assert!(!signed.is_empty(), "it has signed a report by then");

    world.relayer.start(None).await;
    let done = world.relayer.until_state(&digest, "final").await;
    assert_eq!(failed(&done), [""; 0]);
    let provider = &world.chain.provider;
    let relayer = signer(1).address();
    until("one batch", || async { world.chain.batches().await == 1 }).await;
    // A second post would be a second transaction: give it time to show.
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    assert_eq!(world.chain.batches().await, 1);
    let sent = alloy::providers::Provider::get_transaction_count(provider, relayer)
        .await
        .unwrap();
    assert_eq!(sent, 1, "one transaction in all");
    assert_eq!(
        signatures(&world.relayer).await,
        signed,
        "what was signed before is what is signed, byte for byte"
    );
}

/// Every signature under a report that a relayer has written down: report, signer, bytes.
async fn signatures(relayer: &Relayer) -> Vec<(String, String, String)> {
    sqlx::query_as("SELECT report, signer, signature FROM cosign_signatures ORDER BY report, signer")
        .fetch_all(&mut database(relayer).await)
        .await
        .unwrap()
}

/// The evidence of every bundle that a relayer has written down a vote for.
async fn votes(relayer: &Relayer) -> Vec<String> {
    sqlx::query_scalar("SELECT evidence FROM votes ORDER BY evidence")
        .fetch_all(&mut database(relayer).await)
        .await
        .unwrap()
}

/// A relayer's database, while it runs or not.
async fn database(relayer: &Relayer) -> sqlx::AnyConnection {
    use sqlx::ConnectOptions as _;
    sqlx::any::install_default_drivers();
    let url = format!("sqlite://{}", relayer.data().join("chassis.db").display());
    let url = reqwest::Url::parse(&url).unwrap();
    let options = sqlx::any::AnyConnectOptions::from_url(&url).unwrap();
    options.connect().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_with_a_nonce_reserved_it_posts_once() {
    posts_once_when_killed_at("reserved").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_signing_and_broadcasting_it_posts_once() {
    posts_once_when_killed_at("signed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_broadcasting_it_posts_once() {
    posts_once_when_killed_at("broadcast").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_inclusion_it_posts_once() {
    posts_once_when_killed_at("included").await;
}
