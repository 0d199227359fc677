//! A host, its services, and the TD on it.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
};

use axum::{Json, Router, routing::post};
use chassis_sim::{
    host::{BareMetal, Guest, HostSpec, Launch, QuoteService, Service},
    policy_toml,
};
use chassis_verifier::{CustodyLevel, HostStack, Policy, Profile, Provider, platform_id, sha256};
use serde_json::{Value, json};

use super::super::{
    chain::METAL,
    programs::{binary, chassis},
};
use crate::world::World;

const OPERATOR: &str = "0x0707070707070707070707070707070707070707070707070707070707070707";

/// A host with its quote generation service and the TD on it, and a folder for the programs' files.
pub(super) struct Metal {
    pub(super) world: World,
    pub(super) host: BareMetal,
    guest: Guest,
    _quotes: QuoteService,
    dir: tempfile::TempDir,
}

/// A program that serves, killed on drop.
pub(super) struct Running {
    process: Child,
    pub(super) url: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Metal {
    pub(super) fn new() -> Self {
        Self::of(HostSpec::new("a"))
    }

    pub(super) fn of(spec: HostSpec) -> Self {
        Self::with(spec, Service::Honest)
    }

    pub(super) fn with(spec: HostSpec, service: Service) -> Self {
        let world = World::new();
        let dir = tempfile::tempdir().unwrap();
        let host = world.cloud.boot_host(spec).unwrap();
        let quotes = QuoteService::start(&dir.path().join("qgs.sock"), host.td().clone(), service).unwrap();
        let guest = host.guest(&dir.path().join("relay.sock")).unwrap();
        let metal = Self {
            world,
            host,
            guest,
            _quotes: quotes,
            dir,
        };
        metal.write_drtm_log();
        let maker = metal.world.cloud.tpm_manufacturer();
        fs::write(metal.path("maker-root.der"), maker.root_der()).unwrap();
        fs::write(metal.path("maker-intermediate.der"), maker.intermediate_der()).unwrap();
        metal.rack(&metal.host);
        let made = metal.node(&["registrar", "keygen", "--key"], &["registrar.key"]);
        assert!(made.status.success(), "{}", out(&made));
        let key = serde_json::from_value(json!(String::from_utf8(made.stdout).unwrap().trim())).unwrap();
        fs::write(
            metal.path("policy.toml"),
            policy_toml(&metal.policy(key)).unwrap(),
        )
        .unwrap();
        metal
    }

    /// The simulation's policy, which also trusts this registrar and the reviewed host stack.
    pub(super) fn policy(&self, registrar: chassis_verifier::Base64) -> Policy {
        let launch = Launch::reviewed().pcrs(HostSpec::BANK);
        let mut policy = self.world.policy.clone();
        policy.providers.push(Provider {
            id: METAL,
            name: "Simulated Metal".into(),
            profile: Profile::BareMetal,
            roots: Vec::new(),
            registrars: vec![registrar],
            revoked_statements: Vec::new(),
            revoked_eks: Vec::new(),
            revoked_aks: Vec::new(),
            require_crl: false,
            host_registry: false,
            require_pzid: false,
            ak_certificate_custody: CustodyLevel::None,
        });
        policy.hosts.push(HostStack {
            name: "reviewed".into(),
            bank: HostSpec::BANK,
            pcr17: vec![hex::encode(launch.pcr17)],
            pcr18: vec![hex::encode(launch.pcr18)],
            checks_td_report: true,
            chooses_qualifying_data: true,
            locked: true,
        });
        policy
    }

    /// Writes down which TPM is with which CPU, as whoever racks `host` does.
    pub(super) fn rack(&self, host: &BareMetal) {
        let text = format!(
            "[[machine]]\nname = \"rack 1\"\nzone = \"hall 4\"\nek_certificate_sha256 = \"{}\"\nplatform_id = \"{}\"\n",
            sha256(&host.endorsement().ek_certificate),
            platform_id(&host.td().pck().ppid),
        );
        fs::write(self.path("machines.toml"), text).unwrap();
    }

    pub(super) fn write_drtm_log(&self) {
        // Kernels show the whole of the area.
        fs::write(
            self.path("drtm.log"),
            [self.host.drtm_log(), vec![0; 4096]].concat(),
        )
        .unwrap();
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// `chassis-node`, once, with the names of files of this folder as its last arguments.
    pub(super) fn node(&self, args: &[&str], files: &[&str]) -> Output {
        let mut command = Command::new(binary("chassis-node"));
        command.args(args).args(files.iter().map(|file| self.path(file)));
        command.output().unwrap()
    }

    pub(super) async fn registrar(&self) -> Running {
        let mut command = Command::new(binary("chassis-node"));
        command
            .args(["registrar", "serve", "--json", "--listen", "127.0.0.1:0", "--key"])
            .arg(self.path("registrar.key"))
            .arg("--policy")
            .arg(self.path("policy.toml"))
            .arg("--machines")
            .arg(self.path("machines.toml"))
            .arg("--tpm-roots")
            .arg(self.path("maker-root.der"))
            .arg("--audit")
            .arg(self.path("audit.jsonl"));
        let (process, ready) = serving(command).await;
        Running {
            process,
            url: format!("http://{}", ready["listen"].as_str().unwrap()),
        }
    }

    /// `chassis-node enroll` on the host.
    pub(super) fn enroll(&self, registrar: &str, more: &[&str]) -> Output {
        self.enroll_at(&self.host, registrar, more)
    }

    pub(super) fn enroll_at(&self, host: &BareMetal, registrar: &str, more: &[&str]) -> Output {
        Command::new(binary("chassis-node"))
            .args(["enroll", "--tcti", &host.tcti(), "--registrar", registrar])
            .arg("--ek-intermediates")
            .arg(self.path("maker-intermediate.der"))
            .arg("--enrolment")
            .arg(self.path("enrolment.json"))
            .args(more)
            .output()
            .unwrap()
    }

    fn agent_command(&self) -> Command {
        let mut command = Command::new(binary("chassis-node"));
        command
            .args(["host-agent", "--json", "--tcti", &self.host.tcti(), "--listen"])
            .arg(self.address("agent.sock"))
            .args(["--relay", &self.address("relay.sock")])
            .args(["--quote-service", &self.address("qgs.sock"), "--enrolment"])
            .arg(self.path("enrolment.json"))
            .arg("--drtm-log")
            .arg(self.path("drtm.log"));
        command
    }

    pub(super) async fn agent(&self) -> Running {
        let (process, _) = serving(self.agent_command()).await;
        Running {
            process,
            url: self.address("agent.sock"),
        }
    }

    /// An agent that is to end by itself.
    pub(super) fn agent_once(&self) -> Output {
        self.agent_command().output().unwrap()
    }

    pub(super) fn address(&self, socket: &str) -> String {
        format!("unix:{}", self.path(socket).display())
    }

    /// `chassis-node attest` in the TD.
    pub(super) async fn attest(&self) -> Output {
        let registry = self.world.cloud.anchor().registry.to_string();
        let command = self.in_guest("attest", &self.rpc().await, &registry);
        self.write_bundle(command).await
    }

    /// The same before there is an agent, in a TD whose hypervisor asks the quote generation service itself.
    pub(super) async fn attest_without_tpm(&self) -> Output {
        std::os::unix::fs::symlink(self.path("qgs.sock"), self.path("relay.sock")).unwrap();
        let registry = self.world.cloud.anchor().registry.to_string();
        let mut command = Command::new(binary("chassis-node"));
        command
            .args(["attest", "--no-tpm", "--rpc-url", &self.rpc().await])
            .args(["--registry", &registry, "--sys-root"])
            .arg(self.guest.sys_root());
        self.write_bundle(command).await
    }

    async fn write_bundle(&self, mut attest: Command) -> Output {
        attest
            .arg("--out")
            .arg(self.path("bundle.json"))
            .env("CHASSIS_OPERATOR_KEY", OPERATOR);
        tokio::task::spawn_blocking(move || attest.output().unwrap())
            .await
            .unwrap()
    }

    /// `chassis-node SUBCOMMAND` in the TD.
    pub(super) fn in_guest(&self, subcommand: &str, rpc_url: &str, registry: &str) -> Command {
        let mut command = Command::new(binary("chassis-node"));
        command
            .args([subcommand, "--rpc-url", rpc_url, "--registry", registry])
            .args(["--host", &self.address("agent.sock"), "--sys-root"])
            .arg(self.guest.sys_root());
        command
    }

    /// `chassis-node host-doctor` on the host.
    pub(super) fn host_doctor(&self) -> Output {
        Command::new(binary("chassis-node"))
            .args(["host-doctor", "--json", "--tcti", &self.host.tcti()])
            .args(["--quote-service", &self.address("qgs.sock"), "--enrolment"])
            .arg(self.path("enrolment.json"))
            .arg("--drtm-log")
            .arg(self.path("drtm.log"))
            .output()
            .unwrap()
    }

    /// `chassis verify` of what [`Metal::attest`] wrote: its exit code and what it says.
    pub(super) fn verify(&self) -> (Option<i32>, Value) {
        let endorsements = self.path("endorsements.json");
        let set = self.world.cloud.endorsements(self.host.td().pck());
        fs::write(&endorsements, set.to_json().unwrap()).unwrap();
        let (bundle, policy) = (self.path("bundle.json"), self.path("policy.toml"));
        let verified = chassis(&[
            "verify",
            bundle.to_str().unwrap(),
            "--policy",
            policy.to_str().unwrap(),
            "--endorsements",
            endorsements.to_str().unwrap(),
            "--at",
            &(self.world.cloud.now() + 60).to_string(),
            "--json",
        ]);
        let text = String::from_utf8_lossy(&verified.stdout);
        let answer = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{}", out(&verified)));
        (verified.status.code(), answer)
    }

    /// An endpoint of the simulation's chain, whose finalized block is the cloud's anchor.
    async fn rpc(&self) -> String {
        let anchor = self.world.cloud.anchor();
        let answer = move |Json(request): Json<Value>| async move {
            let result = match request["method"].as_str().unwrap() {
                "eth_chainId" => json!(format!("{:#x}", anchor.chain_id)),
                _ => json!({
                    "number": format!("{:#x}", anchor.number), "hash": anchor.hash,
                    "timestamp": format!("{:#x}", anchor.timestamp),
                }),
            };
            Json(json!({"jsonrpc": "2.0", "id": request["id"], "result": result}))
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/", post(answer));
        tokio::spawn(async { axum::serve(listener, router).await });
        url
    }
}

/// All that a program said.
pub(super) fn out(output: &Output) -> String {
    [&output.stdout, &output.stderr]
        .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
        .concat()
}

/// Starts a program, and waits for the line by which it says that it serves.
async fn serving(mut command: Command) -> (Child, Value) {
    let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
    let stdout = process.stdout.take().unwrap();
    let line = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        line
    })
    .await
    .unwrap();
    let ready = serde_json::from_str(&line).unwrap_or_else(|_| panic!("it does not serve: {line}"));
    (process, ready)
}
