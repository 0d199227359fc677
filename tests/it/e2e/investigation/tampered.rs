//! Proofs in which something was changed.

use std::{fs, path::Path};

use chassis_verifier::Base64;
use serde_json::{Value, json};

use super::{
    super::cosign::{Network, address},
    ask,
};

type Change = fn(&mut Value);

fn flip(text: &Value) -> Value {
    let text = text.as_str().unwrap();
    let last = if text.ends_with('0') { '1' } else { '0' };
    json!(format!("{}{last}", &text[..text.len() - 1]))
}

/// A document, as the proof carries it.
fn bytes(text: &Value) -> Vec<u8> {
    serde_json::from_value::<Base64>(text.clone()).unwrap().0
}

fn document(bytes: &[u8]) -> Value {
    json!(Base64(bytes.to_vec()))
}

pub(super) fn tampered_proofs_are_refused(network: &Network, file: &Path, dir: &Path) {
    let proof: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let changes: [(&str, Change); 19] = [
        ("report", |p| p["signed"]["report"] = flip(&p["signed"]["report"])),
        ("signatures", |p| {
            p["signed"]["signatures"] = flip(&p["signed"]["signatures"]);
        }),
        ("signers", |p| p["signers"][0] = json!(address(0))),
        ("digest", |p| p["digest"] = flip(&p["digest"])),
        ("version", |p| {
            // Form 2 has its documents as text.
            p["version"] = json!(2);
            p["policy"] = json!("{}");
        }),
        ("verifier", |p| p["verifier"] = json!("0.0.1")),
        ("time", |p| {
            p["found"]["asOf"] = json!(p["found"]["asOf"].as_u64().unwrap() - 1);
        }),
        ("a check's name", |p| p["found"]["failed"][0]["name"] = json!("x")),
        ("a check's detail", |p| {
            p["found"]["failed"][0]["detail"] = json!("x");
        }),
        ("operator", |p| p["operator"] = json!(address(0))),
        ("batch", |p| p["batch"] = json!(0)),
        ("manifest", |p| {
            p["manifest"] = document(&[&bytes(&p["manifest"])[..], b" "].concat());
        }),
        ("endorsements", |p| p["endorsements"] = document(b"{}")),
        ("policy", |p| p["policy"] = document(b"{}")),
        ("bundle", |p| {
            let bundle = String::from_utf8(bytes(&p["bundle"])).unwrap();
            p["bundle"] = document(bundle.replace("us-", "eu-").as_bytes());
        }),
        ("a check less", |p| {
            drop(p["found"]["failed"].as_array_mut().unwrap().pop());
        }),
        ("a fault more", |p| {
            p["found"]["faults"].as_array_mut().unwrap().push(json!("x"));
        }),
        ("chain", |p| p["chainId"] = json!(1)),
        ("more", |p| p["more"] = json!(1)),
    ];
    for (what, change) in changes {
        let mut other = proof.clone();
        change(&mut other);
        if what == "bundle" && other == proof {
            let bundle = String::from_utf8(bytes(&other["bundle"])).unwrap();
            other["bundle"] = document(bundle.replacen("\"version\":1", "\"version\":2", 1).as_bytes());
        }
        assert_ne!(other, proof, "{what}");
        let path = dir.join("tampered.json");
        fs::write(&path, serde_json::to_vec(&other).unwrap()).unwrap();
        let (code, answer) = ask(network, &["proof", path.to_str().unwrap()]);
        assert_ne!(code, 0, "{what}: {answer}");
        let is_another = ["version", "verifier"].contains(&what);
        assert_eq!(
            code == 2 && answer.to_string().contains("was found by verifier"),
            is_another,
            "{answer}"
        );
        assert_ne!(answer["isProven"], json!(true), "{what}");
    }
}
