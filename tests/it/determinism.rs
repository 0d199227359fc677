//! k relayers must reach one digest, bit for bit: from the same evidence, endorsements, policy and time, whatever their
//! machines, and whatever order they fetched or wrote things in.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use chassis_sim::machine::MachineSpec;
use chassis_verifier::{Endorsements, HostRegistryClaim, Policy, bundle::canonical_json};
use serde_json::Value;

use crate::{e2e::binary, world::World};

/// What relayers may differ in and must not: where they are, what they speak, and when they look.
const PLACES: [[(&str, &str); 4]; 3] = [
    [
        ("LC_ALL", "C"),
        ("LANG", "C"),
        ("TZ", "UTC"),
        ("HOME", "/nonexistent"),
    ],
    [
        ("LC_ALL", "tr_TR.UTF-8"),
        ("LANG", "tr_TR.UTF-8"),
        ("TZ", "Pacific/Kiritimati"),
        ("HOME", "/tmp"),
    ],
    [
        ("LC_ALL", "de_DE.UTF-8"),
        ("LANG", "ar_EG.UTF-8"),
        ("TZ", "America/St_Johns"),
        ("HOME", "/"),
    ],
];

/// An honest machine's bundle, and a folder for what relayers keep.
struct Case {
    world: World,
    endorsements: Endorsements,
    dir: tempfile::TempDir,
}

impl Case {
    fn new() -> Self {
        let world = World::new();
        let machine = world.boot(MachineSpec::new("a"));
        // The registry lists more than one CPU, so that there is an order to differ in.
        world.boot(MachineSpec::new("b"));
        let bundle = world.attest(&machine.parts());
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("bundle.json"), bundle.to_json().unwrap()).unwrap();
        Self {
            endorsements: world.cloud.endorsements(machine.td().pck()),
            world,
            dir,
        }
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// `chassis verify --json` in a process of its own, whose hash maps have seeds of their own.
    fn verify(&self, endorsements: &Path, policy: &Path, place: &[(&str, &str)]) -> Output {
        let at = (self.world.cloud.now() + 60).to_string();
        Command::new(binary("chassis"))
            .arg("verify")
            .arg(self.dir.path().join("bundle.json"))
            .arg("--policy")
            .arg(policy)
            .arg("--endorsements")
            .arg(endorsements)
            .args(["--at", &at, "--json"])
            .env_clear()
            .envs(place.iter().copied())
            .output()
            .unwrap()
    }

