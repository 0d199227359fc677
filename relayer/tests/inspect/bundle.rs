//! Bundles, made up of real parts that do not belong together.

use std::path::{Path, PathBuf};

use alloy::primitives::{Address, B256};
use chassis_verifier::{
    Base64,
    bundle::{Anchor, Bundle, Disclosure, Evidence, Tee, Tpm},
};
use tempfile::TempDir;

use crate::run::{chassis, fixtures};

struct Files {
    folder: TempDir,
}

impl Files {
    fn write(&self, name: &str, content: &[u8]) -> String {
        let path: PathBuf = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

/// A bundle with COS-113's TD and a P-256 TPM quote of another machine; nobody consented.
fn bundle(root: &Path) -> Bundle {
    let file = |name: &str| Base64(std::fs::read(root.join(name)).unwrap());
    Bundle::unsigned(Evidence {
        version: 1,
        operator: Address::repeat_byte(0x11),
        disclosure: Disclosure::Public,
        anchor: Anchor {
            chain_id: 31_337,
            registry: Address::repeat_byte(0x22),
            block_number: 7,
            block_hash: B256::repeat_byte(0x33),
        },
        session_key_hash: B256::ZERO,
        tee: Tee::Tdx {
            quote: file("go-tdx-guest/cos-113-tdx-quote.dat"),
            ccel: Some(file("go-tdx-guest/ccel_data.dat")),
            hcl_report: None,
        },
        tpm: Some(Tpm {
            ak_public: Base64(vec![0xff; 3]),
            attest: file("automata-tpm-attestation/p256_quote.attest"),
            signature: file("automata-tpm-attestation/p256_quote.sig"),
            pcrs: Vec::new(),
            event_log: Some(file("dstack/tpm_eventlog.bin")),
            iak_certification: None,
            ak_certificates: vec![
                file("automata-tpm-attestation/p256_chain_0.der"),
                file("automata-tpm-attestation/p256_chain_1.der"),
            ],
            registrar_statement: None,
            drtm_log: None,
        }),
        custody: chassis_verifier::bundle::Custody::default(),
        logs: Vec::new(),
    })
    .unwrap()
}

#[test]
fn a_bundle_is_shown_part_by_part() {
    let Some(root) = fixtures() else { return };
    let files = Files {
        folder: tempfile::tempdir().unwrap(),
    };
    let bundle = bundle(&root);
    let path = files.write("bundle.json", &bundle.to_json().unwrap());
    let json = chassis(&["inspect", "bundle", &path, "--json"]).json();
    assert_eq!(json["digest"], bundle.digest.to_string());
    assert_eq!(json["consented"], false);
    assert_eq!(json["anchor"]["chainId"], 31_337);
    let part = |name: &str| {
        let parts = json["parts"].as_array().unwrap();
        parts
            .iter()
            .find(|part| part["name"] == name)
            .unwrap_or_else(|| panic!("{name}: {json}"))
    };
    assert_eq!(part("TD quote")["quote"]["fmspc"], "00806f050000");
    assert_eq!(
        part("CCEL")["log"]["banks"][0]["registers"]["0"],
        part("TD quote")["quote"]["rtmr0"]
    );
    assert_eq!(part("TPM quote")["size"], 145);
    assert!(
        part("AK public area")["problem"]
            .as_str()
            .unwrap()
            .contains("offset")
    );
    assert_eq!(part("AK certificate")["akCertificate"]["usableAsAk"], true);
    assert_eq!(
        part("TPM signature")["tpmSignature"]["scheme"],
        "ECDSA with SHA-256"
    );
    part("intermediate 1");

    let tables = chassis(&["inspect", "bundle", &path]);
    for text in [
        "nobody: not a valid signature",
        "43 records, sha384",
        "TPM event log",
        "RTMR2",
    ] {
        assert!(tables.stdout.contains(text), "{text}: {}", tables.stdout);
    }
}

#[test]
fn a_bundle_that_proves_little_is_refused_check_by_check() {
    let Some(root) = fixtures() else { return };
    let files = Files {
        folder: tempfile::tempdir().unwrap(),
    };
    let mut bundle = bundle(&root);
    if let Some(tpm) = &mut bundle.evidence.tpm {
        // A public area that can be read: RSA, every attribute clear.
        let area = [
            &[
                0, 1, 0, 11, 0, 0, 0, 0, 0, 0, 0, 16, 0, 16, 8, 0, 0, 0, 0, 0, 1, 0,
            ][..],
            &[0xff; 256],
        ];
        tpm.ak_public = Base64(area.concat());
    }
    let path = files.write("bundle.json", &bundle.to_json().unwrap());
    let policy = files.write("policy.toml", b"version = 1\nname = \"test\"\n");
    let verify = |more: &[&str]| {
        let arguments = [&["verify", &path, "--policy", &policy][..], more].concat();
        chassis(&arguments)
    };
    let tables = verify(&[]);
    assert_eq!(tables.code, 1, "{}", tables.stderr);
    for text in [
        "Is it a TD?",
        "Is it in a data center?",
        "FAIL",
        "as of now",
        "without endorsements",
        "no: ",
    ] {
        assert!(tables.stdout.contains(text), "{text}: {}", tables.stdout);
    }
    let json = verify(&["--json", "--at", "1782809233"]).json();
    assert_eq!(json["attestable"], false);
    assert_eq!(json["asOf"], 1_782_809_233);
    let checks = json["checks"].as_array().unwrap();
    assert!(
        checks
            .iter()
            .any(|check| check["name"] == "td.quote" && check["outcome"] == "fail")
    );
    // The log is the one of this TD, whoever vouches for it.
    assert!(
        checks
            .iter()
            .any(|check| check["name"] == "log.rtmrs" && check["outcome"] == "pass")
    );
}

#[test]
fn what_verify_cannot_read_is_refused() {
    let files = Files {
        folder: tempfile::tempdir().unwrap(),
    };
    let policy = files.write("policy.toml", b"version = 1\nname = \"test\"\n");
    let bad_policy = files.write("bad.toml", b"version = 1\nname = \"\x1b[2J\"\nwhat = 3\n");
    let no_bundle = files.write("bundle.json", b"{\"evidence\": 3}");
    assert_eq!(chassis(&["verify", &no_bundle, "--policy", &policy]).code, 2);
    assert_eq!(chassis(&["verify", &policy, "--policy", &policy]).code, 2);
    let Some(root) = fixtures() else { return };
    let path = files.write("good.json", &bundle(&root).to_json().unwrap());
    let answer = chassis(&["verify", &path, "--policy", &bad_policy]);
    assert_eq!(answer.code, 2);
    assert!(
        answer.stderr.starts_with("chassis: policy: "),
        "{}",
        answer.stderr
    );
    let endorsements = files.write("endorsements.json", b"{}");
    assert_eq!(
        chassis(&[
            "verify",
            &path,
            "--policy",
            &policy,
            "--endorsements",
            &endorsements
        ])
        .code,
        2
    );
}
