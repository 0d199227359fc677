//! The binary itself, on a software TPM, with an RPC endpoint and a relayer that say what the test tells them.

use std::{
    process::{Command, Output},
    sync::{Arc, Mutex},
};

use alloy_primitives::{Address, B256, address};
use axum::{
    Json, Router,
    extract::{Path, State},
    routing::{get, post},
};
use chassis_attester::GOOGLE_AK;
use chassis_verifier::{
    bundle::{Bundle, DEFAULT_LIMIT, Tee},
    challenge::{AkName, challenge, qualifying_data, report_data},
    consent_signer,
    tpm::Attest,
};
use serde_json::{Value, json};

use crate::{
    node::{Answer, Tsm, event_log},
    provision::{Ca, ecc_ak_template, provision_ak},
    swtpm::Swtpm,
};

/// The first of anvil's keys.
pub(crate) const KEY: &str = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
const OPERATOR: Address = address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
pub(crate) const REGISTRY: &str = "0x00000000000000000000000000000000000000aa";
const BLOCK_HASH: B256 = B256::repeat_byte(0x42);

pub(crate) struct Node {
    pub(crate) swtpm: Swtpm,
    pub(crate) tsm: Tsm,
}

impl Node {
    pub(crate) fn new() -> Self {
        let swtpm = Swtpm::start("sha256,sha384");
        provision_ak(&mut swtpm.open(), GOOGLE_AK[0], &ecc_ak_template(), &Ca::new());
        let tsm = Tsm::serve(Answer::Quote);
        tsm.write_logs(&[&event_log()[..], &[0xff; 4096]].concat());
        Self { swtpm, tsm }
    }

    pub(crate) fn command(&self, subcommand: &str, rpc: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chassis-node"));
        command
            .env_clear()
            .env("CHASSIS_OPERATOR_KEY", KEY)
            .args([subcommand, "--rpc-url", rpc, "--registry", REGISTRY])
            .args(["--tcti", &self.swtpm.tcti()])
            .arg("--sys-root")
            .arg(self.tsm.root());
        command
    }
}

/// An RPC endpoint at `/`, a relayer at `/v1`. The relayer tells of one scripted state after another.
#[derive(Clone)]
pub(crate) struct Servers {
    script: Arc<Mutex<Vec<Value>>>,
    pub(crate) received: Arc<Mutex<Option<B256>>>,
}

impl Servers {
    pub(crate) async fn start(script: Vec<Value>) -> (String, Self) {
        let servers = Self {
            script: Arc::new(Mutex::new(script)),
            received: Arc::default(),
        };
        let router = Router::new()
            .route("/", post(rpc))
            .route("/v1/bundles", post(receive))
            .route("/v1/bundles/{digest}", get(next))
            .with_state(servers.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, router).await });
        (url, servers)
    }

    fn answer(&self, digest: B256) -> Json<Value> {
        let mut answer = self.script.lock().unwrap().remove(0);
        answer["digest"] = json!(digest);
        Json(answer)
    }
}

async fn rpc(Json(request): Json<Value>) -> Json<Value> {
    let result = match request["method"].as_str().unwrap() {
        "eth_chainId" => json!("0x7a69"),
        "eth_getBlockByNumber" => {
            assert_eq!(request["params"][0], "finalized");
            json!({"number": "0x10", "hash": BLOCK_HASH, "timestamp": "0x0"})
        }
        other => panic!("{other} was not expected"),
    };
    Json(json!({"jsonrpc": "2.0", "id": request["id"], "result": result}))
}

async fn receive(State(servers): State<Servers>, body: axum::body::Bytes) -> Json<Value> {
    let bundle = Bundle::parse(&body, DEFAULT_LIMIT).unwrap();
    *servers.received.lock().unwrap() = Some(bundle.digest);
    servers.answer(bundle.digest)
}

async fn next(State(servers): State<Servers>, Path(digest): Path<B256>) -> Json<Value> {
    servers.answer(digest)
}

pub(crate) async fn run(mut command: Command) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

