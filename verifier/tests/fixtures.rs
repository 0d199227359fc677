//! What the README of the real evidence says about it, row by row.
//!
//! | row | reproduced by |
//! |---|---|
//! | `flashbots-attested-tls/gcp-tdx-1782809233226668671` | `td::the_google_quote_is_up_to_date_inside_its_window_only`, `fixtures::the_google_machine_is_refused_by_a_strict_policy_for_its_flags_alone`, `fixtures::quotes_verify_from_end_to_end_of_their_window` |
//! | `flashbots-attested-tls/azure-tdx-with-ak-intermediates-1780922561.yaml` | `azure::the_td_quote_verifies_inside_its_collaterals_window_only`, `azure::the_paravisor_leaves_every_rtmr_zero`, `azure::the_quote_speaks_for_the_report`, `azure::the_vtpm_signed_all_24_pcrs_of_the_sha_256_bank`, `azure::the_ak_certificate_chains_to_azures_root_by_two_intermediates` |
//! | `go-tdx-guest/cos-113-tdx-quote.dat` | `eventlogs::the_cos_113_ccel_replays_to_the_quote_of_its_machine`, `td::the_cos_quote_verifies_as_out_of_date_with_advisories`, `fixtures::the_cos_113_files_are_of_one_machine` |
//! | `openpcc/test_tcg_event_log.pem.der` | `eventlogs::google_tdx_vtpm_logs_give_every_register_of_every_bank`, `fixtures::google_tdx_firmware_logs_the_images_it_loads_under_pcr_2` |
//! | `dstack/tpm_eventlog.bin` | `eventlogs::google_tdx_vtpm_logs_give_every_register_of_every_bank`, `tpm::the_dstack_quote_parses`, `fixtures::the_dstack_logs_are_of_two_machines` |
//! | `go-tpm-tools/gce-cos-85-nonce9009.pb.*` | `tpm::the_cos_quotes_verify_in_every_bank`, `tpm::googles_chains_lead_to_the_root_that_signed_them`, `eventlogs::the_cos_85_log_replays_to_its_quoted_pcrs_except_what_ima_extended`, `fixtures::the_cos_85_pcr_digest_is_sha_256_in_every_bank` |
//! | `go-tpm-tools/certificates/` | `tpm::an_endorsement_key_certificate_is_refused_by_its_key_usage_alone`, `fixtures::ek_and_ak_certificates_have_one_shape` |
//! | `go-tpm-tools/eventlogs/` | `eventlogs::logs_of_seven_machines_parse`, `fixtures::the_hard_logs_replay` |
//! | `automata-tpm-attestation/gcp_tdx_tpm_certs_{0,1,2}.der` | `tpm::googles_chains_lead_to_the_root_that_signed_them`, `tpm::the_root_list_covers_the_intermediate_for_a_week`, `fixtures::the_root_list_lives_seven_days` |
//! | `automata-tpm-attestation/p256_quote.{attest,sig}` | `tpm::the_p256_quote_verifies_with_its_certificate`, `tpm::the_rsa_quote_verifies_with_its_modulus`, `tpm::googles_chains_lead_to_the_root_that_signed_them` |
//! | `openpcc/azure_tpm_root_2023.pem` | `azure::intermediates_of_other_pools_are_no_part_of_the_chain`, `fixtures::azures_root_signed_both_intermediates` |
//! | `dcap-qvl/samples/` | `td::an_sgx_quote_is_not_a_td_quote`, `fixtures::quotes_verify_from_end_to_end_of_their_window`, `fixtures::the_outdated_quote_matches_no_tcb_level`, `fixtures::every_other_sample_is_a_td_quote` |
//! | `dcap-qvl/cases/samples/*/{quote.bin,collateral.json,expected.json}` | `fixtures::all_64_cases_verify_or_fail_for_the_expected_reason` |
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod common;

use chassis_verifier::{
    cross_check::{Class, Exceptions, cross_check, td_measured, tpm_measured},
    eventlog::{Ccel, TcgLog},
    sha256,
    td::{DebugTd, TdQuote},
    tpm::Attest,
};
use common::{fixture, pem};
use dcap_qvl::{
    QuoteCollateralV3, TcbStatus,
    policy::{PckCertFlag, Policy, QuotePolicy},
    verify::QuoteVerifier,
};
use serde_json::Value;
use x509_parser::{
    certificate::X509Certificate, prelude::FromDer, revocation_list::CertificateRevocationList,
};

