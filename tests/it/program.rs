//! `chassis-sim` as the demonstration runs it.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use chassis_verifier::{
    Endorsements, Policy,
    bundle::{Bundle, DEFAULT_LIMIT},
    claims::{AllianceToken, Poe, RegistrarStatement},
    eventlog::DrtmLog,
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_chassis-sim");

#[tokio::test(flavor = "multi_thread")]
async fn it_serves_relayers_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let mut process = up(dir);
    let manifest = manifest(dir, &mut process);
    let (a, b) = (&manifest["machines"]["a"], &manifest["machines"]["b"]);
    let http = manifest["http"].as_str().unwrap();
    let get = async |path: String| reqwest::get(format!("{http}{path}")).await.unwrap();

    let collateral: dcap_qvl::QuoteCollateralV3 =
        get(format!("/collateral/{}", a["fmspc"].as_str().unwrap()))
            .await
            .json()
            .await
            .unwrap();
    assert!(collateral.tcb_info.contains("00806F050000"));
    let claim: Value = get(format!("/host-registry/{}", a["ppid"].as_str().unwrap()))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(claim["platformId"], a["platformId"]);
    assert_eq!(claim["zone"], "us-central1-a");
    assert_eq!(
        get(format!("/host-registry/{}", b["ppid"].as_str().unwrap()))
            .await
            .status(),
        404
    );
    let root = get("/roots/intel.der".into()).await.bytes().await.unwrap();
    assert_eq!(
        root,
        fs::read(manifest["roots"]["intel"].as_str().unwrap()).unwrap()
    );
    let policy = fs::read_to_string(manifest["policy"].as_str().unwrap()).unwrap();
    Policy::from_toml(&policy).unwrap();

    let joined = Command::new(PROGRAM)
        .args(["frankenstein", "--td", "b", "--tpm", "a", "--dir"])
        .arg(dir)
        .output()
        .unwrap();
    let joined: Value = serde_json::from_slice(&joined.stdout).unwrap();
    assert_eq!(joined["tcti"], a["tcti"]);
    let root = Path::new(joined["sysRoot"].as_str().unwrap());
    assert!(root.join("sys/firmware/acpi/tables/data/CCEL").exists());

    let pids = [a, b].map(|machine| machine["tpmPid"].as_u64().unwrap());
    kill(
        Pid::from_raw(i32::try_from(process.id()).unwrap()),
        Signal::SIGTERM,
    )
    .unwrap();
    assert!(process.wait().unwrap().success());
    assert!(!dir.join("sim.json").exists());
    assert!(
        pids.iter()
            .all(|pid| !Path::new(&format!("/proc/{pid}")).exists())
    );
}

#[test]
fn it_writes_the_documents_of_an_honest_appraisal() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let status = Command::new(PROGRAM)
        .args(["evidence", "--dir"])
        .arg(dir)
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    let read = |name: &str| fs::read_to_string(dir.join(name)).unwrap();
    let appraisal = chassis_verifier::appraise(
        &Bundle::parse(read("bundle.json").as_bytes(), DEFAULT_LIMIT).unwrap(),
        &Endorsements::parse(read("endorsements.json").as_bytes()).unwrap(),
        &Policy::from_toml(&read("policy.toml")).unwrap(),
        read("as-of").parse().unwrap(),
    )
    .unwrap();
    assert!(appraisal.is_attestable());
    let bytes = |name: &str| fs::read(dir.join(name)).unwrap();
    Poe::parse(&bytes("poe")).unwrap();
    AllianceToken::parse(&read("alliance-token")).unwrap();
    RegistrarStatement::parse(&bytes("registrar-statement")).unwrap();
    assert!(!DrtmLog::parse(&bytes("drtm-log")).unwrap().events().is_empty());
}

fn up(dir: &Path) -> Child {
    Command::new(PROGRAM)
        .args(["up", "--machines", "a,b=other-kernel@basement", "--dir"])
        .arg(dir)
        .stderr(Stdio::null())
        .spawn()
        .expect("a program")
}

/// What `sim.json` says, once it is there.
fn manifest(dir: &Path, process: &mut Child) -> Value {
    let deadline = Instant::now() + Duration::from_mins(1);
    while Instant::now() < deadline && process.try_wait().is_ok_and(|ended| ended.is_none()) {
        if let Ok(text) = fs::read(dir.join("sim.json")) {
            return serde_json::from_slice(&text).expect("JSON");
        }
        sleep(Duration::from_millis(20));
    }
    let _ = process.kill();
    panic!("chassis-sim did not come up");
}
