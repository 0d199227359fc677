//! The service, beside scripted servers: what it leaves on this machine.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use alloy_primitives::B256;
use chassis_verifier::sha256;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};

use crate::{
    cli::Node,
    servers::{Chain, FINALIZED, Lack, Scripted},
};

fn renew(node: &Node, chain: &Chain, relayer: &Scripted, folder: &Path) -> Command {
    let boot = node.tsm.root().join("proc/sys/kernel/random/boot_id");
    fs::create_dir_all(boot.parent().unwrap()).unwrap();
    fs::write(boot, "this boot\n").unwrap();
    let mut command = node.command("renew", &chain.url);
    command.args([
        "--relayer",
        &relayer.url,
        "--watch",
        "1",
        "--retry",
        "1",
        "--state",
    ]);
    command.arg(folder.join("state"));
    command
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..300 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("waited half a minute in vain: {what}");
}

#[tokio::test]
async fn it_registers_and_tells_this_machine_so() {
    let (node, chain) = (Node::new(), Chain::start().await);
    let landed = json!({"state": "final", "blockNumber": FINALIZED, "lands": true});
    let relayer = Scripted::start(&chain, vec![json!({"state": "received"}), landed]).await;
    let folder = tempfile::tempdir().unwrap();
    let [ready, session] = ["ready", "session"].map(|name| folder.path().join(name));
    fs::write(&ready, "left behind by one that was killed").unwrap();
    let mut command = renew(&node, &chain, &relayer, folder.path());
    command
        .arg("--ready-file")
        .arg(&ready)
        .arg("--session-key")
        .arg(&session);
    let mut process = command.stderr(Stdio::null()).spawn().unwrap();

    until("the registry attests it", || {
        fs::read(&ready).is_ok_and(|json| json.starts_with(b"{"))
    })
    .await;
    let told: Value = serde_json::from_slice(&fs::read(&ready).unwrap()).unwrap();
    assert_eq!(
        (&told["isAttested"], &told["status"]),
        (&json!(true), &json!("active"))
    );
    let state = || serde_json::from_slice::<Value>(&fs::read(folder.path().join("state")).unwrap()).unwrap();
    until("it remembers", || state()["bootId"] == "this boot").await;
    let hash = relayer.received()[0].evidence.session_key_hash;
    assert_ne!(hash, B256::ZERO);
    assert_eq!(
        hash,
        sha256(&fs::read(folder.path().join("session.pub")).unwrap())
    );

    kill(Pid::from_raw(process.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
    until("it ends", || process.try_wait().unwrap().is_some()).await;
    assert_eq!(process.wait().unwrap().code(), Some(0));
    assert!(!ready.exists());
    assert_eq!(relayer.received().len(), 1);
}

#[tokio::test]
async fn a_second_one_on_the_same_state_is_refused() {
    let (node, chain) = (Node::new(), Chain::start().await);
    let relayer = Scripted::start(&chain, vec![json!({"state": "received"})]).await;
    let folder = tempfile::tempdir().unwrap();
    let mut first = renew(&node, &chain, &relayer, folder.path())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until("it has sent its bundle", || !relayer.received().is_empty()).await;
    let (code, _, stderr) = crate::cli::run(renew(&node, &chain, &relayer, folder.path())).await;
    assert_eq!(code, 3, "{stderr}");
    assert!(
        stderr.contains("another `chassis-node renew` holds it"),
        "{stderr}"
    );
    first.kill().unwrap();
    first.wait().unwrap();
}

/// One relayer lies that nothing is to be done, after a reboot whose evidence nobody has found good: that says nothing about
/// this boot, and nothing about the session key.
#[tokio::test]
async fn a_claim_that_nothing_is_to_be_done_counts_for_nothing() {
    let (node, chain) = (Node::new(), Chain::start().await);
    chain.land(B256::ZERO);
    chain.age();
    chain.finalize();
    let liar = Scripted::start(&chain, vec![json!({"state": "final"})]).await;
    let folder = tempfile::tempdir().unwrap();
    let session = folder.path().join("session");
    let mut command = renew(&node, &chain, &liar, folder.path());
    command
        .arg("--session-key")
        .arg(&session)
        .arg("--rotate-session-key");
    let mut process = command.stderr(Stdio::null()).spawn().unwrap();
    let public = || fs::read(folder.path().join("session.pub")).unwrap();
    let state =
        || -> Value { serde_json::from_slice(&fs::read(folder.path().join("state")).unwrap()).unwrap() };
    until("it was told so", || {
        fs::exists(folder.path().join("state")).unwrap() && state()["unchanged"].as_u64().unwrap_or(0) > 0
    })
    .await;
    let before = public();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(relayer_hashes(&liar).len(), 1, "it is not sent again and again");
    assert_ne!(relayer_hashes(&liar)[0], sha256(&before));
    assert_eq!(public(), before);
    assert_eq!(
        (&state()["bootId"], &state()["landed"]),
        (&Value::Null, &json!(0))
    );
    process.kill().unwrap();
    process.wait().unwrap();
}

/// The scripted chain shows the same block for ever, and says with it that the operator is attested.
#[tokio::test]
async fn an_endpoint_that_stands_still_holds_up_neither_the_end_nor_the_next_renewal() {
    let (node, chain) = (Node::new(), Chain::start().await);
    chain.shorten(24);
    let landed = json!({"state": "final", "blockNumber": FINALIZED, "lands": true});
    let relayer = Scripted::start(&chain, vec![landed]).await;
    let folder = tempfile::tempdir().unwrap();
    let ready = folder.path().join("ready");
    let mut command = renew(&node, &chain, &relayer, folder.path());
    command.arg("--ready-file").arg(&ready);
    let mut process = command.stderr(Stdio::null()).spawn().unwrap();
    until("the registry attests it", || ready.exists()).await;
    until("a renewal falls due", || relayer.received().len() > 1).await;
    until("it has run out", || !ready.exists()).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(!ready.exists(), "and stays so");
    process.kill().unwrap();
    process.wait().unwrap();
}

/// Its looks succeed, so only what it counts of renewals tells that none does.
#[tokio::test]
async fn a_renewal_that_fails_for_the_endpoint_is_counted() {
    let (node, chain) = (Node::new(), Chain::start().await);
    chain.lack(Lack::Finality);
    let relayer = Scripted::start(&chain, vec![json!({"state": "received"})]).await;
    let folder = tempfile::tempdir().unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let mut command = renew(&node, &chain, &relayer, folder.path());
    command.args(["--listen", &address.to_string()]);
    let mut process = command.stderr(Stdio::null()).spawn().unwrap();
    let count = async |name: &str| {
        let answer = reqwest::get(format!("http://{address}/metrics")).await.ok()?;
        let text = answer.text().await.ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().parse::<u64>().ok()
    };
    let mut failed = 0;
    for _ in 0..300 {
        failed = count("chassis_node_renewals_total{outcome=\"failed\"}")
            .await
            .unwrap_or(0);
        if failed > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(failed > 0);
    assert_eq!(count("chassis_node_chain_failures_total").await, Some(0));
    process.kill().unwrap();
    process.wait().unwrap();
}

fn relayer_hashes(relayer: &Scripted) -> Vec<B256> {
    let received = relayer.received();
    received
        .iter()
        .map(|bundle| bundle.evidence.session_key_hash)
        .collect()
}