const GOOGLE: &str = "flashbots-attested-tls/gcp-tdx-1782809233226668671";
const GOOGLE_COLLATERAL: &str = "flashbots-attested-tls/gcp-tdx-collateral-1782809233226668671.yaml";

#[test]
fn the_table_above_names_every_row_and_only_tests_there_are() {
    let Some(readme) = fixture("README.md") else {
        return;
    };
    let readme = String::from_utf8(readme).unwrap();
    let table = rows(include_str!("fixtures.rs"), "//! | `");
    let in_readme: Vec<_> = rows(&readme, "| `").into_iter().map(|(file, _)| file).collect();
    let in_table: Vec<_> = table.iter().map(|(file, _)| *file).collect();
    assert_eq!(in_readme, in_table);

    let sources = [
        ("azure", include_str!("azure.rs")),
        ("eventlogs", include_str!("eventlogs.rs")),
        ("fixtures", include_str!("fixtures.rs")),
        ("td", include_str!("td.rs")),
        ("tpm", include_str!("tpm.rs")),
    ];
    for (file, tests) in table {
        let tests: Vec<_> = tests
            .split('`')
            .filter_map(|word| word.split_once("::"))
            .collect();
        assert!(!tests.is_empty(), "{file}");
        for (module, test) in tests {
            let (_, source) = sources.iter().find(|(name, _)| *name == module).unwrap();
            let there = source.contains(&format!("#[test]\nfn {test}()"));
            assert!(there, "{file}: no test `{module}::{test}`");
        }
    }
}

#[test]
fn quotes_verify_from_end_to_end_of_their_window() {
    let sample = |name: &str| format!("dcap-qvl/samples/{name}");
    let json = |name: &str| sample(&format!("{name}_collateral.json"));
    // What the README says, and the second at which the collateral itself begins and ends: a CRL's end is not its own.
    for (quote, collateral, said, [begins, ends]) in [
        (
            GOOGLE.to_owned(),
            GOOGLE_COLLATERAL.to_owned(),
            [1_782_807_175, 1_785_397_988],
            [1_782_807_139, 1_785_398_027],
        ),
        (
            sample("tdx_quote"),
            json("tdx_quote"),
            [1_750_329_160, 1_752_919_222],
            [1_750_329_147, 1_752_919_234],
        ),
        (
            sample("tdx_quote_td15ex"),
            json("tdx_quote_td15ex"),
            [1_791_418_225, 1_794_008_681],
            [1_791_418_186, 1_794_008_711],
        ),
    ] {
        let (Some(bytes), Some(collateral)) = (fixture(&quote), fixture(&collateral)) else {
            return;
        };
        let collateral = collateral_of(&collateral);
        let parsed = TdQuote::parse(&bytes).unwrap();
        let verify = |at| parsed.verify(&collateral, None, at, DebugTd::Refuse);
        for at in [said[0], said[1], begins, ends] {
            let status = verify(at).map(|td| td.claims.tcb.status);
            assert_eq!(status, Ok(TcbStatus::UpToDate), "{quote} at {at}");
        }
        for at in [begins - 1, ends + 1] {
            verify(at).unwrap_err();
        }
    }
}

#[test]
fn the_google_machine_is_refused_by_a_strict_policy_for_its_flags_alone() {
    let Some(bytes) = fixture(GOOGLE) else { return };
    let collateral = collateral_of(&fixture(GOOGLE_COLLATERAL).unwrap());
    let at = 1_782_809_233;
    let quote = TdQuote::parse(&bytes).unwrap();
    let claims = quote
        .verify(&collateral, None, at, DebugTd::Refuse)
        .unwrap()
        .claims;
    assert_eq!(bytes.len(), 8000);
    let flags = &claims.platform.pck;
    assert!(matches!(flags.dynamic_platform, PckCertFlag::True));
    assert!(matches!(flags.smt_enabled, PckCertFlag::True));

    let strict = || QuotePolicy::strict(at);
    for (policy, accepted) in [
        (strict(), false),
        (strict().allow_smt(true), false),
        (strict().allow_dynamic_platform(true), false),
        (strict().allow_smt(true).allow_dynamic_platform(true), true),
    ] {
        assert_eq!(policy.validate(&claims).is_ok(), accepted);
    }
}

