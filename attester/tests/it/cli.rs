//! The binary itself, on a software TPM, with an RPC endpoint and a relayer that say what the test tells them.

use std::process::{Command, Output};

use alloy_primitives::{Address, B256, address};
use chassis_attester::GOOGLE_AK;
use chassis_verifier::{
    bundle::{Bundle, DEFAULT_LIMIT, Disclosure, Tee},
    challenge::{AkName, challenge, qualifying_data, report_data},
    consent_signer,
    tpm::Attest,
};
use serde_json::{Value, json};

use crate::{
    node::{Answer, Tsm, event_log},
    provision::{Ca, ecc_ak_template, provision_ak},
    servers::{BLOCK_HASH, Chain, FINALIZED, Scripted},
    swtpm::Swtpm,
};

/// The first of anvil's keys.
pub(crate) const KEY: &str = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
pub(crate) const OPERATOR: Address = address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
pub(crate) const REGISTRY: &str = "0x00000000000000000000000000000000000000aa";

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
    let url = Chain::start().await.url;
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
        (31337, FINALIZED)
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

/// A service has no command line of its owner's: it would renew as private what was registered for everybody.
#[tokio::test]
async fn the_environment_says_whom_bundles_are_shown() {
    let node = Node::new();
    let url = Chain::start().await.url;
    let out = tempfile::NamedTempFile::new().unwrap();
    for (said, wanted) in [
        (None, Disclosure::Auditors),
        (Some("auditors"), Disclosure::Auditors),
        (Some("public"), Disclosure::Public),
    ] {
        let mut command = node.command("attest", &url);
        command.arg("--out").arg(out.path());
        command.envs(said.map(|said| ("CHASSIS_DISCLOSURE", said)));
        let (code, _, stderr) = run(command).await;
        assert_eq!(code, 0, "{stderr}");
        let bundle = Bundle::parse(&std::fs::read(out.path()).unwrap(), DEFAULT_LIMIT).unwrap();
        assert_eq!(bundle.evidence.disclosure, wanted);
    }
}

#[tokio::test]
async fn each_kind_of_failure_has_its_exit_code() {
    let node = Node::new();
    let chain = Chain::start().await;
    let url = chain.url.clone();
    let relayer = Scripted::start(&chain, vec![json!({"state": "received"})])
        .await
        .url;
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
    not_final.args(["--relayer", &relayer, "--wait", "1", "--json"]);

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
