//! What `chassis inspect` makes of documents that only the simulation can make.

use std::fs;

use alloy::primitives::B256;
use chassis_sim::{
    Owner, Seed, Witnesses,
    host::{BareMetal, HostQuote, HostSpec, Registrar},
    machine::MachineSpec,
};
use chassis_verifier::{
    bundle::{Bundle, FurtherLog, FurtherLogKind, IakCertification, Tee},
    claims::RegistrarStatement,
    platform_id, sha256,
};
use serde_json::Value;

use crate::{
    e2e::programs::chassis,
    world::{World, tpm},
};

/// `chassis inspect KIND` on `content`: exit code, JSON, tables.
fn inspect(kind: &str, content: &[u8], switches: &[&str]) -> (i32, Value, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, content).unwrap();
    let ask = |more: &[&str]| {
        let arguments = [&["inspect", kind, path.to_str().unwrap()][..], switches, more].concat();
        let output = chassis(&arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.is_empty(), "{kind}: {stderr}");
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    let (code, json) = ask(&["--json"]);
    let (_, tables) = ask(&[]);
    (code, serde_json::from_str(&json).unwrap(), tables)
}

/// `content` cut short is refused, in one line.
fn refused_when_cut(kind: &str, content: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, &content[..content.len() / 2]).unwrap();
    let output = chassis(&["inspect", kind, path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2), "{kind}");
    assert_eq!(String::from_utf8_lossy(&output.stderr).lines().count(), 1);
}

#[test]
fn an_endorsement_names_owner_platform_and_end() {
    let at = 1_790_000_000;
    let poe = Owner::new(Seed(1)).endorse([0xab; 16], at);
    let (code, json, tables) = inspect("poe", &poe, &[]);
    assert_eq!(code, 0);
    assert_eq!(json["platformInstanceId"], "ab".repeat(16));
    assert_eq!(json["owner"], "owner.example");
    assert_eq!(json["notAfter"], at + 9 * 86_400);
    let parsed = chassis_verifier::claims::Poe::parse(&poe).unwrap();
    assert_eq!(json["id"], parsed.id().to_string());
    assert_eq!(json["certificate"]["key"], "EC P-384");
    for text in ["Simulated Owner", "owner.example", "2026-", "Not verified"] {
        assert!(tables.contains(text), "{text}: {tables}");
    }
    refused_when_cut("poe", &poe);
}

#[test]
fn a_token_names_machine_quote_and_key() {
    let witnesses = Witnesses::new(Seed(1));
    let token = witnesses.token(b"a quote", [0xcd; 16], 1_790_000_000);
    let (code, json, tables) = inspect("alliance-token", format!("{token}\n").as_bytes(), &[]);
    assert_eq!(code, 0);
    assert_eq!(json["machineId"], "cd".repeat(16));
    assert_eq!(json["platformId"], platform_id(&[0xcd; 16]).to_string());
    assert_eq!(json["quoteHash"], hex::encode(sha256(b"a quote")));
    assert_eq!(json["key"], hex::encode(witnesses.key()));
    assert!(
        tables.contains("the PPID") && tables.contains("Not verified"),
        "{tables}"
    );
    refused_when_cut("alliance-token", token.as_bytes());
}

fn host(world: &World) -> BareMetal {
    world.cloud.boot_host(HostSpec::new("host")).unwrap()
}

fn statement(world: &World, host: &BareMetal, until: u64) -> Vec<u8> {
    let maker = world.cloud.tpm_manufacturer();
    let registered = Registrar::new(&maker)
        .register(host, world.cloud.now(), until)
        .unwrap();
    registered.statement("hall 4", &Seed(1).key("registrar")).unwrap()
}

#[test]
fn a_statement_names_key_platform_and_end() {
    let world = World::new();
    let host = host(&world);
    let until = world.cloud.now() + 86_400;
    let statement = statement(&world, &host, until);
    let (code, json, tables) = inspect("registrar-statement", &statement, &[]);
    assert_eq!(code, 0);
    assert_eq!(json["akName"], hex::encode(host.ak_name().0));
    let platform = platform_id(&host.td().pck().ppid);
    assert_eq!(json["platformId"], platform.to_string());
    assert_eq!(
        (&json["zone"], &json["notAfter"]),
        (&"hall 4".into(), &until.into())
    );
    let parsed = RegistrarStatement::parse(&statement).unwrap();
    assert_eq!(json["id"], parsed.id().to_string());
    assert!(tables.contains("Not verified"), "{tables}");
    refused_when_cut("registrar-statement", &statement);
}

