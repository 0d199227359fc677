//! `doctor`: everything green on an honest machine, and one red line for each thing that is wrong.

use std::{fs, path::Path};

use chassis_sim::{
    firmware::Image,
    machine::{MachineSpec, Parts},
};
use serde_json::{Value, json};

use super::{Ran, World, run};

const TPM_LOG: &str = "sys/kernel/security/tpm0/binary_bios_measurements";
const CCEL: &str = "sys/firmware/acpi/tables/data/CCEL";

async fn doctor(world: &World, parts: &Parts, more: &[&str]) -> Ran {
    let mut command = world.node("doctor", parts);
    command
        .args(["--relayer", &world.relayer.url, "--danger-intel-root"])
        .arg(world.cloud.intel_root_path())
        .args(more);
    run(command).await
}

/// The ids of what is missing, except the host's agent, which no virtual machine has.
async fn missing(world: &World, parts: &Parts, more: &[&str]) -> (i32, Vec<String>) {
    ids(&doctor(world, parts, &[&["--json"], more].concat()).await)
}

fn ids(ran: &Ran) -> (i32, Vec<String>) {
    let answer = answer(ran);
    let findings = answer["findings"].as_array().unwrap();
    let missing = findings.iter().filter(|finding| finding["outcome"] == "missing");
    let ids = missing
        .inspect(|finding| assert!(finding["todo"].is_string(), "{finding}"))
        .map(|finding| finding["id"].as_str().unwrap().to_owned())
        .filter(|id| id != "host.agent");
    (ran.code, ids.collect())
}

fn answer(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.said))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_machine_is_all_green() {
    let mut world = World::new().await;
    world.relayer.start(None).await;
    let machine = world.cloud.boot(MachineSpec::new("a")).unwrap();
    let parts = machine.parts();

    let ran = doctor(&world, &parts, &["--json"]).await;
    assert_eq!(ran.code, 0, "{}", ran.said);
    let answer = answer(&ran);
    let levels = answer["levels"].as_array().unwrap();
    let reachable: Vec<_> = levels
        .iter()
        .map(|reach| {
            (
                reach["level"].as_str().unwrap(),
                reach["reachable"] == json!(true),
            )
        })
        .collect();
    let wanted = [
        ("quote", true),
        ("virtualTpm", true),
        ("chassis", false),
        ("custody", true),
    ];
    assert_eq!(reachable, wanted, "{}", ran.said);
    let green = |id: &str| {
        let findings = answer["findings"].as_array().unwrap();
        let mut lines = findings.iter().filter(|finding| finding["id"] == id);
        lines.any(|finding| finding["outcome"] == "ok")
    };
    for id in [
        "td.configfs",
        "td.device",
        "td.quote",
        "td.debug",
        "td.platform",
        "tpm.device",
        "tpm.ak",
        "tpm.certificate",
        "tpm.chain",
        "tpm.bank",
        "log.ccel",
        "log.ccel-replay",
        "log.tpm",
        "log.tpm-replay",
        "custody",
        "rpc",
        "rpc.registry",
        "rpc.logs",
        "rpc.finality",
        "clock",
        "relayer",
    ] {
        assert!(green(id), "{id}: {}", ran.said);
    }

    let ran = doctor(&world, &parts, &[]).await;
    assert!(
        ran.stdout
            .ends_with("VirtualTpm is reachable; whether it is given, relayers' policies decide\n"),
        "{}",
        ran.said
    );
    let ran = doctor(&world, &parts, &["--level", "chassis"]).await;
    assert_eq!(ran.code, 3, "{}", ran.said);
    assert!(
        ran.stdout.contains("Chassis     missing: host.agent"),
        "{}",
        ran.said
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_thing_that_is_wrong_has_a_line_of_its_own() {
    let world = World::new().await;
    let mut machine = world.cloud.boot(MachineSpec::new("a")).unwrap();
    let before = [CCEL, TPM_LOG].map(|log| fs::read(machine.sys_root().join(log)).unwrap());

    // What is outside of the machine has an exit code of its own. The relayer is not running.
    let parts = machine.parts();
    assert_eq!(missing(&world, &parts, &[]).await, (4, vec!["relayer".into()]));

    // A server that answers everything with 200 is no relayer, and neither is one of another registry.
    let yes = axum::Router::new().fallback(|| async { "yes" });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, yes).await });
    let (code, ids_found) = missing(&world, &parts, &["--relayer", &url]).await;
    assert_eq!(
        (code, ids_found),
        (4, vec!["relayer".to_owned(), "relayer".to_owned()])
    );

    // A certificate that its issuer did not sign.
    let mut unsigned = machine.ak_certificate().to_vec();
    *unsigned.last_mut().unwrap() ^= 1;
    machine.plant_ak_certificate(&unsigned).unwrap();
    let (code, ids_found) = missing(&world, &parts, &[]).await;
    assert_eq!(
        (code, ids_found),
        (3, vec!["tpm.chain".to_owned(), "relayer".to_owned()])
    );
    machine.plant_ak_certificate(machine.ak_certificate()).unwrap();

    // Without its intermediate certificate, with a contract for a registry that is none, and nobody to send a bundle to.
    let mut command = std::process::Command::new(super::binary("chassis-node"));
    command
        .args([
            "doctor",
            "--json",
            "--tcti",
            &parts.tcti,
            "--rpc-url",
            &world.chain.url,
            "--sys-root",
        ])
        .arg(&parts.sys_root)
        .args([
            "--registry",
            // anvil has it: a contract that deploys others.
            "0x4e59b44847b379578588920cA78FbF26c0B4956C",
            "--danger-intel-root",
        ])
        .arg(world.cloud.intel_root_path());
    let (code, ids) = ids(&run(command).await);
    let wanted = ["tpm.chain", "rpc.registry", "relayer"];
    assert_eq!((code, ids), (3, wanted.map(ToOwned::to_owned).to_vec()));

    // Logs of another boot, on a machine that runs another kernel now.
    machine.reboot(Image::other_kernel()).unwrap();
    assert_eq!(
        missing(&world, &machine.parts(), &[]).await,
        (4, vec!["relayer".into()])
    );
    for (log, content) in [CCEL, TPM_LOG].iter().zip(&before) {
        fs::write(machine.sys_root().join(log), content).unwrap();
    }
    let (code, ids) = missing(&world, &machine.parts(), &[]).await;
    assert_eq!(
        (code, ids),
        (
            3,
            vec![
                "log.ccel-replay".into(),
                "log.tpm-replay".into(),
                "relayer".into()
            ]
        )
    );

    // No TPM at all.
    let gone = Parts {
        tcti: "device:/dev/no-such-tpm".into(),
        ..machine.parts()
    };
    let (code, ids) = missing(&world, &gone, &[]).await;
    assert_eq!(code, 3);
    assert!(ids.contains(&"tpm.device".to_owned()), "{ids:?}");
}

