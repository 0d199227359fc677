//! Simulated quotes before the real verifier, `dcap-qvl`, with nothing switched off.

use chassis_sim::{
    Seed,
    intel::{CollateralSpec, Intel, OLD_SVNS, PckSpec, QuoteFormat, td_report},
};
use dcap_qvl::{
    QuoteClaims, QuoteCollateralV3, QuotePolicy, TcbStatus, quote::TDReport10, verify::QuoteVerifier,
};

const NOW: u64 = 1_790_000_000;
const DAY: u64 = 86_400;

#[test]
fn every_format_is_up_to_date() {
    let intel = intel();
    let platform = intel.platform(intel.pck_spec("a"));
    for format in [QuoteFormat::V4, QuoteFormat::V5Td10, QuoteFormat::V5Td15] {
        let quote = platform.quote(format, report());
        let claims = verify(&intel, &quote, collateral(&intel), NOW).unwrap();
        assert_eq!(claims.tcb.status, TcbStatus::UpToDate, "{format:?}");
        assert_eq!(claims.platform.pck.ppid, platform.spec.ppid);
        assert_eq!(claims.platform.pck.pce_id, [0, 0]);
        assert_eq!(
            claims.platform.pck.platform_instance_id,
            Some(platform.spec.platform_instance_id)
        );
        assert_eq!(claims.report.as_td10().unwrap(), &report());
        assert_eq!(claims.earliest_expiration_date, NOW + 29 * DAY);
        assert_eq!(
            (claims.platform.pck_crl_num, claims.platform.root_ca_crl_num),
            (1, 1)
        );
    }
}

#[test]
fn the_same_seed_gives_the_same_quote() {
    let quote = || {
        let intel = intel();
        intel
            .platform(intel.pck_spec("a"))
            .quote(QuoteFormat::V4, report())
    };
    assert_eq!(quote(), quote());
}

#[test]
fn intels_own_root_does_not_trust_the_simulation() {
    let intel = intel();
    let quote = intel
        .platform(intel.pck_spec("a"))
        .quote(QuoteFormat::V4, report());
    let policy = QuotePolicy::claims_only(NOW);
    let error = QuoteVerifier::new_prod()
        .verify_with_policy(&quote, collateral(&intel), NOW, &policy)
        .unwrap_err();
    assert!(format!("{error:?}").contains("root CA CRL"), "{error:?}");

    let other = Intel::new(Seed(8));
    assert_ne!(other.root_der(), intel.root_der());
    refused(
        &verify(&other, &quote, collateral(&other), NOW),
        "Failed to verify certificate chain",
    );
}

#[test]
fn a_debug_td_is_refused() {
    let debug = TDReport10 {
        td_attributes: ((1_u64 << 28) | 1).to_le_bytes(),
        ..report()
    };
    refused(&verify_report(&debug), "Debug mode is enabled");
}

#[test]
fn a_changed_report_is_refused() {
    let intel = intel();
    let mut quote = intel
        .platform(intel.pck_spec("a"))
        .quote(QuoteFormat::V4, report());
    quote[48 + 184 + 48] ^= 1;
    refused(
        &verify(&intel, &quote, collateral(&intel), NOW),
        "report signature is invalid",
    );
}

#[test]
fn another_ppid_is_another_platform() {
    let intel = intel();
    let genuine = intel.platform(intel.pck_spec("a"));
    let other = intel.platform(PckSpec {
        ppid: [7; 16],
        ..genuine.spec.clone()
    });
    let quote = other.quote(QuoteFormat::V4, report());
    let claims = verify(&intel, &quote, collateral(&intel), NOW).unwrap();
    assert_eq!(claims.platform.pck.ppid, [7; 16]);
}

#[test]
fn another_fmspc_is_refused() {
    refused(&verify_pck(|pck| pck.fmspc = [9; 6]), "Fmspc mismatch");
}