#[test]
fn a_certification_names_its_key_and_is_no_quote() {
    let world = World::new();
    let host = host(&world);
    let proof = host.iak_proof(world.cloud.provider()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let signature = write("signature", &proof.signature);
    let (iak, other) = (write("iak", &proof.iak_public), write("other", host.ak_public()));
    let signed_by =
        |key: &str, kind: &str| inspect(kind, &proof.attest, &["--signature", &signature, "--ak", key]);

    let (code, json, tables) = signed_by(&iak, "tpm-certify");
    assert_eq!(code, 0, "{tables}");
    let name = format!("0x{}", hex::encode(host.ak_name().0));
    assert_eq!(json["attest"]["certification"]["name"], name.as_str());
    assert_eq!(json["signature"]["verifies"], true);
    assert!(tables.contains("0x8017 (certify)"), "{tables}");
    assert_eq!(signed_by(&other, "tpm-certify").0, 1);
    // The same good signature is none over a quote.
    let (code, json, tables) = signed_by(&iak, "tpm-quote");
    assert_eq!(code, 1);
    assert!(json["problem"].as_str().unwrap().contains("0x8017"), "{json}");
    assert!(tables.contains("name of the key"), "{tables}");
}

#[test]
fn a_launch_log_replays_to_what_its_host_quotes() {
    let world = World::new();
    let quoted = quoted(&host(&world));
    let (code, json, tables) = inspect("drtm-log", &quoted.drtm_log, &[]);
    assert_eq!(code, 0);
    let banks = json["banks"].as_array().unwrap();
    let sha384 = banks.iter().find(|bank| bank["algorithm"] == "sha384");
    assert_eq!(quoted.pcrs.len(), 2);
    for pcr in &quoted.pcrs {
        let replayed = &sha384.unwrap()["registers"][pcr.index.to_string()];
        assert_eq!(replayed, &hex::encode(&*pcr.value), "PCR {}", pcr.index);
    }
    assert!(tables.contains("DRTM event log"), "{tables}");
}

fn quoted(host: &BareMetal) -> HostQuote {
    host.agent().quote(B256::ZERO, &host.td_quote([0; 64])).unwrap()
}

/// A bundle with every part there is: no machine has them all.
fn everything(world: &World) -> Bundle {
    let host = host(world);
    let now = world.cloud.now();
    let proof = host.iak_proof(world.cloud.provider()).unwrap();
    let machine = world.boot(MachineSpec::new("a"));
    let log = machine.measured_boot().tpm_log();
    world.tamper(&world.attest(&machine.parts()), |evidence| {
        let Tee::Tdx {
            quote, hcl_report, ..
        } = &mut evidence.tee;
        *hcl_report = Some(vec![0; 3].into());
        let token = Witnesses::new(Seed(1)).token(quote, machine.td().pck().ppid, now);
        evidence.custody.alliance_token = Some(token);
        evidence.custody.poe = Some(Owner::new(Seed(1)).endorse([1; 16], now).into());
        evidence.logs = vec![
            FurtherLog {
                kind: FurtherLogKind::Tcg2,
                data: log.into(),
            },
            FurtherLog {
                kind: FurtherLogKind::Ima,
                data: Vec::new().into(),
            },
        ];
        let tpm = tpm(evidence);
        tpm.registrar_statement = Some(statement(world, &host, now).into());
        tpm.drtm_log = Some(quoted(&host).drtm_log.into());
        tpm.iak_certification = Some(IakCertification {
            iak_public: proof.iak_public.into(),
            attest: proof.attest.into(),
            signature: proof.signature.into(),
        });
    })
}

#[test]
fn every_part_of_a_bundle_is_taken_apart() {
    let world = World::new();
    let bundle = everything(&world);
    let (code, json, tables) = inspect("bundle", &bundle.to_json().unwrap(), &[]);
    assert_eq!(code, 0);
    let at = |name: &str, pointer: &str| -> Value {
        let parts = json["parts"].as_array().unwrap();
        let part = parts.iter().find(|part| part["name"] == name);
        let part = part.unwrap_or_else(|| panic!("{name}: {tables}"));
        let value = part.pointer(pointer);
        value.unwrap_or_else(|| panic!("{pointer}: {part}")).clone()
    };
    for (name, pointer, value) in [
        ("registrar statement", "/registrarStatement/zone", "hall 4"),
        ("DRTM log", "/log/kind", "drtm-log"),
        ("IAK's certification", "/tpmCertification/attest/kind", "0x8017"),
        ("IAK's signature", "/tpmSignature/scheme", "ECDSA with SHA-256"),
        ("platform ownership endorsement", "/poe/owner", "owner.example"),
        ("alliance token", "/allianceToken/label", "simulated"),
        ("further log (Tcg2)", "/log/kind", "tpm-log"),
    ] {
        assert_eq!(at(name, pointer), value, "{name}");
    }
    assert_eq!(
        at("IAK public area", "/akPublic/problems"),
        Value::Array(Vec::new())
    );
    assert_eq!(at("further log (Ima)", "/ima/records"), 0);
    // Name, size and what is in it.
    for part in json["parts"].as_array().unwrap() {
        let fields = part.as_object().unwrap();
        assert_eq!(fields.len(), 3, "{part}");
        let unreadable = fields.contains_key("problem");
        assert_eq!(unreadable, part["name"] == "HCL report", "{part}");
    }
}
