//! TD quotes of real machines, and `dcap-qvl`'s own samples.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod common;

use std::{path::PathBuf, process::Command};

use chassis_verifier::{
    Tcb,
    td::{DebugTd, INTEL_ROOT, TdQuote},
};
use common::fixture;
use dcap_qvl::{QuoteCollateralV3, TcbStatus};

fn yaml(bytes: &[u8]) -> QuoteCollateralV3 {
    serde_saphyr::from_slice(bytes).unwrap()
}

#[test]
fn the_google_quote_is_up_to_date_inside_its_window_only() {
    let Some(quote) = fixture("flashbots-attested-tls/gcp-tdx-1782809233226668671") else {
        return;
    };
    let collateral =
        yaml(&fixture("flashbots-attested-tls/gcp-tdx-collateral-1782809233226668671.yaml").unwrap());
    let quote = TdQuote::parse(&quote).unwrap();
    let verify = |at| quote.verify(&collateral, None, at, DebugTd::CallerChecks);

    let td = verify(1_782_809_233).unwrap();
    assert_eq!(td.claims.tcb.status, TcbStatus::UpToDate);
    assert_eq!(hex::encode(td.claims.platform.pck.fmspc), "00806f050000");
    assert!(hex::encode(&td.claims.platform.pck.pce_id).eq_ignore_ascii_case(&td.collateral_pce_id));
    // The TCB info's `nextUpdate`, 2026-07-30T07:53:47Z, is the first date to pass.
    let end = 1_785_398_027;
    assert_eq!(td.claims.earliest_expiration_date, end);
    assert_eq!(quote.report_data(), &[0; 64]);
    assert!(!quote.is_debug());

    verify(1_782_807_175).unwrap();
    verify(end - 1).unwrap();
    verify(1_782_807_174 - 3600).unwrap_err();
    verify(end + 1).unwrap_err();
}

#[test]
fn a_platform_is_known_only_by_a_chain_to_the_root() {
    let Some(raw) = fixture("flashbots-attested-tls/gcp-tdx-1782809233226668671") else {
        return;
    };
    let now = 1_782_809_233;
    let quote = TdQuote::parse(&raw).unwrap();
    let platform = quote.certified_platform(None, now).unwrap();
    assert_eq!(hex::encode(platform.fmspc), "00806f050000");
    assert_eq!((platform.ppid.len(), platform.ca), (16, "platform"));
    assert_eq!(quote.certified_platform(Some(INTEL_ROOT), now).unwrap(), platform);

    quote.certified_platform(None, 0).unwrap_err();
    let key = rcgen::KeyPair::generate().unwrap();
    let other = rcgen::CertificateParams::default().self_signed(&key).unwrap();
    quote.certified_platform(Some(other.der()), now).unwrap_err();

    // One bit of the leaf's PEM: its signature no longer fits.
    let begin = b"-----BEGIN CERTIFICATE-----";
    let at = raw
        .windows(begin.len())
        .position(|window| window == begin)
        .unwrap();
    let mut forged = raw.clone();
    let byte = &mut forged[at + begin.len() + 200];
    *byte = if *byte == b'A' { b'B' } else { b'A' };
    let forged = TdQuote::parse(&forged).unwrap();
    forged.certified_platform(None, now).unwrap_err();
}

#[test]
fn a_quote_with_one_changed_bit_does_not_verify() {
    let Some(mut quote) = fixture("flashbots-attested-tls/gcp-tdx-1782809233226668671") else {
        return;
    };
    let collateral =
        yaml(&fixture("flashbots-attested-tls/gcp-tdx-collateral-1782809233226668671.yaml").unwrap());
    quote[48 + 520] ^= 1; // report data
    let parsed = TdQuote::parse(&quote).unwrap();
    parsed
        .verify(&collateral, None, 1_782_809_233, DebugTd::CallerChecks)
        .unwrap_err();
}

#[test]
fn the_cos_quote_verifies_as_out_of_date_with_advisories() {
    let Some(quote) = fixture("go-tdx-guest/cos-113-tdx-quote.dat") else {
        return;
    };
    let collateral =
        yaml(&fixture("flashbots-attested-tls/gcp-tdx-collateral-1782809233226668671.yaml").unwrap());
    let td = TdQuote::parse(&quote)
        .unwrap()
        .verify(&collateral, None, 1_782_809_233, DebugTd::Refuse)
        .unwrap();
    assert_eq!(Tcb::from_intel(td.claims.tcb.status), Some(Tcb::OutOfDate));
    assert!(
        (5..=7).contains(&td.claims.tcb.advisory_ids.len()),
        "{:?}",
        td.claims.tcb.advisory_ids
    );
}

/// Where the crate registry keeps `dcap-qvl`, on any machine that built this test.
fn crate_sample(name: &str) -> Vec<u8> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--filter-platform",
            "x86_64-unknown-linux-gnu",
            "--manifest-path",
        ])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let package = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .find(|p| p["name"] == "dcap-qvl")
        .unwrap();
    let manifest = PathBuf::from(package["manifest_path"].as_str().unwrap());
    std::fs::read(manifest.parent().unwrap().join("sample").join(name)).unwrap()
}

#[test]
fn shipped_samples_of_both_quote_versions_verify_in_their_windows() {
    for (name, at) in [
        ("tdx_quote", 1_750_329_160 + 60),
        ("tdx_quote_td15ex", 1_791_418_225 + 60),
    ] {
        let collateral = serde_json::from_slice(&crate_sample(&format!("{name}_collateral.json"))).unwrap();
        let quote = crate_sample(name);
        let quote = TdQuote::parse(&quote).unwrap();
        let td = quote
            .verify(&collateral, None, at, DebugTd::CallerChecks)
            .unwrap();
        assert_eq!(td.claims.tcb.status, TcbStatus::UpToDate, "{name}");
        assert_eq!(td.claims.platform.pck.ppid.len(), 16, "{name}");
        quote
            .verify(&collateral, None, at + 90 * 86_400, DebugTd::CallerChecks)
            .unwrap_err();
    }
}

#[test]
fn a_shipped_quote_without_matching_tcb_level_is_refused() {
    let collateral = serde_json::from_slice(&crate_sample("tdx_quote_outdated_collateral.json")).unwrap();
    let quote = crate_sample("tdx_quote_outdated");
    let error = TdQuote::parse(&quote)
        .unwrap()
        .verify(&collateral, None, 1_772_000_000, DebugTd::CallerChecks)
        .unwrap_err();
    assert_eq!(error, "No matching TCB level found");
}

#[test]
fn an_sgx_quote_is_not_a_td_quote() {
    let error = TdQuote::parse(&crate_sample("sgx_quote")).unwrap_err();
    assert!(error.to_string().contains("SGX enclave"), "{error}");
}
