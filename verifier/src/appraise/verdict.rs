//! What the checks add up to: two verdicts that never become one, and for how long they hold.

use super::{checks::all_passed, custody::Custody};
use crate::{Binding, Check, CheckId, CustodyLevel, Outcome, Policy, Verdict};

/// Without every one of these a TD quote proves nothing about this operator, now.
const QUOTE: &[CheckId] = &[
    CheckId::TdQuote,
    CheckId::TdTcb,
    CheckId::TdDebug,
    CheckId::TdPceId,
    CheckId::TdEvaluation,
    CheckId::TdPlatform,
    CheckId::Anchor,
    CheckId::Age,
    CheckId::ReportData,
    CheckId::Consent,
];

/// Where a paravisor stands in between, these must not have failed either.
const PARAVISOR: &[CheckId] = &[CheckId::HclReport, CheckId::HclAk, CheckId::Paravisor];

/// With every one of these too, the TD quote and the vTPM's quote come from one machine that runs a reviewed workload.
const VIRTUAL_TPM: &[CheckId] = &[
    CheckId::Parts,
    CheckId::QualifyingData,
    CheckId::TpmQuoteForm,
    CheckId::TpmSignature,
    CheckId::TpmSelection,
    CheckId::TpmPcrDigest,
    CheckId::AkAttributes,
    CheckId::AkChain,
    CheckId::AkKeyUsage,
    CheckId::AkKey,
    CheckId::AkInstance,
    CheckId::PcrReplay,
    CheckId::RtmrReplay,
    CheckId::CrossConfiguration,
    CheckId::CrossLoader,
    CheckId::CrossSystem,
    CheckId::Pcr0,
    CheckId::Workload,
    CheckId::Sealed,
];

/// With every one of these too, a host that launched a reviewed stack answers for the TD by its discrete TPM.
const CHASSIS: &[CheckId] = &[
    CheckId::Parts,
    CheckId::QualifyingData,
    CheckId::TpmQuoteForm,
    CheckId::TpmSignature,
    CheckId::TpmSelection,
    CheckId::TpmPcrDigest,
    CheckId::AkAttributes,
    CheckId::RtmrReplay,
    CheckId::HostPcrs,
    CheckId::HostLog,
    CheckId::HostAkPolicy,
    CheckId::HostAk,
    CheckId::HostStack,
    CheckId::Workload,
];

/// A host's key may be vouched for in two ways; what is asked of the one that is taken must not have failed.
const HOST_KEY: &[CheckId] = &[
    CheckId::AkChain,
    CheckId::AkKeyUsage,
    CheckId::AkKey,
    CheckId::HostPlatform,
];

/// Dates that bound the verdict, Unix seconds.
pub(super) struct Dates {
    pub(super) as_of: u64,
    pub(super) evidence_time: u64,
    /// First expiry among Intel's collateral; `None` where no quote verified.
    pub(super) collateral: Option<u64>,
    /// First `notAfter` in the AK's chain; `None` where there is none.
    pub(super) ak_chain: Option<u64>,
    /// First end among the custody claims that have one.
    pub(super) custody: Option<u64>,
}

fn any_fails(checks: &[Check], ids: &[CheckId]) -> bool {
    checks
        .iter()
        .any(|check| ids.contains(&check.id) && check.outcome == Outcome::Fail)
}

pub(super) fn verdict(
    checks: &[Check],
    custody: &Custody<'_>,
    tcb: u8,
    key_in_td: bool,
    policy: &Policy,
    dates: &Dates,
) -> Verdict {
    let binding = if !all_passed(checks, QUOTE) || any_fails(checks, PARAVISOR) {
        Binding::None
    } else if all_passed(checks, CHASSIS) && !any_fails(checks, HOST_KEY) {
        Binding::Chassis
    } else if all_passed(checks, VIRTUAL_TPM) {
        Binding::VirtualTpm
    } else {
        Binding::Quote
    };
    let (custody, voucher) = match binding {
        Binding::None => (CustodyLevel::None, None),
        // What rests on the AK ends with whoever vouches for it.
        Binding::VirtualTpm | Binding::Chassis if custody.by_ak > custody.by_cpu => {
            (custody.by_ak, dates.ak_chain)
        }
        Binding::Quote | Binding::VirtualTpm | Binding::Chassis => (custody.by_cpu, None),
    };
    let held = dates.as_of.saturating_add(policy.custody_ttl.into());
    let ends = [Some(held), dates.custody, voucher];
    let custody_expiry = floor64(ends.into_iter().flatten().min().unwrap_or(0));
    let bounds = [
        Some(dates.evidence_time.saturating_add(policy.binding_ttl.into())),
        Some(custody_expiry),
        dates.collateral,
        dates.ak_chain,
    ];
    let expiry = match binding {
        Binding::None => 0,
        _ => floor64(bounds.into_iter().flatten().min().unwrap_or(0)),
    };
    Verdict {
        binding,
        custody,
        tcb: if binding == Binding::None { 0 } else { tcb },
        key_in_td: key_in_td && binding >= Binding::VirtualTpm,
        expiry,
        ttl: policy.binding_ttl,
        custody_expiry,
    }
}

