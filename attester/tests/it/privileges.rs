//! What the binary is after it has given root up. Needs root to begin with.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::json;

use crate::{
    cli::{Node, run},
    servers::{Chain, Scripted},
};

/// What a simulated `/sys` grants, as the real one does: everybody may walk in, and only root may read the logs.
fn close_to_everybody_but_root(root: &Path) {
    fs::set_permissions(root, fs::Permissions::from_mode(0o755)).unwrap();
    for log in [
        "sys/firmware/acpi/tables/data/CCEL",
        "sys/kernel/security/tpm0/binary_bios_measurements",
    ] {
        fs::set_permissions(root.join(log), fs::Permissions::from_mode(0o400)).unwrap();
    }
}

/// Whether this test can be run. Where it cannot, it fails, unless somebody says that this is known.
fn needs_root() -> bool {
    let is_root = nix::unistd::geteuid().is_root();
    assert!(
        is_root || std::env::var_os("CHASSIS_TEST_WITHOUT_ROOT").is_some(),
        "only root can give root up: run this test as root, or set CHASSIS_TEST_WITHOUT_ROOT to leave it out"
    );
    is_root
}

fn field(status: &str, name: &str) -> String {
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line[name.len() + 1..]
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

#[tokio::test]
async fn a_node_talks_to_the_network_as_another_user() {
    if !needs_root() {
        return;
    }
    let node = Node::new();
    close_to_everybody_but_root(node.tsm.root());
    let chain = Chain::start().await;
    let relayer = Scripted::start(&chain, vec![json!({"state": "received"})]).await;
    let mut command = node.command("register", &chain.url);
    command.args(["--relayer", &relayer.url, "--user", "nobody", "--wait", "2"]);
    let process = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A relayer has the bundle: the node is in the middle of talking.
    for _ in 0..1000 {
        if !relayer.received().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let threads = threads(process.id());
    let output = tokio::task::spawn_blocking(|| process.wait_with_output().unwrap())
        .await
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(6), "{stderr}");
    assert_eq!(relayer.received().len(), 1);
    check_powerless(&threads);
}

/// `/proc/…/status` of each of its threads.
fn threads(process: u32) -> Vec<String> {
    fs::read_dir(format!("/proc/{process}/task"))
        .unwrap()
        .map(|task| fs::read_to_string(task.unwrap().path().join("status")).unwrap())
        .collect()
}

fn check_powerless(threads: &[String]) {
    assert!(!threads.is_empty());
    for status in threads {
        let nobody = field(status, "Uid").split(' ').next().unwrap().to_owned();
        assert_ne!(nobody, "0");
        assert_eq!(field(status, "Uid"), [&*nobody; 4].join(" "));
        assert!(!field(status, "Gid").split(' ').any(|gid| gid == "0"), "{status}");
        assert!(
            !field(status, "Groups").split(' ').any(|gid| gid == "0"),
            "{status}"
        );
        for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
            assert_eq!(field(status, set), "0000000000000000", "{set}");
        }
        assert_eq!(field(status, "NoNewPrivs"), "1");
    }
}

/// Who keeps keys elsewhere is on the network too.
#[tokio::test]
async fn kms_is_asked_as_another_user() {
    if !needs_root() {
        return;
    }
    let node = Node::new();
    close_to_everybody_but_root(node.tsm.root());
    let kms = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", kms.local_addr().unwrap());
    let mut command = node.command("register", "http://127.0.0.1:1");
    command
        .args([
            "--relayer",
            "http://127.0.0.1:1",
            "--user",
            "nobody",
            "--kms",
            "alias/node",
        ])
        .env_remove("CHASSIS_OPERATOR_KEY")
        .envs([
            ("AWS_ENDPOINT_URL_KMS", &*url),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "node"),
            ("AWS_SECRET_ACCESS_KEY", "sesame"),
            ("AWS_MAX_ATTEMPTS", "1"),
        ]);
    let mut process = command.stderr(Stdio::null()).spawn().unwrap();
    let asked = tokio::time::timeout(Duration::from_secs(30), kms.accept()).await;
    let threads = threads(process.id());
    process.kill().unwrap();
    process.wait().unwrap();
    asked.expect("KMS is asked").unwrap();
    check_powerless(&threads);
}

#[tokio::test]
async fn who_is_not_root_cannot_become_another_user() {
    let (node, chain) = (Node::new(), Chain::start().await);
    fs::set_permissions(node.tsm.root(), fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = node.command("register", &chain.url);
    command.args(["--relayer", "http://127.0.0.1:1", "--user", "nobody"]);
    if nix::unistd::geteuid().is_root() {
        std::os::unix::process::CommandExt::uid(&mut command, 65_533);
    }
    let (code, _, stderr) = run(command).await;
    assert_eq!(code, 3, "{stderr}");
    assert!(stderr.contains("only root can become `nobody`"), "{stderr}");
}

#[tokio::test]
async fn nothing_is_sent_before_root_is_given_up() {
    let node = Node::new();
    for (user, says) in [("root", "is root"), ("no-such-user-here", "there is no user")] {
        // This endpoint does not answer, which would be exit code 4.
        let mut command = node.command("register", "http://127.0.0.1:1");
        command.args(["--relayer", "http://127.0.0.1:1", "--user", user]);
        let (code, _, stderr) = run(command).await;
        assert_eq!(code, 3, "{stderr}");
        assert!(stderr.contains(says), "{stderr}");
    }
}

/// A user who may not open the TPM is told so before anything is sent.
#[tokio::test]
async fn a_tpm_that_the_user_may_not_open_is_told_of_at_once() {
    if !needs_root() {
        return;
    }
    let node = Node::new();
    close_to_everybody_but_root(node.tsm.root());
    let device = node.tsm.root().join("tpm");
    fs::write(&device, "").unwrap();
    fs::set_permissions(&device, fs::Permissions::from_mode(0o600)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_chassis-node"));
    command
        .env_clear()
        .env("CHASSIS_OPERATOR_KEY", crate::cli::KEY)
        .args([
            "register",
            "--rpc-url",
            "http://127.0.0.1:1",
            "--relayer",
            "http://127.0.0.1:1",
        ])
        .args([
            "--registry",
            crate::cli::REGISTRY,
            "--user",
            "nobody",
            "--sys-root",
        ])
        .arg(node.tsm.root())
        .args(["--tcti", &format!("device:{}", device.display())]);
    let (code, _, stderr) = run(command).await;
    assert_eq!(code, 3, "{stderr}");
    assert!(stderr.contains("cannot open the TPM"), "{stderr}");
}