#[test]
fn the_cos_113_files_are_of_one_machine() {
    let Some(bytes) = fixture("go-tdx-guest/cos-113-tdx-quote.dat") else {
        return;
    };
    let collateral = collateral_of(&fixture(GOOGLE_COLLATERAL).unwrap());
    let quote = TdQuote::parse(&bytes).unwrap();
    assert_eq!(
        quote.report_data()[..],
        fixture("go-tdx-guest/nonce.dat").unwrap()
    );
    let td = quote
        .verify(&collateral, None, 1_782_809_233, DebugTd::Refuse)
        .unwrap();
    assert_eq!(td.claims.tcb.status, TcbStatus::OutOfDate);
    assert_eq!(td.claims.tcb.advisory_ids.len(), 7);

    let log = fixture("go-tdx-guest/ccel_data.dat").unwrap();
    let rtmrs = quote.measurements().rtmrs.map(|rtmr| rtmr.0);
    assert_eq!(Ccel::parse(&log).unwrap().rtmrs(), rtmrs);
    // The ACPI table gives the log's length (LAML) after a header of 36 bytes, type, subtype and two reserved.
    let table = fixture("go-tdx-guest/ccel_table.dat").unwrap();
    assert!(table.starts_with(b"CCEL"));
    assert_eq!(table[40..48], (log.len() as u64).to_le_bytes());
}

/// Google's host sets `MR_OWNER` to a machine's identity where it sets it at all. On these it did not.
#[test]
fn no_quote_at_hand_names_an_owner() {
    for name in [
        GOOGLE,
        "go-tdx-guest/cos-113-tdx-quote.dat",
        "dcap-qvl/samples/tdx_quote",
        "dcap-qvl/samples/tdx_quote_td15ex",
    ] {
        let Some(bytes) = fixture(name) else { return };
        assert_eq!(TdQuote::parse(&bytes).unwrap().owner(), &[0; 48], "{name}");
    }
}

#[test]
fn google_tdx_firmware_logs_the_images_it_loads_under_pcr_2() {
    for name in ["openpcc/test_tcg_event_log.pem.der", "dstack/tpm_eventlog.bin"] {
        let Some(bytes) = fixture(name) else { return };
        let log = TcgLog::parse(&bytes).unwrap();
        let of_type = |name: &str| {
            let events = log.events().iter();
            events
                .filter(|event| event.event_type.name() == Some(name))
                .map(|event| event.register)
                .collect::<Vec<_>>()
        };
        // The specification has them in PCR 5 and 4.
        assert_eq!(of_type("EV_EFI_GPT_EVENT"), [2], "{name}");
        let images = of_type("EV_EFI_BOOT_SERVICES_APPLICATION");
        assert_eq!(images[0], 2, "{name}");
        // What shim loads it measures itself, as specified.
        assert!(images[1..].iter().all(|pcr| [2, 4].contains(pcr)), "{name}");
    }
}

#[test]
fn the_dstack_logs_are_of_two_machines() {
    let (Some(tpm), Some(ccel)) = (fixture("dstack/tpm_eventlog.bin"), fixture("dstack/ccel.bin")) else {
        return;
    };
    let tpm = tpm_measured(&TcgLog::parse(&tpm).unwrap()).unwrap();
    let td = td_measured(&Ccel::parse(&ccel).unwrap());
    let result = cross_check(&tpm, &td, &Exceptions::default());
    assert_eq!(result.classes.len(), Class::ALL.len());
    assert!(result.classes.iter().all(|(_, class)| class.is_err()));
}