/// The registry counts in units of 64 s.
fn floor64(time: u64) -> u64 {
    time & !63
}

#[cfg(test)]
mod tests {
    use super::*;
    use CustodyLevel::{Automated, Witnessed};

    /// What is left where this check of a vTPM's evidence fails. By its number, not by the lists above, or one that falls out
    /// of them would not be missed.
    fn left_of_virtual_tpm(id: CheckId) -> Binding {
        match id as u16 {
            101..=106 | 201..=203 | 205 | 306 | 307 | 1003 => Binding::None,
            204 | 301..=305 | 401..=404 | 501..=502 | 601..=604 | 902 | 1001 | 1002 => Binding::Quote,
            _ => Binding::VirtualTpm,
        }
    }

    /// The same of a host's.
    fn left_of_chassis(id: CheckId) -> Binding {
        match id as u16 {
            101..=106 | 201..=203 | 205 | 306 | 307 | 1003 => Binding::None,
            204 | 301..=305 | 401..=403 | 502 | 701..=706 | 902 | 1001 => Binding::Quote,
            _ => Binding::Chassis,
        }
    }

    /// One that fails is enough, and so is one that did not run, unless it is asked of some evidence only.
    #[test]
    fn each_check_by_itself_lowers_the_binding() {
        let policy = Policy::from_toml("version = 1\nname = \"n\"").unwrap();
        let dates = Dates {
            as_of: 64_000,
            evidence_time: 64_000,
            collateral: None,
            ak_chain: None,
            custody: None,
        };
        let custody = Custody {
            by_cpu: CustodyLevel::None,
            by_ak: CustodyLevel::None,
            provider: None,
            until: None,
        };
        let binding = |checks: &[Check]| verdict(checks, &custody, 1, false, &policy, &dates).binding;
        let paravisor = [306, 307, 1003];
        let virtual_tpm = (
            [&paravisor[..], &[701, 702, 703, 704, 705, 706]].concat(),
            Binding::VirtualTpm,
            left_of_virtual_tpm as fn(CheckId) -> Binding,
        );
        let chassis = (
            [
                &paravisor[..],
                &[401, 402, 403, 404, 501, 601, 602, 603, 604, 705, 1002],
            ]
            .concat(),
            Binding::Chassis,
            left_of_chassis as fn(CheckId) -> Binding,
        );
        for (unasked, whole, left) in [virtual_tpm, chassis] {
            let unasked = |id: CheckId| unasked.contains(&(id as u16));
            let with = |id: CheckId, put: Option<Check>| {
                let others = CheckId::ALL
                    .iter()
                    .filter(|other| **other != id && !unasked(**other));
                let checks: Vec<_> = others.map(|id| Check::pass(*id, "")).chain(put).collect();
                binding(&checks)
            };
            for &id in CheckId::ALL {
                assert_eq!(with(id, Some(Check::pass(id, ""))), whole, "{id:?}");
                assert_eq!(with(id, Some(Check::fail(id, ""))), left(id), "{id:?}");
                let without = if unasked(id) { whole } else { left(id) };
                assert_eq!(with(id, None), without, "{id:?}");
                assert_eq!(with(id, Some(Check::not_applicable(id, ""))), without, "{id:?}");
            }
        }
    }