#[tokio::test]
async fn attest_writes_a_bundle_that_is_bound_in_both_directions() {
    let node = Node::new();
    let (url, _) = Servers::start(vec![]).await;
    let out = tempfile::NamedTempFile::new().unwrap();
    let mut command = node.command("attest", &url);
    command.arg("--json").arg("--out").arg(out.path());
    let (code, stdout, stderr) = run(command).await;
    assert_eq!(code, 0, "{stderr}");

    let bundle = Bundle::parse(&std::fs::read(out.path()).unwrap(), DEFAULT_LIMIT).unwrap();
    let answer: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(answer["digest"], json!(bundle.digest));
    assert_eq!(consent_signer(&bundle), Some(OPERATOR));

    let evidence = bundle.evidence;
    assert_eq!(
        (evidence.anchor.chain_id, evidence.anchor.block_number),
        (31337, 16)
    );
    assert_eq!(evidence.anchor.block_hash, BLOCK_HASH);
    let challenge = challenge(&evidence.anchor, OPERATOR);
    let tpm = evidence.tpm.unwrap();
    let Tee::Tdx { quote, ccel, .. } = evidence.tee;
    let wanted = report_data(challenge, AkName::of(&tpm.ak_public), B256::ZERO);
    assert_eq!(*quote, Tsm::quote_over(&wanted));
    let attest = Attest::parse(&tpm.attest).unwrap();
    assert_eq!(
        attest.quote().unwrap().extra_data,
        qualifying_data(challenge, &quote)[..]
    );
    assert_eq!(*ccel.unwrap(), event_log()[..], "padding is stripped");
    assert_eq!(
        **tpm.event_log.as_ref().unwrap(),
        event_log()[..],
        "padding is stripped"
    );
}

#[tokio::test]
async fn register_follows_the_bundle_until_it_is_final() {
    let node = Node::new();
    let transaction = B256::repeat_byte(1);
    let (url, servers) = Servers::start(vec![
        json!({"state": "received"}),
        json!({"state": "posted", "transaction": transaction, "later": {"a": 1}}),
        json!({"state": "final", "transaction": transaction}),
    ])
    .await;
    let mut command = node.command("register", &url);
    command.args(["--relayer", &url]);
    let (code, stdout, stderr) = run(command).await;
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(stdout, format!("{OPERATOR} is attested\n"));
    assert!(
        stderr.contains(&format!("posted     transaction {transaction}")),
        "{stderr}"
    );
    assert!(stderr.contains(&servers.received.lock().unwrap().unwrap().to_string()));
}

#[tokio::test]
async fn a_rejection_names_each_failed_check() {
    let node = Node::new();
    let checks = json!([
        {"id": 101, "name": "td-quote", "outcome": "Pass", "detail": "fine"},
        {"id": 601, "name": "cross-check", "outcome": "Fail", "detail": "PCR 9 has an unlisted event"},
    ]);
    let (url, _) = Servers::start(vec![
        json!({"state": "received"}),
        json!({"state": "rejected", "checks": checks}),
    ])
    .await;
    let mut command = node.command("register", &url);
    command.args(["--relayer", &url]);
    let (code, _, stderr) = run(command).await;
    assert_eq!(code, 5, "{stderr}");
    assert!(stderr.contains("was rejected: 1 check failed"), "{stderr}");
    assert!(
        stderr.contains("check 601 cross-check: PCR 9 has an unlisted event"),
        "{stderr}"
    );
    assert!(!stderr.contains("td-quote"), "{stderr}");
}

#[tokio::test]
async fn each_kind_of_failure_has_its_exit_code() {
    let node = Node::new();
    let (url, _) = Servers::start(vec![json!({"state": "received"}); 9]).await;
    let closed = "http://127.0.0.1:1";
    let out = tempfile::NamedTempFile::new().unwrap();

    let mut no_rpc = node.command("attest", closed);
    no_rpc.arg("--out").arg(out.path());
    let mut no_key = node.command("attest", &url);
    no_key
        .env_remove("CHASSIS_OPERATOR_KEY")
        .arg("--out")
        .arg(out.path());
    let mut no_tpm = node.command("attest", &url);
    no_tpm.arg("--out").arg(out.path());
    let tcti = no_tpm.get_args().position(|arg| arg == "--tcti").unwrap();
    let mut args: Vec<_> = no_tpm.get_args().map(ToOwned::to_owned).collect();
    args[tcti + 1] = "device:/dev/no-such-tpm".into();
    let mut no_tpm = Command::new(env!("CARGO_BIN_EXE_chassis-node"));
    no_tpm.env_clear().env("CHASSIS_OPERATOR_KEY", KEY).args(args);
    let mut no_relayer = node.command("register", &url);
    no_relayer.args(["--relayer", closed]);
    let mut not_final = node.command("register", &url);
    not_final.args(["--relayer", &url, "--wait", "1", "--json"]);

    for (command, wanted, says) in [
        (no_rpc, 4, "127.0.0.1:1"),
        (no_key, 7, "CHASSIS_OPERATOR_KEY"),
        (no_tpm, 3, "device:/dev/no-such-tpm"),
        (no_relayer, 4, "127.0.0.1:1"),
        (not_final, 6, "not final"),
    ] {
        let (code, stdout, stderr) = run(command).await;
        assert_eq!(code, wanted, "{stderr}");
        assert!(format!("{stdout}{stderr}").contains(says), "{stdout}{stderr}");
    }
}
