//! The product's own binaries, run as people run them.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use chassis_sim::{Cloud, machine::Parts};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    chain::{Chain, KEYS, free_port, until},
    outside::Outside,
};

/// Where cargo puts binaries: beside this package's own.
pub(crate) fn binary(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_chassis-sim")).with_file_name(name);
    assert!(
        path.exists(),
        "{} is missing; run `cargo build --workspace --bins`",
        path.display()
    );
    path
}

/// Re-appraisal without a pause.
pub(crate) const REAPPRAISE: &str = "[reappraise]\ninterval_s = 1\nper_second = 1000\nfreeze_on = [\"pck_revoked\"]\n\
                          [webhooks]\nfirst_pause_s = 1\ndanger_allow_loopback = true";

/// `chassis relay`, killed on drop. Its files outlive its process.
pub(crate) struct Relayer {
    pub(super) process: Option<Child>,
    pub(super) config: PathBuf,
    pub(crate) url: String,
    /// Number of its key.
    key: usize,
    dir: TempDir,
}

impl Relayer {
    /// Writes its configuration; does not start it.
    pub(crate) fn new(chain: &Chain, cloud: &Cloud, outside: &Outside) -> Self {
        Self::configured(
            chain,
            cloud,
            outside,
            &format!("rpc_url = {:?}", chain.url),
            REAPPRAISE,
        )
    }

    /// The same, with more lines of configuration: keys at the top, and sections.
    pub(crate) fn configured(
        chain: &Chain,
        cloud: &Cloud,
        outside: &Outside,
        top: &str,
        sections: &str,
    ) -> Self {
        Self::member(chain, cloud, outside, (1, free_port()), top, sections)
    }

    /// One of several, with the key of this number, that listens at this port.
    pub(crate) fn member(
        chain: &Chain,
        cloud: &Cloud,
        outside: &Outside,
        (key, port): (usize, u16),
        top: &str,
        sections: &str,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("relayer.toml");
        let url = format!("127.0.0.1:{port}");
        let text = format!(
            "listen = {url:?}\n{top}\nregistry = \"{}\"\npolicy = \"{}\"\ndata_dir = \"{}\"\n{sections}\n\
             [endorsements]\npcs = \"{http}\"\nrefresh_s = 1\n\
             host_registry = \"{http}/host-registry/{{ppid}}\"\n\
             provider_crls = [\"{http}/crls/0\", \"{http}/crls/1\"]\n",
            chain.registry,
            cloud.policy_path().display(),
            dir.path().join("data").display(),
            http = outside.url,
        );
        std::fs::write(&config, text).unwrap();
        Self {
            process: None,
            config,
            url: format!("http://{url}"),
            key,
            dir,
        }
    }

    /// The folder of its archive.
    pub(crate) fn archive(&self) -> PathBuf {
        self.dir.path().join("data/archive")
    }

    /// Changes its configuration.
    pub(crate) fn configure(&self, change: impl FnOnce(String) -> String) {
        let text = std::fs::read_to_string(&self.config).unwrap();
        std::fs::write(&self.config, change(text)).unwrap();
    }

    /// Its data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Starts it and waits until it answers. `failpoint`: where it is to die, which may be before it answers.
    pub(crate) async fn start(&mut self, failpoint: Option<&str>) {
        let mut command = Command::new(binary("chassis"));
        if let Some(name) = failpoint {
            command.env("CHASSIS_FAILPOINT", name);
        }
        self.spawn(command, failpoint.is_some()).await;
    }

    /// Starts it with its log in a file.
    pub(crate) async fn start_logging(&mut self, log: &Path) {
        let mut command = Command::new(binary("chassis"));
        command.stderr(std::fs::File::create(log).unwrap());
        self.spawn(command, false).await;
    }

    /// The same on a disk that is full: no file can grow beyond so many KiB.
    pub(crate) async fn start_where_files_end_at(&mut self, kib: u32) {
        let mut command = Command::new("bash");
        // The signal would kill it; a full disk sends none.
        let script = format!("trap '' XFSZ; ulimit -f {kib}; exec \"$0\" \"$@\"");
        command.arg("-c").arg(script).arg(binary("chassis"));
        self.spawn(command, false).await;
    }

