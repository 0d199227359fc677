//! Whatever file: an answer, or one line that says what is wrong. `run::chassis` checks how each command ends.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use crate::run::{chassis, chassis_with, files, fixtures};

const KINDS: [&str; 12] = [
    "quote",
    "ccel",
    "tpm-log",
    "drtm-log",
    "tpm-quote",
    "tpm-certify",
    "ak-cert",
    "hcl-report",
    "poe",
    "registrar-statement",
    "alliance-token",
    "bundle",
];

#[test]
fn every_file_is_answered_or_refused_as_every_kind() {
    let Some(root) = fixtures() else { return };
    let mut contents = BTreeSet::new();
    let distinct: Vec<PathBuf> = files(&root)
        .into_iter()
        .filter(|path| contents.insert(std::fs::read(path).unwrap()))
        .collect();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while let Some(path) = distinct.get(next.fetch_add(1, Ordering::Relaxed)) {
                    for kind in KINDS {
                        let path = path.to_str().unwrap();
                        let answer = chassis(&["inspect", kind, path, "--json"]);
                        if answer.code == 0 {
                            assert_eq!(answer.json()["kind"], kind, "{path}");
                        }
                    }
                }
            });
        }
    });
}

/// What each file is, by its name.
fn fitting_kind(path: &str) -> Option<&'static str> {
    let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| path.ends_with(suffix));
    let (folder, _) = path.split_once('/')?;
    Some(match folder {
        _ if ends(&[
            "LICENSE",
            ".md",
            ".yaml",
            ".json",
            ".txt",
            ".sig",
            "crl_0.der",
            "root_ca.crl.der",
            "pck.crl.der",
        ]) =>
        {
            return None;
        }
        "dcap-qvl" if path.contains("/samples/") && !path.contains("/cases/") => "quote",
        "go-tdx-guest" | "dstack" if ends(&["ccel_data.dat", "ccel.bin"]) => "ccel",
        "go-tdx-guest" if ends(&["quote.dat"]) => "quote",
        "flashbots-attested-tls" if path.contains("/gcp-tdx-1") => "quote",
        "flashbots-attested-tls" if ends(&["hclreport.bin"]) => "hcl-report",
        _ if ends(&["eventlog.bin", "test_tcg_event_log.pem.der"]) || path.contains("/eventlogs/") => {
            "tpm-log"
        }
        _ if ends(&[".attest", "tpm_quote_sample.bin"]) => "tpm-quote",
        _ if ends(&[".der", ".crt", ".cer"]) => "ak-cert",
        "go-tpm-tools" | "openpcc" if ends(&[".pem"]) => "ak-cert",
        _ => return None,
    })
}

#[test]
fn every_piece_of_evidence_is_decoded_as_what_it_is() {
    let Some(root) = fixtures() else { return };
    let mut decoded = 0;
    for path in files(&root) {
        let name = path.strip_prefix(&root).unwrap().to_str().unwrap();
        let Some(kind) = fitting_kind(name) else { continue };
        let answer = chassis(&["inspect", kind, path.to_str().unwrap()]);
        assert_eq!(answer.code, 0, "{name} as {kind}: {}", answer.stderr);
        decoded += 1;
    }
    assert!(decoded >= 50, "{decoded}");
}

#[test]
fn what_is_no_evidence_is_refused_with_the_offset() {
    let Some(root) = fixtures() else { return };
    for (kind, file) in [
        ("quote", "flashbots-attested-tls/hclreport.bin"),
        ("ccel", "go-tdx-guest/ccel_table.dat"),
        ("ccel", "go-tdx-guest/nonce.dat"),
        ("drtm-log", "go-tdx-guest/nonce.dat"),
        ("tpm-quote", "automata-tpm-attestation/p256_quote.sig"),
        ("tpm-certify", "automata-tpm-attestation/p256_quote.sig"),
        ("hcl-report", "go-tdx-guest/cos-113-tdx-quote.dat"),
        ("poe", "automata-tpm-attestation/p256_quote.attest"),
        (
            "registrar-statement",
            "automata-tpm-attestation/p256_quote.attest",
        ),
        ("alliance-token", "dcap-qvl/samples/tdx_quote_collateral.json"),
        ("ak-cert", "automata-tpm-attestation/rsa_key_n.bin"),
        ("ak-cert", "automata-tpm-attestation/gcp_root_ca_crl_0.der"),
        ("bundle", "dcap-qvl/samples/tdx_quote_collateral.json"),
    ] {
        let answer = chassis(&["inspect", kind, root.join(file).to_str().unwrap()]);
        assert_eq!(answer.code, 2, "{file}");
        let says_where = ["offset ", "column "]
            .iter()
            .any(|word| answer.stderr.contains(word));
        assert!(says_where, "{file}: {}", answer.stderr);
    }
}

#[test]
fn a_cut_or_changed_file_is_answered_or_refused() {
    let Some(root) = fixtures() else { return };
    let mut random = Random(0x5eed_cafe);
    for (kind, file) in [
        ("quote", "flashbots-attested-tls/gcp-tdx-1782809233226668671"),
        ("quote", "dcap-qvl/samples/tdx_quote_td15ex"),
        ("ccel", "go-tdx-guest/ccel_data.dat"),
        ("tpm-log", "openpcc/test_tcg_event_log.pem.der"),
        ("tpm-quote", "automata-tpm-attestation/p256_quote.attest"),
        ("ak-cert", "automata-tpm-attestation/gcp_tdx_tpm_certs_0.der"),
        ("hcl-report", "flashbots-attested-tls/hclreport.bin"),
    ] {
        let mut bytes = std::fs::read(root.join(file)).unwrap();
        bytes.truncate(32_768);
        for _ in 0..50 {
            let at = random.below(bytes.len());
            chassis_with(&["inspect", kind, "-"], &bytes[..at]);
            let mut changed = bytes.clone();
            changed[at] ^= 1 << random.below(8);
            chassis_with(&["inspect", kind, "-", "--json"], &changed);
        }
    }
}

#[test]
fn a_cut_quote_names_the_place() {
    let Some(root) = fixtures() else { return };
    let quote = std::fs::read(root.join("flashbots-attested-tls/gcp-tdx-1782809233226668671")).unwrap();
    let answer = chassis_with(&["inspect", "quote", "-"], &quote[..1000]);
    assert_eq!(answer.code, 2);
    assert!(answer.stderr.contains("at offset 636: "), "{}", answer.stderr);
}

#[test]
fn input_without_end_is_refused_at_the_limit() {
    let endless = Path::new("/dev/zero");
    if !endless.exists() {
        eprintln!("skipped: no /dev/zero");
        return;
    }
    for kind in KINDS {
        let answer = chassis(&["inspect", kind, "/dev/zero"]);
        assert_eq!(answer.code, 2);
        assert!(answer.stderr.contains("16777216 bytes"), "{}", answer.stderr);
    }
}

#[test]
fn a_missing_or_empty_file_is_refused() {
    for (file, reason) in [
        ("/nonexistent/\u{1b}[2J", "No such file"),
        ("/", "directory"),
        ("-", "empty"),
    ] {
        let answer = chassis(&["inspect", "quote", file]);
        assert_eq!(answer.code, 2);
        assert!(answer.stderr.contains(reason), "{}", answer.stderr);
    }
}

/// xorshift64: the same offsets on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound).unwrap()).unwrap()
    }
}