#[test]
fn the_cos_85_pcr_digest_is_sha_256_in_every_bank() {
    for (bank, len) in [("sha1", 20), ("sha256", 32), ("sha384", 48)] {
        let file = |suffix| fixture(&format!("go-tpm-tools/gce-cos-85-nonce9009.pb.{bank}.{suffix}"));
        let (Some(attest), Some(pcrs)) = (file("attest"), file("pcrs.txt")) else {
            return;
        };
        let pcrs = String::from_utf8(pcrs).unwrap();
        let values: Vec<_> = pcrs
            .lines()
            .map(|line| hex::decode(line.split_once(' ').unwrap().1).unwrap())
            .collect();
        assert!(values.iter().all(|value| value.len() == len));
        let attest = Attest::parse(&attest).unwrap();
        let quote = attest.quote().unwrap();
        assert_eq!(quote.extra_data[..], [0x90, 0x09]);
        assert_eq!(quote.pcr_digest[..], *sha256(&values.concat()), "{bank}");
    }
}

#[test]
fn ek_and_ak_certificates_have_one_shape() {
    for name in ["pca_tpm_ecc", "pca_tpm_rsa", "uca_tpm_ecc", "uca_tpm_rsa"] {
        let read = |usage: &str| fixture(&format!("go-tpm-tools/certificates/{name}_{usage}_cert.pem"));
        let (Some(ak), Some(ek)) = (read("sign"), read("enc")) else {
            return;
        };
        let [ak, ek] = [pem(&ak), pem(&ek)];
        let [ak, ek] = [&ak, &ek].map(|der| X509Certificate::from_der(der).unwrap().1);
        assert_eq!(ak.issuer().as_raw(), ek.issuer().as_raw(), "{name}");
        assert_eq!(ak.public_key().algorithm, ek.public_key().algorithm, "{name}");
        assert_ne!(ak.public_key().raw, ek.public_key().raw, "{name}");
        let shape = |certificate: &X509Certificate<'_>| {
            let extensions = certificate.extensions().iter();
            extensions
                .map(|extension| (extension.oid.to_id_string(), extension.critical))
                .collect::<Vec<_>>()
        };
        assert_eq!(shape(&ak), shape(&ek), "{name}");
        let signs = |certificate: &X509Certificate<'_>| {
            let usage = certificate.key_usage().unwrap().unwrap();
            usage.value.digital_signature()
        };
        assert!(signs(&ak) && !signs(&ek), "{name}");
    }
}

/// Hard for others: the older GRUB names its events otherwise, and without Secure Boot PCR 7 shows no authority of `db`.
#[test]
fn the_hard_logs_replay() {
    for (name, told) in [
        ("ubuntu-2104-no-secure-boot", "Secure Boot: off"),
        ("rhel8-uefi", "boot loader: grub_linuxefi Kernel"),
    ] {
        let Some(bytes) = fixture(&format!("go-tpm-tools/eventlogs/{name}.bin")) else {
            return;
        };
        let log = TcgLog::parse(&bytes).unwrap();
        let mut events = log.events().iter();
        assert!(events.any(|event| event.describe() == told), "{name}");
        assert_eq!(log.banks().len(), 3, "{name}");
        for bank in log.banks() {
            assert!((0..=9).all(|pcr| bank.had_events(pcr)), "{name}");
        }
    }
}

#[test]
fn the_root_list_lives_seven_days() {
    let Some(der) = fixture("automata-tpm-attestation/gcp_root_ca_crl_0.der") else {
        return;
    };
    let (_, list) = CertificateRevocationList::from_der(&der).unwrap();
    let (from, to) = (
        list.last_update().timestamp(),
        list.next_update().unwrap().timestamp(),
    );
    assert_eq!(to - from, 7 * 86_400);
    assert_eq!(list.iter_revoked_certificates().count(), 0);
}

/// An authority's certificate cannot end a chain, so that the signature is verified by itself.
#[test]
fn azures_root_signed_both_intermediates() {
    let Some(root) = fixture("openpcc/azure_tpm_root_2023.pem") else {
        return;
    };
    let root = pem(&root);
    let (_, root) = X509Certificate::from_der(&root).unwrap();
    let key = &root.public_key().subject_public_key.data;
    let signed = |certificate: &X509Certificate<'_>| {
        let key = ring::signature::UnparsedPublicKey::new(&ring::signature::RSA_PKCS1_2048_8192_SHA384, key);
        key.verify(
            certificate.tbs_certificate.as_ref(),
            &certificate.signature_value.data,
        )
    };
    signed(&root).unwrap();
    for (number, not_after) in [("01", 1_762_192_384), ("03", 1_808_589_677)] {
        let der = pem(&fixture(&format!("openpcc/azure_tpm_intermediate_{number}.pem")).unwrap());
        let (_, certificate) = X509Certificate::from_der(&der).unwrap();
        signed(&certificate).unwrap();
        assert_eq!(certificate.issuer().as_raw(), root.subject().as_raw());
        assert_eq!(
            certificate.subject().to_string(),
            format!("CN=Global Virtual TPM CA - {number}")
        );
        assert_eq!(certificate.validity().not_after.timestamp(), not_after);
    }
}