/// It is ready, and would refuse every bundle that is meant for us.
#[tokio::test(flavor = "multi_thread")]
async fn a_relayer_of_another_registry_is_told_of() {
    let mut world = World::new().await;
    world.relayer.start(None).await;
    let machine = world.cloud.boot(MachineSpec::new("a")).unwrap();
    let policy = world.cloud.policy().digest().unwrap();
    world.chain.registry = world.chain.deploy(policy, &[1], 1).await;
    let (code, ids) = missing(&world, &machine.parts(), &[]).await;
    assert_eq!((code, ids), (4, vec!["relayer".into()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_behind_the_chain_is_told_of_and_does_no_harm() {
    let mut world = World::new().await;
    world.relayer.start(None).await;
    let machine = world.cloud.boot(MachineSpec::new("a")).unwrap();
    world.chain.ask("evm_increaseTime", json!([3600])).await;
    world.chain.mine(4).await;
    let (code, ids) = missing(&world, &machine.parts(), &[]).await;
    assert_eq!((code, ids), (3, vec!["clock".into()]));
    // Evidence has no time in it but the chain's.
    let bundle = super::super::attest(&world.chain, &world.cloud, &machine.parts(), 2);
    let (status, answer) = world.relayer.post(&bundle).await;
    assert_eq!(status, 202, "{answer}");
    world
        .relayer
        .until_state(&super::super::digest(&answer), "final")
        .await;
    assert!(world.is_attested(2).await);
}

#[tokio::test]
async fn a_machine_without_a_tee_is_told_exactly_what_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    // This very machine, if it has none; an empty root otherwise.
    let here = Path::new("/");
    let has_some = ["dev/tdx_guest", "dev/tpmrm0", "dev/tpm0"]
        .iter()
        .any(|path| here.join(path).exists());
    let root = if has_some { folder.path() } else { here };
    let mut command = std::process::Command::new(super::binary("chassis-node"));
    command.env_clear().args(["doctor", "--sys-root"]).arg(root);
    if has_some {
        command.args(["--tcti", "device:/dev/no-such-tpm"]);
    }
    let ran = run(command).await;
    assert_eq!(ran.code, 3, "{}", ran.said);
    for id in [
        "td.configfs",
        "td.device",
        "td.quote",
        "tpm.device",
        "log.ccel",
        "log.tpm",
    ] {
        let line = ran
            .stdout
            .lines()
            .find(|line| line.contains(id))
            .unwrap_or_else(|| panic!("{id}: {}", ran.said));
        assert!(line.starts_with("MISSING"), "{line}");
    }
    for advice in [
        "modprobe tdx_guest",
        "--confidential-compute-type=TDX",
        "vTPM",
        "securityfs",
    ] {
        assert!(ran.stdout.contains(advice), "{advice}: {}", ran.said);
    }
    assert!(ran.stdout.contains("VirtualTpm is not reachable"), "{}", ran.said);
}
