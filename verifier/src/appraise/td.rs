//! Is it a TD? Checks 101 to 106.

use alloy_primitives::B256;
use dcap_qvl::TcbLevel;

use super::checks::Checks;
use crate::{
    Check, CheckId, Endorsements, HexBytes, Policy, Tcb, platform_id,
    td::{DebugTd, TdQuote, VerifiedTd},
};

/// What the rest of the appraisal needs of a verified TD quote.
pub(super) struct Td {
    pub(super) verified: Option<VerifiedTd>,
    pub(super) tcb: Option<Tcb>,
    /// By which CPU the quote was made; zero where none verified.
    pub(super) platform: B256,
}

pub(super) fn check(
    quote: &TdQuote<'_>,
    endorsements: &Endorsements,
    policy: &Policy,
    as_of: u64,
    checks: &mut Checks,
) -> Td {
    let verified = verify(quote, endorsements, policy, as_of);
    let quote_check = match &verified {
        Ok(td) => Check::pass(
            CheckId::TdQuote,
            "signatures, certificates, CRLs and QE identity verify",
        )
        .fact("fmspc", hex::encode(td.claims.platform.pck.fmspc))
        .fact("pckCrl", td.claims.platform.pck_crl_num)
        .fact("rootCrl", td.claims.platform.root_ca_crl_num),
        Err(reason) => Check::fail(CheckId::TdQuote, reason),
    };
    // Under another root than Intel's, `dcap-qvl` does not say whether it is the root that something failed by.
    let by_root = policy.danger_intel_root.is_some() && endorsements.tdx_collateral.is_some();
    checks.push(if by_root {
        quote_check.by("danger_intel_root")
    } else {
        quote_check
    });
    checks.push(if quote.is_debug() {
        Check::fail(
            CheckId::TdDebug,
            "the TD is in debug mode: its host can read its memory",
        )
    } else {
        Check::pass(CheckId::TdDebug, "debug and profiling are off")
    });
    let Ok(td) = verified else {
        for id in [
            CheckId::TdTcb,
            CheckId::TdPceId,
            CheckId::TdEvaluation,
            CheckId::TdPlatform,
        ] {
            checks.push(Check::not_applicable(id, "no quote verified"));
        }
        return Td {
            verified: None,
            tcb: None,
            platform: B256::ZERO,
        };
    };
    let tcb = Tcb::from_intel(td.claims.tcb.status);
    checks.push(tcb_check(&td, tcb, policy));
    checks.push(pce_check(&td));
    checks.push(evaluation_check(&td, policy));
    let platform = platform_id(&td.claims.platform.pck.ppid);
    checks.push(platform_check(&td, platform, policy));
    Td {
        verified: Some(td),
        tcb,
        platform,
    }
}

fn verify(
    quote: &TdQuote<'_>,
    endorsements: &Endorsements,
    policy: &Policy,
    as_of: u64,
) -> Result<VerifiedTd, String> {
    let collateral = endorsements
        .tdx_collateral
        .as_ref()
        .ok_or("no Intel collateral among the endorsements")?;
    let root = policy.danger_intel_root.as_deref();
    quote.verify(collateral, root, as_of, DebugTd::CallerChecks)
}

/// `dcap-qvl` verifies an out-of-date platform without complaint: here it is decided.
fn tcb_check(td: &VerifiedTd, tcb: Option<Tcb>, policy: &Policy) -> Check {
    let claimed = &td.claims.tcb;
    let advisories = advisories(
        &claimed.advisory_ids,
        td.claims.platform.current_tcb_level.as_ref(),
    );
    let rejected: Vec<_> = advisories.iter().filter(|id| policy.tcb.rejects(id)).collect();
    let check = match tcb {
        // Whatever the policy says.
        None => Check::fail(CheckId::TdTcb, "the platform's TCB is revoked"),
        Some(tcb) if !policy.tcb.accepted.contains(&tcb) => {
            let text = format!(
                "TCB status {} is not accepted; advisories: {advisories:?}",
                claimed.status
            );
            Check::fail(CheckId::TdTcb, text).by("tcb.accepted")
        }
        Some(_) if !rejected.is_empty() => Check::fail(
            CheckId::TdTcb,
            format!("the policy rejects advisories {rejected:?}"),
        )
        .by("tcb.rejected_advisories"),
        Some(_) => Check::pass(CheckId::TdTcb, format!("TCB status {}", claimed.status)).by("tcb.accepted"),
    };
    check
        .fact("status", claimed.status.to_string())
        .fact("advisories", advisories)
}