    fn answer(&self, endorsements: &Path, policy: &Path, place: &[(&str, &str)]) -> Value {
        let output = self.verify(endorsements, policy, place);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_ne!(output.status.code(), Some(2), "{errors}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// Lists in reverse, each with its first entry twice: as somebody might fetch them who asks in another order, and again.
fn fetched_otherwise(set: &Endorsements) -> Endorsements {
    let mut set = set.clone();
    assert!(set.provider_crls.len() > 1 && set.host_registry.len() > 1);
    set.provider_crls.push(set.provider_crls[0].clone());
    set.provider_crls.reverse();
    set.host_registry.push(set.host_registry[0].clone());
    set.host_registry.reverse();
    set
}

/// The same policy as another person writes it: keys of each table in reverse, comments, blank lines, other spacing.
fn written_otherwise(toml: &str) -> String {
    let lines = toml
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut tables: Vec<Vec<String>> = vec![Vec::new()];
    for line in lines {
        if line.starts_with('[') {
            tables.push(vec![line.to_owned()]);
        } else {
            let (key, value) = line.split_once(" = ").expect("one line for each key");
            let line = format!("   {key}={value}   # {key} says the reviewer");
            tables.last_mut().unwrap().push(line);
        }
    }
    for table in &mut tables {
        let keys = usize::from(table.first().is_some_and(|line| line.starts_with('[')));
        table[keys..].reverse();
        table.insert(0, "\n# Ğüşiöç".into());
    }
    tables.concat().join("\r\n")
}

#[test]
fn relayers_that_differ_in_everything_else_reach_one_digest() {
    let case = Case::new();
    let toml = case.world.cloud.policy_toml().unwrap();
    let otherwise = written_otherwise(&toml);
    assert_ne!(otherwise, toml);
    let policies = [toml, otherwise].map(|text| (Policy::from_toml(&text).unwrap(), text));
    assert_eq!(policies[0].0.digest().unwrap(), policies[1].0.digest().unwrap());
    let sets = [case.endorsements.clone(), fetched_otherwise(&case.endorsements)];

    let mut answers = Vec::new();
    for (i, (_, policy)) in policies.iter().enumerate() {
        let policy = case.write(&format!("policy{i}.toml"), policy);
        for (j, set) in sets.iter().enumerate() {
            let set = case.write(&format!("endorsements{i}{j}.json"), set.to_json().unwrap());
            for place in PLACES {
                answers.push(case.answer(&set, &policy, &place));
            }
        }
    }
    assert_eq!(answers.len(), 12);
    for answer in &answers {
        for digest in ["digest", "checksRoot", "policyDigest", "endorsementsDigest"] {
            assert!(answer[digest].is_string(), "no {digest}");
        }
        assert_eq!(answer["attestable"], true);
        // All of it: no word of it depends on where or by whom it was asked.
        assert_eq!(*answer, answers[0]);
    }
}

/// In one process, from sets and facts built in another order, which never were a document.
#[test]
fn the_library_reaches_the_digest_of_the_program() {
    let case = Case::new();
    let set = case.write("endorsements.json", case.endorsements.to_json().unwrap());
    let answer = case.answer(&set, &case.world.cloud.policy_path(), &PLACES[0]);
    let document = fs::read(case.dir.path().join("bundle.json")).unwrap();
    let bundle = chassis_verifier::bundle::Bundle::parse(&document, document.len()).unwrap();
    for set in [&case.endorsements, &fetched_otherwise(&case.endorsements)] {
        let appraisal = case.world.appraise_with(&bundle, set);
        assert_eq!(answer["digest"], appraisal.digest().to_string());
        assert_eq!(answer["checksRoot"], appraisal.result.checksRoot.to_string());
    }
}

/// Where a fact is taken from one of several claims, it must not be the one that was fetched first.
#[test]
fn which_of_two_claims_came_first_decides_nothing() {
    let case = Case::new();
    let document = fs::read(case.dir.path().join("bundle.json")).unwrap();
    let bundle = chassis_verifier::bundle::Bundle::parse(&document, document.len()).unwrap();
    let mut digests = Vec::new();
    let twice: Vec<HostRegistryClaim> = case
        .endorsements
        .host_registry
        .iter()
        .flat_map(|claim| {
            let silent = HostRegistryClaim {
                zone: String::new(),
                ..claim.clone()
            };
            [claim.clone(), silent]
        })
        .collect();
    for reverse in [false, true] {
        let mut set = case.endorsements.clone();
        set.host_registry = twice.clone();
        if reverse {
            set.host_registry.reverse();
        }
        digests.push(case.world.appraise_with(&bundle, &set).digest());
    }
    assert_eq!(digests[0], digests[1]);
}

#[test]
fn a_document_in_another_order_is_no_second_name_of_a_set() {
    let case = Case::new();
    let canonical = canonical_json(&fetched_otherwise(&case.endorsements)).unwrap();
    let set = case.write("endorsements.json", canonical);
    let output = case.verify(&set, &case.world.cloud.policy_path(), &PLACES[0]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("lists ascending"), "{said}");
}

#[test]
fn another_policy_or_set_is_another_digest() {
    let case = Case::new();
    let toml = case.world.cloud.policy_toml().unwrap();
    let policy = case.write("policy.toml", &toml);
    let set = case.write("set.json", case.endorsements.to_json().unwrap());
    let digest = |set: &Path, policy: &Path| case.answer(set, policy, &PLACES[0])["digest"].clone();
    let plain = digest(&set, &policy);

    let renamed = toml.replace("name = \"simulation\"", "name = \"simulation, revised\"");
    assert_ne!(renamed, toml);
    assert_ne!(digest(&set, &case.write("renamed.toml", renamed)), plain);

    let mut more = case.endorsements.clone();
    more.host_registry[1].zone.push('x');
    more.host_registry.swap(0, 1);
    let mut fewer = case.endorsements.clone();
    fewer.provider_crls.pop();
    for (name, other) in [("more.json", more), ("fewer.json", fewer)] {
        let other = case.write(name, other.to_json().unwrap());
        assert_ne!(digest(&other, &policy), plain, "{name}");
    }
}
