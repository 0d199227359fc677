//! What `chassis verify` and `chassis policy` say of a machine, as programs and people read it.

use std::{fs, path::PathBuf};

use chassis_relayer::verify::SCHEMA;
use chassis_sim::machine::MachineSpec;
use chassis_verifier::bundle::{Bundle, Evidence};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    e2e::programs::chassis,
    world::{World, tpm},
};

/// Files to appraise, and the time to appraise them at.
struct Files {
    dir: TempDir,
    at: String,
}

impl Files {
    /// The evidence of a machine of this world after `change`, with what an honest relayer would endorse it with.
    fn new(world: &World, change: impl FnOnce(&mut Evidence)) -> Self {
        let machine = world.boot(MachineSpec::new("a"));
        let bundle = world.tamper(&world.attest(&machine.parts()), change);
        Self::of(world, &bundle, &machine)
    }

    fn of(world: &World, bundle: &Bundle, machine: &chassis_sim::machine::Machine) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let endorsements = world.cloud.endorsements(machine.td().pck());
        fs::write(dir.path().join("bundle.json"), bundle.to_json().unwrap()).unwrap();
        fs::write(
            dir.path().join("endorsements.json"),
            endorsements.to_json().unwrap(),
        )
        .unwrap();
        fs::write(dir.path().join("policy.toml"), world.cloud.policy_toml().unwrap()).unwrap();
        Self {
            dir,
            at: (world.cloud.now() + 60).to_string(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// `chassis …` on them: exit code and standard output.
    fn ask(&self, command: &[&str], switches: &[&str]) -> (i32, String) {
        let [bundle, policy, endorsements] =
            ["bundle.json", "policy.toml", "endorsements.json"].map(|name| self.path(name));
        let mut arguments = command.to_vec();
        arguments.push(bundle.to_str().unwrap());
        arguments.extend(["--policy", policy.to_str().unwrap()]);
        arguments.extend(["--endorsements", endorsements.to_str().unwrap(), "--at", &self.at]);
        arguments.extend(switches);
        let output = chassis(&arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.is_empty(), "{stderr}");
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stdout).unwrap(),
        )
    }

    fn verified(&self) -> (i32, Value) {
        let (code, text) = self.ask(&["verify"], &["--json"]);
        (code, serde_json::from_str(&text).unwrap())
    }
}

/// A machine that passes, one whose PCR values are not the quoted ones, and one without a TPM.
fn three(world: &World) -> [Files; 3] {
    let wrong_pcr = |evidence: &mut Evidence| tpm(evidence).pcrs[3].value.0[0] ^= 1;
    let without_tpm = |evidence: &mut Evidence| evidence.tpm = None;
    [
        Files::new(world, |_| ()),
        Files::new(world, wrong_pcr),
        Files::new(world, without_tpm),
    ]
}

#[test]
fn every_appraisal_follows_the_published_schema_and_no_altered_one_does() {
    let printed = chassis(&["verify", "--schema"]);
    assert!(printed.status.success());
    assert_eq!(printed.stdout, SCHEMA.as_bytes());
    let schema = serde_json::from_str(SCHEMA).unwrap();
    jsonschema::draft202012::meta::validate(&schema).unwrap();
    let schema = jsonschema::draft202012::new(&schema).unwrap();

    let world = World::new();
    let [good, bad, without_tpm] = three(&world).map(|files| files.verified());
    assert_eq!([good.0, bad.0], [0, 1]);
    assert_eq!([&good.1["attestable"], &bad.1["attestable"]], [true, false]);
    for (_, appraisal) in [&good, &bad, &without_tpm] {
        let mistakes: Vec<_> = schema
            .iter_errors(appraisal)
            .map(|error| error.to_string())
            .collect();
        assert!(mistakes.is_empty(), "{mistakes:#?}");
    }

    let alter = |appraisal: &Value, pointer: &str, value: Value| {
        let mut altered = appraisal.clone();
        *altered.pointer_mut(pointer).unwrap() = value;
        altered
    };
    for (pointer, value) in [
        ("/attestable", json!(false)),
        ("/attestable", json!("yes")),
        ("/digest", json!("0x00")),
        ("/verdict/binding", json!("Best")),
        ("/verdict/binding", json!("None")),
        ("/verdict/expiry", json!(63)),
        ("/verdict/tcb", json!(7)),
        ("/checks/0/outcome", json!("fail")),
        ("/checks/0/outcome", json!("perhaps")),
        ("/checks/0/name", json!("TD quote")),
        ("/checks/0/facts", json!({"nested": {}})),
        ("/checks", json!([])),
    ] {
        let altered = alter(&good.1, pointer, value);
        assert!(
            !schema.is_valid(&altered),
            "{pointer}: {}",
            altered.pointer(pointer).unwrap()
        );
    }
    assert!(!schema.is_valid(&alter(&bad.1, "/attestable", json!(true))));
    for (name, _) in good.1.as_object().unwrap() {
        let mut without = good.1.clone();
        without.as_object_mut().unwrap().remove(name);
        assert!(!schema.is_valid(&without), "{name} is optional");
    }
    let mut more = good.1.clone();
    more["more"] = json!(1);
    assert!(!schema.is_valid(&more));
    let mut ruled = good.1.clone();
    ruled["checks"][1]["rule"] = json!("workload[2].rtmr1");
    assert!(schema.is_valid(&ruled));
    ruled["checks"][1]["rule"] = json!("line 41");
    assert!(!schema.is_valid(&ruled));
}

