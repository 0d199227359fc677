//! Values that are known from elsewhere.

use std::path::Path;

use serde_json::{Value, json};

use crate::run::{chassis, fixtures};

fn inspect(root: &Path, kind: &str, file: &str) -> Value {
    let answer = chassis(&["inspect", kind, root.join(file).to_str().unwrap(), "--json"]);
    assert_eq!(answer.code, 0, "{file}: {}", answer.stderr);
    answer.json()
}

#[test]
fn the_google_quote_names_its_machine() {
    let Some(root) = fixtures() else { return };
    let quote = inspect(
        &root,
        "quote",
        "flashbots-attested-tls/gcp-tdx-1782809233226668671",
    );
    assert_eq!(quote["tee"], "tdx");
    assert_eq!(quote["header"]["version"], 4);
    assert_eq!(quote["fmspc"], "00806f050000");
    assert_eq!(quote["pceId"], "0000");
    assert_eq!(quote["ppid"], "0749bf90ceea86f7917d4d484356081c");
    assert_eq!(quote["platformInstanceId"], "af6b6a7a15850d535f888b8481ef3472");
    assert_eq!(quote["reportData"], "0".repeat(128));
    assert_eq!(quote["rtmr3"], "0".repeat(96));
    assert_eq!(quote["trailing"], json!({"bytes": 3065, "allZero": true}));
    assert_eq!(quote["verdict"], Value::Null);
}

#[test]
fn the_cos_113_quote_and_its_log_agree() {
    let Some(root) = fixtures() else { return };
    let quote = inspect(&root, "quote", "go-tdx-guest/cos-113-tdx-quote.dat");
    let log = inspect(&root, "ccel", "go-tdx-guest/ccel_data.dat");
    assert_eq!(log["banks"].as_array().unwrap().len(), 1);
    let bank = &log["banks"][0];
    assert_eq!(bank["algorithm"], "sha384");
    for register in 0..4 {
        let replayed = &bank["registers"][register.to_string()];
        assert_eq!(replayed.as_str().unwrap().len(), 96);
        assert_eq!(replayed, &quote[format!("rtmr{register}")], "RTMR{register}");
    }
    assert_eq!(log["events"].as_array().unwrap().len(), 43);
    assert_eq!(log["padding"], 262_144 - 18_101);
}

/// Every PCR but 10, which IMA extended after the log was closed.
#[test]
fn the_cos_85_log_replays_to_the_quoted_pcrs_in_every_bank() {
    let Some(root) = fixtures() else { return };
    let log = inspect(
        &root,
        "tpm-log",
        "go-tpm-tools/gce-cos-85-nonce9009.pb.eventlog.bin",
    );
    let banks = log["banks"].as_array().unwrap();
    assert_eq!(banks.len(), 3);
    for bank in banks {
        let algorithm = bank["algorithm"].as_str().unwrap();
        let quoted = root.join(format!(
            "go-tpm-tools/gce-cos-85-nonce9009.pb.{algorithm}.pcrs.txt"
        ));
        let quoted = std::fs::read_to_string(quoted).unwrap();
        assert_eq!(quoted.lines().count(), 24);
        for line in quoted.lines() {
            let (pcr, value) = line.split_once(' ').unwrap();
            assert_eq!(
                bank["registers"][pcr] == value,
                pcr != "10",
                "{algorithm} PCR {pcr}"
            );
        }
    }
}

#[test]
fn a_tpm_quote_is_verified_with_a_certificate_and_only_its_own() {
    let Some(root) = fixtures() else { return };
    let path = |name: &str| root.join(name).to_str().unwrap().to_owned();
    let cos = |suffix: &str| path(&format!("go-tpm-tools/gce-cos-85-nonce9009.pb.{suffix}"));
    let verify = |attest: &str, signature: &str, ak: &str| {
        chassis(&[
            "inspect",
            "tpm-quote",
            attest,
            "--signature",
            signature,
            "--ak",
            ak,
            "--json",
        ])
    };
    for bank in ["sha1", "sha256", "sha384"] {
        let answer = verify(
            &cos(&format!("{bank}.attest")),
            &cos(&format!("{bank}.sig")),
            &cos("akcert.der"),
        );
        assert_eq!(answer.code, 0, "{}", answer.stdout);
        let quote = &answer.json()["attest"]["quote"];
        assert_eq!(quote["extraData"], "0x9009");
        assert_eq!(quote["selections"][0]["bank"], bank);
    }
    let p256 = |name: &str| path(&format!("automata-tpm-attestation/p256_{name}"));
    let (attest, signature) = (p256("quote.attest"), p256("quote.sig"));
    assert_eq!(verify(&attest, &signature, &p256("chain_0.der")).code, 0);
    let other = path("automata-tpm-attestation/gcp_snp_tpm_certs_0.der");
    let answer = verify(&attest, &signature, &other);
    assert_eq!(answer.code, 1);
    assert_eq!(answer.json()["signature"]["verifies"], false);
    assert_eq!(verify(&attest, &signature, &attest).code, 2);
}

