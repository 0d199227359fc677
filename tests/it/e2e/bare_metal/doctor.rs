//! What the doctors say of a host: in its TD, and on the host itself.

use std::{fs, process::Output};

use chassis_sim::host::{HostSpec, Launch};
use serde_json::{Value, json};

use super::stack::{Metal, Running, out};

/// `doctor --host` in the TD: its exit code, and what it says. Nobody names a chain or a relayer to it.
async fn in_guest(metal: &Metal) -> (i32, Value) {
    let mut command = metal.in_guest(
        "doctor",
        "http://127.0.0.1:1",
        "0x00000000000000000000000000000000000000aa",
    );
    command
        .args(["--json", "--danger-intel-root"])
        .arg(metal.world.cloud.intel_root_path());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    said(&output)
}

fn said(output: &Output) -> (i32, Value) {
    let answer = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", out(output)));
    (output.status.code().unwrap(), answer)
}

/// Ids of what is missing on this machine for `Chassis`.
fn missing(answer: &Value) -> Vec<&str> {
    let levels = answer["levels"].as_array().unwrap();
    let reach = levels.iter().find(|reach| reach["level"] == "chassis").unwrap();
    let ids = reach["missing"].as_array().unwrap().iter();
    let ids = ids.map(|id| id.as_str().unwrap());
    ids.filter(|id| !id.starts_with("rpc") && *id != "relayer")
        .collect()
}

async fn enrolled(metal: &Metal) -> Running {
    let registrar = metal.registrar().await;
    let enrolled = metal.enroll(&registrar.url, &[]);
    assert!(enrolled.status.success(), "{}", out(&enrolled));
    registrar
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enrolled_host_is_all_green_from_both_sides() {
    let metal = Metal::new();
    let _registrar = enrolled(&metal).await;
    let (code, answer) = said(&metal.host_doctor());
    assert_eq!((code, &answer["reachable"]), (0, &json!(true)), "{answer:#}");

    let _agent = metal.agent().await;
    let (code, answer) = in_guest(&metal).await;
    assert_eq!(missing(&answer), [""; 0], "{answer:#}");
    assert_eq!(code, 4, "no chain, no relayer");
    assert_eq!(answer["wanted"], json!("chassis"));
    let findings = answer["findings"].as_array().unwrap();
    for id in [
        "host.agent",
        "host.statement",
        "host.quote",
        "host.pcrs",
        "host.drtm_log",
        "host.ak_policy",
        "log.ccel-replay",
        "custody",
    ] {
        let finding = findings.iter().find(|finding| finding["id"] == id);
        assert_eq!(finding.unwrap()["outcome"], json!("ok"), "{answer:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_without_agent_or_launch_is_told_so() {
    let mut metal = Metal::new();
    let (code, answer) = in_guest(&metal).await;
    assert_eq!(
        (code, missing(&answer)),
        (3, vec!["td.quote", "host.agent"]),
        "{answer:#}"
    );

    let _registrar = enrolled(&metal).await;
    metal.host.reboot(Some(Launch::other_mle())).unwrap();
    let (code, answer) = said(&metal.host_doctor());
    let wanted = vec!["host.drtm_log", "host.enrolment"];
    assert_eq!((code, missing(&answer)), (3, wanted), "{answer:#}");
    metal.write_drtm_log();
    let _agent = metal.agent().await;
    let (code, answer) = in_guest(&metal).await;
    assert_eq!((code, missing(&answer)), (3, vec!["host.quote"]), "{answer:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_never_launched_is_told_so() {
    let metal = Metal::of(HostSpec::new("a").launch(None));
    let (code, answer) = said(&metal.host_doctor());
    let wanted = vec!["host.pcrs", "host.drtm_log", "host.enrolment"];
    assert_eq!((code, missing(&answer)), (3, wanted), "{answer:#}");
    let findings = answer["findings"].to_string();
    assert!(findings.contains("no dynamic launch has happened"), "{findings}");
}

/// The list of machines gives this TPM to another CPU.
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_about_another_cpu_is_told_of() {
    let metal = Metal::new();
    let text = fs::read_to_string(metal.path("machines.toml")).unwrap();
    let other = "platform_id = \"0x1111111111111111111111111111111111111111111111111111111111111111\"";
    let lines = text.lines().map(|line| {
        if line.starts_with("platform_id") {
            other
        } else {
            line
        }
    });
    fs::write(metal.path("machines.toml"), lines.collect::<Vec<_>>().join("\n")).unwrap();
    let _registrar = enrolled(&metal).await;
    let _agent = metal.agent().await;
    let (code, answer) = in_guest(&metal).await;
    assert_eq!(
        (code, missing(&answer)),
        (3, vec!["host.statement"]),
        "{answer:#}"
    );
}