#[test]
fn an_attestation_result_says_what_the_appraisal_says() {
    let world = World::new();
    let status = |files: &Files| {
        let (code, text) = files.ask(&["verify"], &["--ear"]);
        let ear: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(ear["iat"].to_string(), files.at);
        assert_eq!(files.ask(&["verify"], &["--ear"]).1, text);
        (code, ear["submods"]["machine"].clone())
    };
    let [good, bad, without_tpm] = three(&world).map(|files| status(&files));
    assert_eq!((good.0, &good.1["ear_status"]), (0, &json!("affirming")));
    assert_eq!(
        good.1["ear_trustworthiness_vector"],
        json!({
            "instance-identity": 2, "configuration": 2, "executables": 3, "file-system": 0,
            "hardware": 2, "runtime-opaque": 2, "storage-opaque": 0, "sourced-data": 0,
        })
    );
    assert_eq!((bad.0, &bad.1["ear_status"]), (1, &json!("contraindicated")));
    assert_eq!(bad.1["ear_trustworthiness_vector"]["instance-identity"], 96);
    assert_eq!(bad.1["ear_trustworthiness_vector"]["hardware"], 2);
    assert_ne!(without_tpm.1["ear_status"], "affirming");
    assert_ne!(
        without_tpm.1["ear_trustworthiness_vector"]["instance-identity"],
        2
    );
}

#[test]
fn every_check_is_explained() {
    let world = World::new();
    let files = Files::new(&world, |_| ());
    let (code, text) = files.ask(&["policy", "explain"], &["--json"]);
    let explained: Value = serde_json::from_str(&text).unwrap();
    let (_, verified) = files.verified();
    assert_eq!(code, 0);
    let names = |answer: &Value| -> Vec<Value> {
        let checks = answer["checks"].as_array().unwrap().iter();
        checks
            .map(|check| json!([check["name"], check["outcome"], check["rule"].is_null()]))
            .collect()
    };
    let decided = explained["checks"].as_array().unwrap().iter();
    let decided: Vec<Value> = decided
        .map(|check| {
            json!([
                check["name"],
                check["outcome"],
                check["decidedBy"]["kind"] == "built_in"
            ])
        })
        .collect();
    assert_eq!(decided, names(&verified));
    let (_, table) = files.ask(&["policy", "explain"], &[]);
    assert!(
        table.contains("decided by") && table.contains("built in"),
        "{table}"
    );
}

#[test]
fn a_learned_workload_lacks_only_the_reviewers_word() {
    let world = World::new();
    let files = Files::new(&world, |_| ());
    let output = chassis(&["policy", "learn", files.path("bundle.json").to_str().unwrap()]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let learned = String::from_utf8(output.stdout).unwrap();
    assert!(
        learned.contains("(EFI stub)") || learned.contains("UKI"),
        "{learned}"
    );

    let reviewed = world.cloud.policy();
    let others = chassis_verifier::Policy {
        workloads: Vec::new(),
        ..reviewed.clone()
    };
    // An empty list of workloads would stand before the learned one.
    let others = toml::to_string(&others).unwrap().replace("workload = []\n", "");
    let verify = |entry: &str| {
        fs::write(files.path("policy.toml"), format!("{others}\n{entry}")).unwrap();
        let (code, appraisal) = files.verified();
        let failed = appraisal["checks"].as_array().unwrap().iter();
        let failed = failed
            .filter(|check| check["outcome"] == "fail")
            .map(|check| check["name"].clone());
        (code, failed.collect::<Vec<_>>())
    };
    assert_eq!(verify(&learned), (1, vec![json!("workload.sealed")]));
    assert_eq!(
        verify(&learned.replace("vtpm_sealed = false", "vtpm_sealed = true")),
        (0, vec![])
    );

    // It lists what a reviewer listed for this machine type, and no more.
    let policy = chassis_verifier::Policy::read(&format!("{others}\n{learned}")).unwrap();
    let sorted = |digests: &[chassis_verifier::HexBytes<48>]| {
        let mut digests = digests.to_vec();
        digests.sort();
        digests.dedup();
        digests
    };
    assert_eq!(
        sorted(&policy.workloads[0].tpm_only),
        sorted(&reviewed.workloads[0].tpm_only)
    );
    assert!(policy.workloads[0].td_only.is_empty());
}