    /// Its quote proves nothing, so the level that it names does not either. Nor is a key known to be in a TD that is not bound.
    #[test]
    fn of_evidence_that_is_not_bound_neither_level_nor_key_is_told() {
        let policy = Policy::from_toml("version = 1\nname = \"n\"").unwrap();
        let dates = Dates {
            as_of: 64_000,
            evidence_time: 64_000,
            collateral: None,
            ak_chain: None,
            custody: None,
        };
        let custody = Custody {
            by_cpu: CustodyLevel::None,
            by_ak: CustodyLevel::None,
            provider: None,
            until: None,
        };
        let ids = QUOTE.iter().chain(VIRTUAL_TPM);
        let checks: Vec<_> = ids.map(|id| Check::pass(*id, "")).collect();
        for (made, binding, tcb, key_in_td) in [
            (&checks[..], Binding::VirtualTpm, 3, true),
            (&checks[..QUOTE.len()], Binding::Quote, 3, false),
            (&checks[1..], Binding::None, 0, false),
        ] {
            let verdict = verdict(made, &custody, 3, true, &policy, &dates);
            let said = (verdict.binding, verdict.tcb, verdict.key_in_td);
            assert_eq!(said, (binding, tcb, key_in_td));
        }
    }

    /// A platform's entry outlives the attestation that brought it, so it must not outlive what it rests on.
    #[test]
    fn custody_by_an_ak_ends_with_the_aks_chain() {
        let policy = Policy::from_toml("version = 1\nname = \"n\"").unwrap();
        let dates = Dates {
            as_of: 64_000,
            evidence_time: 64_000,
            collateral: None,
            ak_chain: Some(70_400),
            custody: None,
        };
        let ids = QUOTE.iter().chain(VIRTUAL_TPM);
        let checks: Vec<_> = ids.map(|id| Check::pass(*id, "")).collect();
        let end = |by_cpu, by_ak, checks: &[Check]| {
            let custody = Custody {
                by_cpu,
                by_ak,
                provider: None,
                until: None,
            };
            let verdict = verdict(checks, &custody, 1, false, &policy, &dates);
            (verdict.custody, verdict.custody_expiry)
        };
        let week = (64_000 + 7 * 86_400) & !63;
        assert_eq!(end(CustodyLevel::None, Automated, &checks), (Automated, 70_400));
        assert_eq!(end(Witnessed, Automated, &checks), (Automated, 70_400));
        // A claim about the CPU has its own end.
        assert_eq!(end(Automated, Automated, &checks), (Automated, week));
        // Without the binding, nothing rests on the AK.
        let unbound = &checks[..QUOTE.len()];
        assert_eq!(end(Witnessed, Automated, unbound), (Witnessed, week));
    }

    /// Each of what bounds an attestation is the first to end once.
    #[test]
    fn an_attestation_ends_with_whatever_ends_first() {
        const AS_OF: u64 = 1_000_030;
        const EVIDENCE: u64 = 999_001;
        let mut policy = Policy::from_toml("version = 1\nname = \"n\"").unwrap();
        let ids = QUOTE.iter().chain(VIRTUAL_TPM);
        let checks: Vec<_> = ids.map(|id| Check::pass(*id, "")).collect();
        let expiry = |policy: &Policy, collateral, ak_chain, until| {
            let dates = Dates {
                as_of: AS_OF,
                evidence_time: EVIDENCE,
                collateral,
                ak_chain,
                custody: until,
            };
            let custody = Custody {
                by_cpu: Automated,
                by_ak: CustodyLevel::None,
                provider: None,
                until,
            };
            verdict(&checks, &custody, 1, false, policy, &dates).expiry
        };
        let (sooner, later) = (Some(AS_OF + 4_000), Some(AS_OF + 90_000));
        let by_sooner = 1_004_030 / 64 * 64;
        assert_eq!(expiry(&policy, None, None, None), 1_085_401 / 64 * 64);
        assert_eq!(expiry(&policy, later, later, later), 1_085_401 / 64 * 64);
        assert_eq!(expiry(&policy, sooner, later, later), by_sooner);
        assert_eq!(expiry(&policy, later, sooner, later), by_sooner);
        assert_eq!(expiry(&policy, later, later, sooner), by_sooner);
        policy.custody_ttl = 500;
        assert_eq!(expiry(&policy, sooner, sooner, later), 1_000_530 / 64 * 64);
    }
}