/// Those of `launched`, which is the platform's when the TD was launched and the quoting enclave's, and of what a TD 1.5 runs
/// on now. Of that, `dcap-qvl`'s verdict has the status only.
fn advisories(launched: &[String], current: Option<&TcbLevel>) -> Vec<String> {
    let mut all = launched.to_vec();
    for id in current.into_iter().flat_map(|level| &level.advisory_ids) {
        if !all.contains(id) {
            all.push(id.clone());
        }
    }
    all
}

/// `dcap-qvl` compares the FMSPC but never the `pceId`, and Intel issues collateral per pair.
fn pce_check(td: &VerifiedTd) -> Check {
    let quoted = hex::encode(&td.claims.platform.pck.pce_id);
    if quoted.eq_ignore_ascii_case(&td.collateral_pce_id) {
        Check::pass(CheckId::TdPceId, format!("PCE {quoted}")).fact("pceId", quoted)
    } else {
        let text = format!(
            "the collateral is for PCE {}, the quote's is {quoted}",
            td.collateral_pce_id
        );
        Check::fail(CheckId::TdPceId, text).fact("pceId", quoted)
    }
}

fn evaluation_check(td: &VerifiedTd, policy: &Policy) -> Check {
    let (number, least) = (
        td.claims.tcb.eval_data_number,
        policy.tcb.min_evaluation_data_number,
    );
    let check = if number >= least {
        Check::pass(CheckId::TdEvaluation, format!("number {number}"))
    } else {
        Check::fail(
            CheckId::TdEvaluation,
            format!("number {number}, the policy demands {least}: fetch new collateral"),
        )
    };
    check.fact("number", number).by("tcb.min_evaluation_data_number")
}

fn platform_check(td: &VerifiedTd, platform: B256, policy: &Policy) -> Check {
    let lists = &policy.platforms;
    let fmspc = HexBytes(td.claims.platform.pck.fmspc);
    let check = if lists.denied.contains(&platform) {
        Check::fail(CheckId::TdPlatform, format!("platform {platform} is denied")).by("platforms.denied")
    } else if !lists.accepted.is_empty() && !lists.accepted.contains(&platform) {
        Check::fail(
            CheckId::TdPlatform,
            format!("platform {platform} is not accepted"),
        )
        .by("platforms.accepted")
    } else if !lists.fmspcs.is_empty() && !lists.fmspcs.contains(&fmspc) {
        let text = format!("FMSPC {} is not accepted", hex::encode(fmspc.0));
        Check::fail(CheckId::TdPlatform, text).by("platforms.fmspcs")
    } else {
        Check::pass(CheckId::TdPlatform, format!("platform {platform}")).by("platforms")
    };
    check.fact("platformId", platform.to_string())
}

#[cfg(test)]
mod tests {
    use dcap_qvl::{Tcb, TcbStatus};

    use super::*;

    #[test]
    fn the_current_tcbs_advisories_count_too() {
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        let current = TcbLevel {
            tcb: Tcb {
                sgx_components: Vec::new(),
                tdx_components: Vec::new(),
                pce_svn: 0,
            },
            tcb_date: String::new(),
            tcb_status: TcbStatus::UpToDate,
            advisory_ids: ids(&["INTEL-SA-00002", "INTEL-SA-00003"]),
        };
        let launched = ids(&["INTEL-SA-00001", "INTEL-SA-00002"]);
        assert_eq!(advisories(&launched, None), launched);
        assert_eq!(
            advisories(&launched, Some(&current)),
            ["INTEL-SA-00001", "INTEL-SA-00002", "INTEL-SA-00003"]
        );
    }
}
