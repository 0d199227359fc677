//! Where nothing can be stored, nothing is acknowledged, and what was acknowledged stays.

use sqlx::{ConnectOptions as _, sqlite::SqliteConnectOptions};

use super::*;

/// A world whose relayer has taken a first bundle, and a second bundle.
async fn with_one_taken() -> (World, String, Vec<u8>) {
    let mut world = World::new().await;
    let machines = ["a", "b"].map(|name| world.cloud.boot(MachineSpec::new(name)).unwrap());
    world.relayer.start(None).await;
    let [first, second] = [0, 1].map(|n| attest(&world.chain, &world.cloud, &machines[n].parts(), n + 2));
    let (status, answer) = world.relayer.post(&first).await;
    assert_eq!(status, 202, "{answer}");
    (world, digest(&answer), second)
}

/// The second bundle is refused, with `cause` in the answer; the first is still shown.
async fn refuses(world: &World, first: &str, second: &[u8], cause: &str) {
    let (status, problem) = world.relayer.post(second).await;
    assert_eq!(status, 503, "{problem}");
    assert_eq!(problem["status"], json!(503));
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.contains(cause) && detail.contains("what it has accepted stays"),
        "{detail}"
    );
    assert_eq!(world.relayer.bundle(first).await["digest"], json!(first));
}

/// Both get on chain.
async fn takes(world: &World, first: &str, second: &[u8]) {
    let (status, answer) = world.relayer.post(second).await;
    assert_eq!(status, 202, "{answer}");
    world.relayer.until_state(&digest(&answer), "final").await;
    world.relayer.until_state(first, "final").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_that_cannot_be_reached_refuses_intake() {
    let (world, first, second) = with_one_taken().await;
    world.relayer.until_state(&first, "final").await;
    assert!(!world.relayer.bundle(&first).await["verdict"].is_null());
    let (archive, away) = (
        world.relayer.data().join("archive"),
        world.relayer.data().join("away"),
    );
    std::fs::rename(&archive, &away).unwrap();
    std::fs::write(&archive, "no folder").unwrap();
    refuses(&world, &first, &second, "archive").await;
    // How far it has come is in the database.
    let shown = world.relayer.bundle(&first).await;
    assert_eq!(
        (&shown["state"], &shown["verdict"]),
        (&json!("final"), &serde_json::Value::Null)
    );
    std::fs::remove_file(&archive).unwrap();
    std::fs::rename(&away, &archive).unwrap();
    takes(&world, &first, &second).await;

    let verified = chassis(&[
        "archive",
        "verify",
        "--archive",
        archive.to_str().unwrap(),
        "--json",
    ]);
    assert!(verified.status.success(), "{verified:?}");
    let verified: serde_json::Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert_eq!(verified["documents"]["bundles"], json!(2));
    let bundle = archive.join(format!("bundles/{first}.json"));
    std::fs::write(&bundle, "{}").unwrap();
    let verified = chassis(&["archive", "verify", "--archive", archive.to_str().unwrap()]);
    assert_eq!(verified.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&verified.stdout).contains(&first));
    let nowhere = chassis(&["archive", "verify", "--archive", bundle.to_str().unwrap()]);
    assert_eq!(nowhere.status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_database_refuses_intake() {
    let (world, first, second) = with_one_taken().await;
    let database = world.relayer.data().join("chassis.db");
    let mut lock = SqliteConnectOptions::new()
        .filename(database)
        .connect()
        .await
        .unwrap();
    sqlx::query("BEGIN EXCLUSIVE").execute(&mut lock).await.unwrap();
    refuses(&world, &first, &second, "database").await;
    sqlx::query("ROLLBACK").execute(&mut lock).await.unwrap();
    takes(&world, &first, &second).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_intake() {
    let (mut world, first, second) = with_one_taken().await;
    world.relayer.until_state(&first, "final").await;
    world.relayer.stop();
    let kib = u32::try_from(second.len() / 1024).unwrap() / 2;
    world.relayer.start_where_files_end_at(kib).await;
    refuses(&world, &first, &second, "full").await;
    world.relayer.kill();
    world.relayer.start(None).await;
    takes(&world, &first, &second).await;
}