/// `dcap-qvl` never compares it: the product must.
#[test]
fn another_pce_id_passes_dcap_qvl_and_shows_in_the_claims() {
    let claims = verify_pck(|pck| pck.pce_id = [0, 1]).unwrap();
    assert_eq!(claims.platform.pck.pce_id, [0, 1]);
}

#[test]
fn an_old_tcb_is_out_of_date() {
    let claims = verify_pck(|pck| pck.cpu_svn = OLD_SVNS).unwrap();
    assert_eq!(claims.tcb.status, TcbStatus::OutOfDate);
    assert_eq!(claims.tcb.advisory_ids, ["INTEL-SA-01036", "INTEL-SA-01099"]);
    refused(
        &verify_pck(|pck| pck.cpu_svn = [0; 16]),
        "No matching TCB level found",
    );
}

#[test]
fn collateral_lowers_a_current_tcb() {
    let status = |status| verify_collateral(|collateral| collateral.status = status, NOW);
    assert_eq!(
        status(TcbStatus::OutOfDate).unwrap().tcb.status,
        TcbStatus::OutOfDate
    );
    assert_eq!(
        status(TcbStatus::SWHardeningNeeded).unwrap().tcb.status,
        TcbStatus::SWHardeningNeeded
    );
    refused(&status(TcbStatus::Revoked), "TCB status is invalid: Revoked");
}

#[test]
fn a_revoked_pck_is_refused() {
    let intel = intel();
    let revoked = vec![intel.pck_spec("a").ppid];
    refused(
        &verify_collateral(|collateral| collateral.revoked = revoked, NOW),
        "CertRevoked",
    );
}

#[test]
fn collateral_counts_only_in_its_time() {
    let at = |now| verify_collateral(|_| (), now);
    refused(&at(NOW + 30 * DAY), "Expired");
    refused(&at(NOW - 2 * DAY), "issue date is in the future");
    assert!(at(NOW + 28 * DAY).is_ok());
}

fn intel() -> Intel {
    Intel::new(Seed(7))
}

fn report() -> TDReport10 {
    TDReport10 {
        report_data: [0xda; 64],
        ..td_report()
    }
}

fn collateral(intel: &Intel) -> QuoteCollateralV3 {
    intel.collateral(&CollateralSpec::fresh(intel.pck_spec("a").fmspc, NOW))
}

fn verify(
    intel: &Intel,
    quote: &[u8],
    collateral: QuoteCollateralV3,
    now: u64,
) -> anyhow::Result<QuoteClaims> {
    let policy = QuotePolicy::claims_only(now);
    QuoteVerifier::new(intel.root_der()).verify_with_policy(quote, collateral, now, &policy)
}

fn verify_report(report: &TDReport10) -> anyhow::Result<QuoteClaims> {
    let intel = intel();
    let quote = intel
        .platform(intel.pck_spec("a"))
        .quote(QuoteFormat::V4, *report);
    verify(&intel, &quote, collateral(&intel), NOW)
}

fn verify_pck(change: impl FnOnce(&mut PckSpec)) -> anyhow::Result<QuoteClaims> {
    let intel = intel();
    let mut spec = intel.pck_spec("a");
    change(&mut spec);
    let quote = intel.platform(spec).quote(QuoteFormat::V4, report());
    verify(&intel, &quote, collateral(&intel), NOW)
}

fn verify_collateral(change: impl FnOnce(&mut CollateralSpec), now: u64) -> anyhow::Result<QuoteClaims> {
    let intel = intel();
    let quote = intel
        .platform(intel.pck_spec("a"))
        .quote(QuoteFormat::V4, report());
    let mut spec = CollateralSpec::fresh(intel.pck_spec("a").fmspc, NOW);
    change(&mut spec);
    verify(&intel, &quote, intel.collateral(&spec), now)
}

fn refused(result: &anyhow::Result<QuoteClaims>, why: &str) {
    let error = format!("{:?}", result.as_ref().expect_err("refused"));
    assert!(error.contains(why), "{error}");
}