#[test]
fn the_outdated_quote_matches_no_tcb_level() {
    let (Some(quote), Some(collateral)) = (
        fixture("dcap-qvl/samples/tdx_quote_outdated"),
        fixture("dcap-qvl/samples/tdx_quote_outdated_collateral.json"),
    ) else {
        return;
    };
    let collateral = collateral_of(&collateral);
    let quote = TdQuote::parse(&quote).unwrap();
    let error = quote
        .verify(&collateral, None, 1_772_000_000, DebugTd::Refuse)
        .unwrap_err();
    assert_eq!(error, "No matching TCB level found");
}

#[test]
fn every_other_sample_is_a_td_quote() {
    for name in ["quote-from-tappd.hex", "tdx-quote.hex"] {
        let Some(text) = fixture(&format!("dcap-qvl/samples/{name}")) else {
            return;
        };
        let text = String::from_utf8(text).unwrap();
        let bytes = hex::decode(text.trim().trim_start_matches("0x")).unwrap();
        assert!(!TdQuote::parse(&bytes).unwrap().is_debug(), "{name}");
    }
}

#[test]
fn all_64_cases_verify_or_fail_for_the_expected_reason() {
    let Some(root) = fixture("dcap-qvl/cases/certs/root_ca.der") else {
        return;
    };
    let cases = cases();
    assert_eq!(cases.len(), 64);
    let mut tds = 0;
    for case in cases {
        let read = |name: &str| fixture(&format!("dcap-qvl/cases/samples/{case}/{name}")).unwrap();
        let expected: Value = serde_json::from_slice(&read("expected.json")).unwrap();
        let (quote, collateral) = (read("quote.bin"), collateral_of(&read("collateral.json")));
        let verdict = if let Ok(quote) = TdQuote::parse(&quote) {
            tds += 1;
            let td = quote.verify(&collateral, Some(&root), CASES_MADE, DebugTd::Refuse);
            td.map(|td| format!("{:?}", td.claims.tcb.status))
        } else {
            let verifier = QuoteVerifier::new(root.clone());
            let enclave = verifier.verify(&quote, &collateral, CASES_MADE);
            enclave
                .map(|report| report.status)
                .map_err(|error| format!("{error:#}"))
        };
        let text = |field: &str| expected[field].as_str().unwrap();
        match verdict {
            Ok(status) => {
                assert_eq!(expected["should_succeed"], true, "{case} verified");
                assert!(
                    ["", &status].contains(&text("expected_status")),
                    "{case}: {status}"
                );
            }
            Err(error) => {
                assert_eq!(expected["should_succeed"], false, "{case}: {error}");
                // `invalid_quote_v5` expects no more than these words.
                let error = format!("Verification failed: {error}");
                assert!(error.contains(text("expected_error")), "{case}: {error}");
            }
        }
    }
    // The others are enclaves' quotes, or none at all.
    assert_eq!(tds, 19);
}

fn cases() -> Vec<String> {
    let folder = common::root().unwrap().join("dcap-qvl/cases/samples");
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect()
}

/// YAML is a superset of JSON.
fn collateral_of(bytes: &[u8]) -> QuoteCollateralV3 {
    serde_saphyr::from_slice(bytes).unwrap()
}

/// Each row of a table: the first file it names, and the rest.
fn rows<'a>(text: &'a str, start: &str) -> Vec<(&'a str, &'a str)> {
    let rows = text.lines().filter_map(|line| line.strip_prefix(start));
    rows.map(|row| row.split_once('`').unwrap()).collect()
}

/// 2026-11-24: the cases' certificates are valid from the day before on.
const CASES_MADE: u64 = 1_795_478_400;
