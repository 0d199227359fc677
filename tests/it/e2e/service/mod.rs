//! `chassis-node` as people run it: to get on chain, to stay there, and to leave.

mod clock;
mod deregister;
mod key;
mod register;
mod renew;
mod tpm;
mod warned;

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use alloy::primitives::Address;
use chassis_sim::machine::Parts;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    chain::{Chain, KEYS, free_port},
    programs::binary,
};

/// Nobody listens there.
pub(super) const NOBODY: &str = "http://127.0.0.1:1";
/// The operator's key, by its number.
pub(super) const KEY: usize = 2;

/// `chassis-node SUBCOMMAND` with what every subcommand that asks the chain needs, for the operator with [`KEY`].
pub(super) fn on_chain(subcommand: &str, chain: &Chain) -> Command {
    let mut command = Command::new(binary("chassis-node"));
    command
        .args([
            subcommand,
            "--rpc-url",
            &chain.url,
            "--registry",
            &chain.registry.to_string(),
        ])
        .env("CHASSIS_OPERATOR_KEY", KEYS[KEY]);
    command
}

/// The same on a machine.
pub(super) fn on_machine(subcommand: &str, chain: &Chain, parts: &Parts) -> Command {
    let mut command = on_chain(subcommand, chain);
    command
        .args(["--disclosure", "public", "--tcti", &parts.tcti, "--sys-root"])
        .arg(&parts.sys_root)
        .arg("--ak-intermediates")
        .arg(&parts.ak_intermediates);
    command
}

/// Runs it to its end: exit code, standard output, standard error.
pub(super) async fn run(mut command: Command) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

pub(super) async fn is_attested(chain: &Chain, operator: Address) -> bool {
    chain.registry().isAttested_0(operator).call().await.unwrap()
}

pub(super) async fn expiry(chain: &Chain, operator: Address) -> u64 {
    let stored = chain.registry().attestationOf(operator).call().await.unwrap();
    stored.expiry.to()
}

/// Lets `seconds` pass on chain, to finality.
pub(super) async fn travel(chain: &Chain, seconds: u64) {
    chain.ask("evm_increaseTime", json!([seconds])).await;
    chain.mine(4).await;
}

/// `chassis-node renew`, killed on drop. Its files outlive its process.
pub(super) struct Service {
    process: Option<Child>,
    dir: TempDir,
    url: String,
}

impl Service {
    pub(super) fn new() -> Self {
        Self {
            process: None,
            dir: tempfile::tempdir().unwrap(),
            url: format!("127.0.0.1:{}", free_port()),
        }
    }

    /// The same files on another disk.
    pub(super) fn cloned(&self) -> Self {
        let clone = Self::new();
        for entry in fs::read_dir(self.dir.path()).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), clone.dir.path().join(entry.file_name())).unwrap();
        }
        clone
    }

    /// Starts it on a machine; it looks each second and tries again after one.
    pub(super) fn start(&mut self, chain: &Chain, parts: &Parts, relayers: &[&str]) {
        self.start_with(chain, parts, relayers, |_| {});
    }

    /// The same, with more on its command line or in its environment.
    pub(super) fn start_with(
        &mut self,
        chain: &Chain,
        parts: &Parts,
        relayers: &[&str],
        more: impl FnOnce(&mut Command),
    ) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.path("log"))
            .unwrap();
        let mut command = on_machine("renew", chain, parts);
        for relayer in relayers {
            command.args(["--relayer", relayer]);
        }
        command
            .args(["--watch", "1", "--retry", "1", "--listen", &self.url])
            .arg("--state")
            .arg(self.path("state.json"))
            .arg("--ready-file")
            .arg(self.path("ready"))
            .arg("--session-key")
            .arg(self.path("session.pem"))
            .arg("--rotate-session-key")
            .env("RUST_LOG", "info")
            .stdout(Stdio::null())
            .stderr(log);
        more(&mut command);
        self.process = Some(command.spawn().unwrap());
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    pub(super) fn state(&self) -> Value {
        let json = fs::read(self.path("state.json")).unwrap_or_default();
        serde_json::from_slice(&json).unwrap_or(Value::Null)
    }

    /// `SIGKILL`.
    pub(super) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// `SIGTERM`; gives its exit code.
    pub(super) async fn stop(&mut self) -> Option<i32> {
        let mut process = self.process.take().unwrap();
        kill(Pid::from_raw(process.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
        for _ in 0..300 {
            if let Some(status) = process.try_wait().unwrap() {
                return status.code();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let _ = process.kill();
        panic!("the node did not end within 30 s; its log:\n{}", self.log());
    }

    /// The value of a metric, with its labels if it has any; 0 if it is not there.
    pub(super) async fn metric(&self, name: &str) -> u64 {
        let Ok(answer) = reqwest::get(format!("http://{}/metrics", self.url)).await else {
            return 0;
        };
        let text = answer.text().await.unwrap();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0, |value| value.parse().unwrap())
    }

    pub(super) async fn renewals(&self, outcome: &str) -> u64 {
        self.metric(&format!("chassis_node_renewals_total{{outcome=\"{outcome}\"}}"))
            .await
    }

    pub(super) async fn is_ready(&self) -> bool {
        let answer = reqwest::get(format!("http://{}/readyz", self.url)).await;
        let answers = answer.is_ok_and(|answer| answer.status().is_success());
        answers && self.path("ready").exists()
    }

    /// Waits at most a minute; shows the log if that is in vain.
    pub(super) async fn until<F: Future<Output = bool>>(&self, what: &str, mut done: impl FnMut() -> F) {
        for _ in 0..600 {
            if done().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("waited a minute in vain: {what}; the node's log:\n{}", self.log());
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A relayer that says that everything is final, in a block that is final, and does nothing.
async fn liar() -> String {
    speaker(json!({"state": "final", "blockNumber": 1, "checks": []})).await
}

/// A relayer that says the same of every bundle, and does nothing.
pub(super) async fn speaker(says: Value) -> String {
    use axum::{
        Json, Router,
        extract::Path,
        routing::{get, post},
    };
    let about = move |digest: String| {
        let mut says = says.clone();
        says["digest"] = json!(digest);
        Json(says)
    };
    let submit = {
        let about = about.clone();
        move |body: axum::body::Bytes| async move {
            let bundle =
                chassis_verifier::bundle::Bundle::parse(&body, chassis_verifier::bundle::DEFAULT_LIMIT);
            about(bundle.unwrap().digest.to_string())
        }
    };
    let router = Router::new().route("/v1/bundles", post(submit)).route(
        "/v1/bundles/{digest}",
        get(move |Path(digest): Path<String>| async move { about(digest) }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, router).await });
    url
}

fn mode(path: &Path) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions()) & 0o777
}