#[test]
fn an_attest_behind_its_length_is_the_same() {
    let Some(root) = fixtures() else { return };
    let bare = std::fs::read(root.join("dstack/tpm_quote_sample.bin")).unwrap();
    let length = u16::try_from(bare.len()).unwrap().to_be_bytes();
    let sized = [&length[..], &bare].concat();
    let answers =
        [&bare, &sized].map(|bytes| crate::run::chassis_with(&["inspect", "tpm-quote", "-"], bytes));
    assert_eq!(answers[0].stdout, answers[1].stdout);
    assert!(answers[0].stdout.contains("12345678"));
}

#[test]
fn an_endorsement_keys_certificate_is_no_attestation_keys() {
    let Some(root) = fixtures() else { return };
    for issuer in ["pca", "uca"] {
        for key in ["ecc", "rsa"] {
            for (use_, is_ak) in [("sign", true), ("enc", false)] {
                let file = format!("go-tpm-tools/certificates/{issuer}_tpm_{key}_{use_}_cert.pem");
                let certificate = inspect(&root, "ak-cert", &file);
                assert_eq!(
                    certificate["instance"]["zone"]
                        .as_str()
                        .unwrap()
                        .split('-')
                        .count(),
                    3
                );
                assert_eq!(
                    certificate["usableAsAk"], is_ak,
                    "{file}: {}",
                    certificate["problems"]
                );
                let says = certificate["problems"]
                    .to_string()
                    .contains("not an attestation key's certificate");
                assert_eq!(says, !is_ak, "{file}: {}", certificate["problems"]);
            }
        }
    }
}

#[test]
fn the_tdx_machines_certificate_names_its_instance() {
    let Some(root) = fixtures() else { return };
    let certificate = inspect(
        &root,
        "ak-cert",
        "automata-tpm-attestation/gcp_tdx_tpm_certs_0.der",
    );
    let instance = &certificate["instance"];
    assert_eq!(instance["zone"], "asia-southeast1-b");
    assert_eq!(instance["instanceName"], "chenye-tdx-agent-test");
    assert_eq!(instance["instanceId"], "2456411740904370986");
    assert_eq!(certificate["keyUsage"], "Digital Signature");
    let root_certificate = inspect(
        &root,
        "ak-cert",
        "automata-tpm-attestation/gcp_tdx_tpm_certs_2.der",
    );
    assert_eq!(root_certificate["usableAsAk"], false);
}

/// What a quote is asked for, and an attest of another type is not good news.
#[test]
fn a_quote_certifies_no_key() {
    let Some(root) = fixtures() else { return };
    let file = |name: &str| {
        let path = root.join("automata-tpm-attestation").join(name);
        path.to_str().unwrap().to_owned()
    };
    let (attest, signature, ak) = (
        file("p256_quote.attest"),
        file("p256_quote.sig"),
        file("p256_chain_0.der"),
    );
    for (kind, code) in [("tpm-quote", 0), ("tpm-certify", 1)] {
        let answer = chassis(&[
            "inspect",
            kind,
            &attest,
            "--signature",
            &signature,
            "--ak",
            &ak,
            "--json",
        ]);
        assert_eq!(answer.code, code, "{}", answer.stdout);
        let json = answer.json();
        assert_eq!(json["signature"]["verifies"], true);
        assert_eq!(json["problem"].is_string(), code == 1, "{json}");
    }
}

