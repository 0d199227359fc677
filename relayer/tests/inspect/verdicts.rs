//! `--collateral`: what Intel's signatures say.

use std::path::Path;

use serde_json::Value;

use crate::run::{Answer, chassis, fixtures};

const GOOGLE: &str = "flashbots-attested-tls/gcp-tdx-1782809233226668671";
const GOOGLE_COLLATERAL: &str = "flashbots-attested-tls/gcp-tdx-collateral-1782809233226668671.yaml";

fn verify(root: &Path, quote: &str, collateral: &str, at: u64) -> Answer {
    let path = |name: &str| root.join(name).to_str().unwrap().to_owned();
    let (quote, collateral, at) = (path(quote), path(collateral), at.to_string());
    chassis(&[
        "inspect",
        "quote",
        &quote,
        "--collateral",
        &collateral,
        "--at",
        &at,
        "--json",
    ])
}

#[test]
fn the_google_quote_is_up_to_date_inside_its_window_only() {
    let Some(root) = fixtures() else { return };
    for at in [1_782_807_175, 1_782_809_233, 1_785_398_026] {
        let answer = verify(&root, GOOGLE, GOOGLE_COLLATERAL, at);
        let verdict = &answer.json()["verdict"];
        assert_eq!(answer.code, 0, "{verdict}");
        assert_eq!(
            (&verdict["verifies"], &verdict["status"]),
            (&true.into(), &"UpToDate".into())
        );
        assert_eq!(verdict["root"], "intel");
        assert_eq!(verdict["pceIdMatches"], true);
        assert_eq!(verdict["expires"], 1_785_398_027);
        assert_eq!(verdict["advisories"], serde_json::json!([]));
    }
    for at in [1_782_800_000, 1_785_398_028] {
        let answer = verify(&root, GOOGLE, GOOGLE_COLLATERAL, at);
        let verdict = &answer.json()["verdict"];
        assert_eq!(answer.code, 1, "{verdict}");
        assert_eq!(verdict["verifies"], false);
        assert!(!verdict["reason"].as_str().unwrap().is_empty());
    }
}

#[test]
fn the_cos_quote_is_out_of_date_with_advisories() {
    let Some(root) = fixtures() else { return };
    let answer = verify(
        &root,
        "go-tdx-guest/cos-113-tdx-quote.dat",
        GOOGLE_COLLATERAL,
        1_782_809_233,
    );
    let verdict = &answer.json()["verdict"];
    assert_eq!((answer.code, &verdict["status"]), (0, &"OutOfDate".into()));
    assert!((5..=7).contains(&verdict["advisories"].as_array().unwrap().len()));
}

#[test]
fn both_quote_versions_and_sgx_verify_with_json_collateral() {
    let Some(root) = fixtures() else { return };
    for (name, at, status) in [
        ("tdx_quote", 1_750_329_220, Some("UpToDate")),
        ("tdx_quote_td15ex", 1_791_418_285, Some("UpToDate")),
        ("tdx_quote_outdated", 1_750_329_220, None),
    ] {
        let file = format!("dcap-qvl/samples/{name}");
        let answer = verify(&root, &file, &format!("{file}_collateral.json"), at);
        let verdict = &answer.json()["verdict"];
        assert_eq!(verdict["status"].as_str(), status, "{name}: {verdict}");
        assert_eq!(answer.code, i32::from(status.is_none()), "{name}");
    }
}

#[test]
fn all_generated_cases_give_the_expected_verdict() {
    let Some(root) = fixtures() else { return };
    let danger_root = root.join("dcap-qvl/cases/certs/root_ca.der");
    let danger_root = danger_root.to_str().unwrap();
    let mut seen = 0;
    for case in std::fs::read_dir(root.join("dcap-qvl/cases/samples")).unwrap() {
        let case = case.unwrap().path();
        if !case.is_dir() {
            continue;
        }
        seen += 1;
        let file = |name: &str| case.join(name).to_str().unwrap().to_owned();
        let expected: Value =
            serde_json::from_str(&std::fs::read_to_string(file("expected.json")).unwrap()).unwrap();
        let (quote, collateral) = (file("quote.bin"), file("collateral.json"));
        let answer = chassis(&[
            "inspect",
            "quote",
            &quote,
            "--collateral",
            &collateral,
            "--danger-root",
            danger_root,
            "--json",
        ]);
        let name = case.display();
        assert_eq!(
            answer.code == 0,
            expected["should_succeed"] == true,
            "{name}: {}{}",
            answer.stdout,
            answer.stderr
        );
        if answer.code < 2 {
            let verdict = &answer.json()["verdict"];
            assert_eq!(verdict["root"], "danger");
            let status = expected["expected_status"].as_str().unwrap();
            assert!(
                status.is_empty() || answer.code == 1 || status == verdict["status"],
                "{name}: {verdict}"
            );
        }
        // Nobody's root but Intel's counts without being named.
        assert_ne!(
            chassis(&["inspect", "quote", &quote, "--collateral", &collateral]).code,
            0,
            "{name}"
        );
    }
    assert_eq!(seen, 64);
}

#[test]
fn an_sgx_quote_says_so() {
    let Some(root) = fixtures() else { return };
    let quote = root.join("dcap-qvl/samples/sgx_quote");
    let answer = chassis(&["inspect", "quote", quote.to_str().unwrap()]);
    assert!(
        answer.stdout.contains("SGX enclave (not a TD"),
        "{}",
        answer.stdout
    );
    assert!(answer.stdout.contains("MRENCLAVE"));
}

#[test]
fn collateral_that_cannot_be_read_is_refused() {
    let Some(root) = fixtures() else { return };
    for file in [
        "README.md",
        "dcap-qvl/samples/tdx_quote",
        "dcap-qvl/cases/samples/summary.json",
    ] {
        let answer = verify(&root, GOOGLE, file, 1_782_809_233);
        assert_eq!(answer.code, 2, "{file}: {}", answer.stderr);
    }
}
