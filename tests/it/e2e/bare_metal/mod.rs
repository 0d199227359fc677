//! Scenario 2 with the product's own programs: registrar, enrolment, host agent, a TD that attests through it, and an
//! appraisal off line. The host's TPM is a real `swtpm` that was really launched.

mod agent;
mod doctor;
mod landed;
mod registrar;
mod stack;

use chassis_sim::host::{HostSpec, Launch};
use serde_json::json;

use stack::{Metal, out};

#[tokio::test(flavor = "multi_thread")]
async fn a_td_on_a_launched_host_reaches_chassis_with_automated_custody() {
    let metal = Metal::new();
    let registrar = metal.registrar().await;
    let enrolled = metal.enroll(&registrar.url, &[]);
    assert!(enrolled.status.success(), "{}", out(&enrolled));
    let _agent = metal.agent().await;

    let attested = metal.attest().await;
    assert!(attested.status.success(), "{}", out(&attested));
    let (code, verified) = metal.verify();
    assert_eq!(verified["verdict"]["binding"], json!("Chassis"), "{verified:#}");
    assert_eq!(verified["verdict"]["custody"], json!("Automated"));
    assert_eq!(code, Some(0));

    // Written down before it left, under the name by which a policy takes it back.
    let line = std::fs::read_to_string(metal.path("audit.jsonl")).unwrap();
    let line: serde_json::Value = serde_json::from_str(line.trim_end()).unwrap();
    let enrolment: serde_json::Value =
        serde_json::from_slice(&std::fs::read(metal.path("enrolment.json")).unwrap()).unwrap();
    let statement: chassis_verifier::Base64 = serde_json::from_value(enrolment["statement"].clone()).unwrap();
    let statement = chassis_verifier::claims::RegistrarStatement::parse(&statement).unwrap();
    assert_eq!(line["statementId"], json!(statement.id()));
    assert_eq!(line["akName"], json!(hex::encode(metal.host.ak_name().0)));
    assert_eq!(
        (&line["machine"], &line["zone"]),
        (&json!("rack 1"), &json!("hall 4"))
    );
}

/// The key is in the TPM and the statement still says so; the policy session alone refuses.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_launched_otherwise_does_not_quote() {
    let mut metal = Metal::new();
    let registrar = metal.registrar().await;
    assert!(metal.enroll(&registrar.url, &[]).status.success());

    // With the log of the launch that was enrolled, the agent does not even start.
    metal.host.reboot(Some(Launch::other_mle())).unwrap();
    let refused = metal.agent_once();
    assert!(
        out(&refused).contains("the DRTM log replays to"),
        "{}",
        out(&refused)
    );

    // With its own, it starts, and the TPM refuses.
    metal.write_drtm_log();
    let _agent = metal.agent().await;
    let refused = metal.attest().await;
    assert_eq!(refused.status.code(), Some(4), "{}", out(&refused));
    assert!(
        out(&refused).contains("PCR 17 and 18 are not what the key is sealed to"),
        "{}",
        out(&refused)
    );
    // Nor is such a launch enrolled.
    let refused = metal.enroll(&registrar.url, &[]);
    assert!(
        out(&refused).contains("it is sealed to no launch that the policy lists"),
        "{}",
        out(&refused)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_never_launched_neither_enrolls_nor_serves() {
    let metal = Metal::of(HostSpec::new("a").launch(None));
    let registrar = metal.registrar().await;
    let refused = metal.enroll(&registrar.url, &[]);
    assert_eq!(refused.status.code(), Some(3), "{}", out(&refused));
    assert!(
        out(&refused).contains("no dynamic launch has happened since power-on"),
        "{}",
        out(&refused)
    );
    let refused = metal.agent_once();
    assert!(!refused.status.success(), "{}", out(&refused));
}
