//! Checks 306, 307 and 1003: a paravisor between hardware and guest.
//!
//! The paravisor chooses the TD's report data, so what other TDs say there, this one says one step further: the quote names
//! the variable data, and those the user data that the guest chose. See [`crate::hcl`] for what that does not prove.

use super::{checks::Checks, tpm::Tpm};
use crate::{Check, CheckId, ParavisorReach, Policy, hcl::HclReport, td::TdQuote};

pub(super) fn check(
    hcl: Option<&HclReport<'_>>,
    quote: &TdQuote<'_>,
    tpm: Option<&Tpm<'_>>,
    policy: &Policy,
    checks: &mut Checks,
) {
    let Some(hcl) = hcl else {
        for id in [CheckId::HclReport, CheckId::HclAk, CheckId::Paravisor] {
            checks.push(Check::not_applicable(id, "no paravisor"));
        }
        return;
    };
    checks.push(Check::from_result(
        CheckId::HclReport,
        hcl.check_binding(quote.report_data()),
        "report_data is the hash of the variable data",
    ));
    checks.push(match tpm {
        Some(tpm) => Check::from_result(
            CheckId::HclAk,
            hcl.check_ak(&tpm.ak),
            "the variable data name this key",
        ),
        None => Check::not_applicable(CheckId::HclAk, "no TPM evidence"),
    });
    checks.push(
        match policy.paravisor_reaches {
            ParavisorReach::None => Check::fail(
                CheckId::Paravisor,
                "the policy lets no paravisor stand between hardware and workload",
            ),
            ParavisorReach::Quote => {
                Check::pass(CheckId::Paravisor, "with a paravisor, binding is at most Quote")
            }
        }
        .by("paravisor_reaches"),
    );
}