    pub(super) async fn spawn(&mut self, mut command: Command, may_die: bool) {
        command
            .args(["relay", "--config"])
            .arg(&self.config)
            .env("CHASSIS_RELAYER_KEY", KEYS[self.key]);
        self.process = Some(command.stdout(Stdio::null()).spawn().unwrap());
        let url = format!("{}/healthz", self.url);
        for _ in 0..600 {
            if reqwest::get(&url).await.is_ok_and(|r| r.status().is_success()) {
                return;
            }
            if self.is_dead() {
                assert!(may_die, "the relayer ended before it answered; its log says why");
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("waited a minute in vain: the relayer answers");
    }

    /// Whether its process has ended.
    pub(crate) fn is_dead(&mut self) -> bool {
        self.process
            .as_mut()
            .is_none_or(|process| process.try_wait().unwrap().is_some())
    }

    /// `SIGTERM`; comes back when it has ended.
    pub(crate) fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let pid = nix::unistd::Pid::from_raw(i32::try_from(process.id()).unwrap());
            nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
            process.wait().unwrap();
        }
    }

    /// The most memory it ever had, in bytes.
    pub(crate) fn peak_memory(&self) -> u64 {
        let process = self.process.as_ref().unwrap().id();
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        kilobytes << 10
    }

    /// `SIGKILL`.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    pub(crate) async fn post(&self, bundle: &[u8]) -> (u16, Value) {
        let (status, _, answer) = self.submit(bundle).await;
        (status, answer)
    }

    /// The same, with the answer's headers.
    pub(crate) async fn submit(&self, bundle: &[u8]) -> (u16, HeaderMap, Value) {
        let answer = reqwest::Client::new()
            .post(format!("{}/v1/bundles", self.url))
            .header("content-type", "application/json")
            .body(bundle.to_vec())
            .send()
            .await
            .unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        (status, headers, answer.json().await.unwrap_or(Value::Null))
    }

    /// `/metrics`.
    pub(crate) async fn metrics(&self) -> String {
        let answer = reqwest::get(format!("{}/metrics", self.url)).await.unwrap();
        answer.text().await.unwrap()
    }

    /// What `/readyz` gives as reasons.
    pub(crate) async fn reasons(&self) -> String {
        match reqwest::get(format!("{}/readyz", self.url)).await {
            Ok(answer) => answer.json::<Value>().await.unwrap_or(Value::Null)["reasons"].to_string(),
            Err(error) => error.to_string(),
        }
    }

    pub(crate) async fn bundle(&self, digest: &str) -> Value {
        let url = format!("{}/v1/bundles/{digest}", self.url);
        match reqwest::get(url).await {
            Ok(answer) => answer.json().await.unwrap_or(Value::Null),
            Err(_) => Value::Null,
        }
    }

    pub(crate) async fn until_state(&self, digest: &str, state: &str) -> Value {
        until(&format!("{digest} is {state}"), || async {
            self.bundle(digest).await["state"] == json!(state)
        })
        .await;
        self.bundle(digest).await
    }
}

impl Drop for Relayer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// `chassis-node attest`: a bundle from a machine, by the operator's key with this number.
pub(crate) fn attest(chain: &Chain, cloud: &Cloud, parts: &Parts, key: usize) -> Vec<u8> {
    attest_for("public", chain, cloud, parts, key)
}

/// The same for these eyes: `public`, `auditors`.
pub(crate) fn attest_for(eyes: &str, chain: &Chain, cloud: &Cloud, parts: &Parts, key: usize) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("bundle.json");
    let output = Command::new(binary("chassis-node"))
        .args([
            "attest",
            "--rpc-url",
            &chain.url,
            "--registry",
            &chain.registry.to_string(),
        ])
        .args(["--tcti", &parts.tcti, "--disclosure", eyes, "--sys-root"])
        .arg(&parts.sys_root)
        .arg("--ak-intermediates")
        .arg(cloud.intermediate_path())
        .arg("--out")
        .arg(&out)
        .env("CHASSIS_OPERATOR_KEY", KEYS[key])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    std::fs::read(out).unwrap()
}

/// `chassis`, once.
pub(crate) fn chassis(args: &[&str]) -> Output {
    Command::new(binary("chassis")).args(args).output().unwrap()
}