/// No machine at hand has made one, so by hand: TPM 2.0 Part 2, §10.12.7.
#[test]
fn a_creation_names_its_key() {
    let sized = |bytes: &[u8]| [&u16::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat();
    let name = [&[0x00, 0x0b][..], &[0xab; 32]].concat();
    let attest = [
        &hex::decode("ff544347801a").unwrap()[..],
        &sized(&[0x11; 34]),
        &sized(b"nonce"),
        &[0; 16],
        &[1],
        &[0; 8],
        &sized(&name),
        &sized(&[0xcd; 32]),
    ]
    .concat();
    let json = inspect_bytes("tpm-certify", &attest);
    let creation = &json["attest"]["creation"];
    assert_eq!(creation["objectName"], format!("0x{}", hex::encode(&name)));
    assert_eq!(creation["creationHash"], format!("0x{}", "cd".repeat(32)));
    assert!(json["problem"].is_null(), "{json}");
    let tables = crate::run::chassis_with(&["inspect", "tpm-certify", "-"], &attest);
    for text in ["0x801a (creation)", &hex::encode(&name), "(\"nonce\")"] {
        assert!(tables.stdout.contains(text), "{text}: {}", tables.stdout);
    }
    assert!(inspect_bytes("tpm-quote", &attest)["problem"].is_string());
}

/// The values of Azure's own machine, as its attestation says them.
#[test]
fn the_azure_report_names_its_machine_and_key() {
    let Some(root) = fixtures() else { return };
    let azure = azure(&root);
    let report = crate::run::chassis_with(&["inspect", "hcl-report", "-", "--json"], &azure.hcl_report);
    let json = report.json();
    let settings = &json["variableData"]["vmConfiguration"];
    assert_eq!(settings["vmUniqueId"], "3c18c97a-0d2a-4565-969d-166cdcef26a3");
    assert_eq!(settings["console-enabled"], true);
    assert_eq!(json["variableData"]["ak"]["type"], "rsa");
    assert_eq!(json["variableData"]["userData"], "0".repeat(128));
    assert_eq!(json["tdReport"]["rtmrs"], json!(vec!["0".repeat(96); 4]));
    assert_eq!(json["size"], 2600);
    let tables = crate::run::chassis_with(&["inspect", "hcl-report", "-"], &azure.hcl_report);
    for text in [
        "RSA-2048 key",
        "not said",
        "zero (64 bytes)",
        "nothing above is authenticated",
    ] {
        assert!(tables.stdout.contains(text), "{text}: {}", tables.stdout);
    }

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("quote");
    let with = |quote: &[u8]| {
        std::fs::write(&path, quote).unwrap();
        let path = path.to_str().unwrap();
        crate::run::chassis_with(
            &["inspect", "hcl-report", "-", "--quote", path, "--json"],
            &azure.hcl_report,
        )
    };
    let own = with(&azure.quote);
    assert_eq!(own.code, 0, "{}", own.stdout);
    let quote = inspect_bytes("quote", &azure.quote);
    assert_eq!(own.json()["quote"], json!({"speaksForIt": true}));
    assert_eq!(
        quote["reportData"].as_str().unwrap(),
        format!(
            "{}{}",
            own.json()["variableDataHash"].as_str().unwrap(),
            "0".repeat(64)
        )
    );
    assert_eq!(quote["mrtd"], json["tdReport"]["mrtd"]);

    let other = with(&std::fs::read(root.join("go-tdx-guest/cos-113-tdx-quote.dat")).unwrap());
    assert_eq!(other.code, 1);
    assert_eq!(other.json()["quote"]["speaksForIt"], false);
    assert!(other.json()["quote"]["difference"].is_string());
}

struct Azure {
    quote: Vec<u8>,
    hcl_report: Vec<u8>,
}

/// Out of the two lines of the fixture that matter here.
fn azure(root: &Path) -> Azure {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE};

    let file = "flashbots-attested-tls/azure-tdx-with-ak-intermediates-1780922561.yaml";
    let yaml = std::fs::read_to_string(root.join(file)).unwrap();
    let field = |name: &str| {
        let (_, rest) = yaml.split_once(&format!("{name}: >-\n")).unwrap();
        URL_SAFE.decode(rest.lines().next().unwrap().trim()).unwrap()
    };
    Azure {
        quote: field("tdx_quote_base64"),
        hcl_report: field("hcl_report_base64"),
    }
}

fn inspect_bytes(kind: &str, bytes: &[u8]) -> Value {
    crate::run::chassis_with(&["inspect", kind, "-", "--json"], bytes).json()
}

/// The same quote, in every spelling a person may have it in.
#[test]
fn hex_and_base64_are_the_same_quote() {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

    let Some(root) = fixtures() else { return };
    let folder = root.join("dcap-qvl/samples");
    let raw = std::fs::read(folder.join("tdx_quote")).unwrap();
    let binary = crate::run::chassis_with(&["inspect", "quote", "-"], &raw);
    for text in [
        hex::encode(&raw),
        format!("0x{}\n", hex::encode(&raw)),
        URL_SAFE_NO_PAD.encode(&raw),
    ] {
        let spelled = crate::run::chassis_with(&["inspect", "quote", "-"], text.as_bytes());
        assert_eq!((spelled.code, &spelled.stdout), (0, &binary.stdout));
    }
    let hex = inspect(&root, "quote", "dcap-qvl/samples/tdx-quote.hex");
    assert_eq!(hex["header"]["version"], 4);
}
