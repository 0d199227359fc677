//! What `chassis inspect` makes of documents that only the simulation can make.

use std::fs;

use chassis_sim::{
    Owner, Seed, Witnesses,
    host::{HostSpec, Registrar},
    machine::MachineSpec,
};
use chassis_verifier::{bundle::Tee, claims::RegistrarStatement, platform_id, sha256};
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

/// A host's evidence, each document alone and all of them in a bundle.
#[test]
fn a_hosts_documents_are_taken_apart() {
    let world = World::new();
    let host = world.cloud.boot_host(HostSpec::new("host")).unwrap();
    let maker = world.cloud.tpm_manufacturer();
    let (now, until) = (world.cloud.now(), world.cloud.now() + 86_400);
    let registered = Registrar::new(&maker).register(&host, now, until).unwrap();
    let statement = registered.statement("hall 4", &Seed(1).key("registrar")).unwrap();
    let (code, json, tables) = inspect("registrar-statement", &statement, &[]);
    assert_eq!(code, 0);
    assert_eq!(json["akName"], hex::encode(host.ak_name().0));
    assert_eq!(json["platformId"], platform_id(&host.td().pck().ppid).to_string());
    assert_eq!(
        (&json["zone"], &json["notAfter"]),
        (&"hall 4".into(), &until.into())
    );
    assert_eq!(
        json["id"],
        RegistrarStatement::parse(&statement).unwrap().id().to_string()
    );
    assert!(tables.contains("Not verified"), "{tables}");
    refused_when_cut("registrar-statement", &statement);

    let proof = host.iak_proof(world.cloud.provider()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (signature, iak) = (
        write("signature", &proof.signature),
        write("iak", &proof.iak_public),
    );
    let by_iak = ["--signature", &signature, "--ak", &iak];
    let (code, json, tables) = inspect("tpm-certify", &proof.attest, &by_iak);
    assert_eq!(code, 0, "{tables}");
    let name = format!("0x{}", hex::encode(host.ak_name().0));
    assert_eq!(json["attest"]["certification"]["name"], name.as_str());
    assert_eq!(json["signature"]["verifies"], true);
    assert!(tables.contains("0x8017 (certify)"), "{tables}");
    // The same good signature is none over a quote.
    let (code, json, tables) = inspect("tpm-quote", &proof.attest, &by_iak);
    assert_eq!(code, 1);
    assert!(json["problem"].as_str().unwrap().contains("0x8017"), "{json}");
    assert!(tables.contains("name of the key"), "{tables}");
    let other = write("other", host.ak_public());
    let by_other = ["--signature", &signature, "--ak", &other];
    assert_eq!(inspect("tpm-certify", &proof.attest, &by_other).0, 1);

    let td_quote = host.td_quote([0; 64]);
    let quoted = host
        .agent()
        .quote(alloy::primitives::B256::ZERO, &td_quote)
        .unwrap();
    let (code, json, tables) = inspect("drtm-log", &quoted.drtm_log, &[]);
    assert_eq!(code, 0);
    let sha384 = json["banks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|bank| bank["algorithm"] == "sha384");
    for pcr in &quoted.pcrs {
        let replayed = &sha384.unwrap()["registers"][pcr.index.to_string()];
        assert_eq!(replayed, &hex::encode(&*pcr.value), "PCR {}", pcr.index);
    }
    assert!(tables.contains("DRTM event log"), "{tables}");

    let machine = world.boot(MachineSpec::new("a"));
    let honest = world.attest(&machine.parts());
    let bundle = world.tamper(&honest, |evidence| {
        let Tee::Tdx {
            quote, hcl_report, ..
        } = &mut evidence.tee;
        *hcl_report = Some(vec![0; 3].into());
        let token = Witnesses::new(Seed(1)).token(quote, machine.td().pck().ppid, now);
        evidence.custody.alliance_token = Some(token);
        evidence.custody.poe = Some(Owner::new(Seed(1)).endorse([1; 16], now).into());
        let tpm = tpm(evidence);
        tpm.registrar_statement = Some(statement.into());
        tpm.drtm_log = Some(quoted.drtm_log.into());
        tpm.iak_certification = Some(chassis_verifier::bundle::IakCertification {
            iak_public: proof.iak_public.into(),
            attest: proof.attest.into(),
            signature: proof.signature.into(),
        });
    });
    let (code, json, tables) = inspect("bundle", &bundle.to_json().unwrap(), &[]);
    assert_eq!(code, 0);
    let part = |name: &str| -> Value {
        let parts = json["parts"].as_array().unwrap();
        let part = parts.iter().find(|part| part["name"] == name);
        part.unwrap_or_else(|| panic!("{name}: {tables}")).clone()
    };
    assert!(part("HCL report")["problem"].is_string());
    assert_eq!(
        part("registrar statement")["registrarStatement"]["zone"],
        "hall 4"
    );
    assert_eq!(part("DRTM log")["log"]["kind"], "drtm-log");
    assert_eq!(
        part("IAK's certification")["tpmCertification"]["attest"]["certification"]["name"],
        name.as_str()
    );
    assert_eq!(
        part("IAK public area")["akPublic"]["problems"],
        Value::Array(Vec::new())
    );
    assert_eq!(
        part("platform ownership endorsement")["poe"]["owner"],
        "owner.example"
    );
    assert_eq!(part("alliance token")["allianceToken"]["label"], "simulated");
    for part in json["parts"].as_array().unwrap() {
        let fields = part.as_object().unwrap();
        assert_eq!(fields.len(), 3, "not taken apart: {part}");
        let bad = fields.contains_key("problem");
        assert_eq!(bad, part["name"] == "HCL report", "{part}");
    }
}
