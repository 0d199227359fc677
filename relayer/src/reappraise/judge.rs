//! What an appraisal with newer endorsements means for an attestation that is on chain.

use chassis_verifier::{Appraisal, Check, CheckId};
use serde::Serialize;

use super::Trigger;
use crate::registry::IProofOfCloudRegistry::Attestation;

/// What was found against an attestation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Findings {
    /// Why. Empty: it would be attested so today.
    pub(super) reasons: Vec<Reason>,
    /// Whether it would not be attested at all.
    pub(super) fails: bool,
    /// What is so bad that it may have to be stopped.
    pub(super) triggers: Vec<Trigger>,
}

/// One reason, as operators are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Reason {
    /// The check's id; 0 where no check failed but a level fell.
    id: u16,
    /// The check's name, or the level's.
    name: &'static str,
    /// For people.
    detail: String,
}

/// Compares an appraisal with what is on chain.
pub(super) fn judge(appraisal: &Appraisal, stored: &Attestation) -> Findings {
    let mut reasons: Vec<_> = appraisal.failed().map(Reason::of).collect();
    let fails = !appraisal.is_attestable();
    if reasons.is_empty() {
        let result = &appraisal.result;
        // Of the TCB, more is worse.
        let fell = [
            (
                "binding",
                stored.binding,
                result.binding,
                result.binding < stored.binding,
            ),
            (
                "custody",
                stored.custody,
                result.custody,
                result.custody < stored.custody,
            ),
            ("tcb", stored.tcb, result.tcb, result.tcb > stored.tcb),
        ];
        let fell = fell.into_iter().filter(|(.., fell)| *fell);
        reasons.extend(fell.map(|(name, before, now, _)| Reason {
            id: 0,
            name,
            detail: format!("on chain {before}, today {now}"),
        }));
    }
    let mut triggers: Vec<_> = appraisal.failed().filter_map(trigger).collect();
    triggers.sort_unstable();
    Findings {
        reasons,
        fails,
        triggers,
    }
}

impl Reason {
    fn of(check: &Check) -> Self {
        Self {
            id: check.id as u16,
            name: check.id.name(),
            detail: check.detail.clone(),
        }
    }
}

/// `dcap-qvl` and webpki say that something is revoked in words only; a test holds them to these.
fn trigger(check: &Check) -> Option<Trigger> {
    let detail = check.detail.to_ascii_lowercase();
    let says_revoked = detail.contains("revoked");
    match check.id {
        CheckId::TdTcb if says_revoked => Some(Trigger::TcbRevoked),
        CheckId::TdQuote if detail.contains("tcb status is invalid: revoked") => Some(Trigger::TcbRevoked),
        CheckId::TdQuote if says_revoked => Some(Trigger::PckRevoked),
        CheckId::AkChain if says_revoked => Some(Trigger::AkRevoked),
        CheckId::HostRegistry => Some(Trigger::HostUnlisted),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{Address, B256, aliases::U40};
    use chassis_verifier::{AttestationResult, Binding, CustodyLevel, Verdict};

    use super::*;
    use crate::registry::IProofOfCloudRegistry::Status;

    /// What an appraisal of a machine says that passed everything, with these checks instead.
    fn appraisal(checks: Vec<Check>) -> Appraisal {
        Appraisal {
            checks,
            verdict: Verdict {
                binding: Binding::VirtualTpm,
                custody: CustodyLevel::Automated,
                tcb: 1,
                key_in_td: false,
                expiry: 0,
                ttl: 0,
                custody_expiry: 0,
            },
            result: AttestationResult {
                operator: Address::ZERO,
                platformId: B256::ZERO,
                instanceId: B256::ZERO,
                workloadId: B256::ZERO,
                measurementsHash: B256::ZERO,
                sessionKeyHash: B256::ZERO,
                evidenceDigest: B256::ZERO,
                checksRoot: B256::ZERO,
                policyDigest: B256::ZERO,
                endorsementsDigest: B256::ZERO,
                asOf: U40::ZERO,
                evidenceTime: U40::ZERO,
                expiry: U40::ZERO,
                provider: 1,
                teeClass: 1,
                binding: 2,
                custody: 2,
                tcb: 1,
                flags: 0,
            },
        }
    }

    fn stored(binding: u8, custody: u8, tcb: u8) -> Attestation {
        Attestation {
            binding,
            custody,
            tcb,
            status: Status::Active,
            teeClass: 1,
            flags: 0,
            provider: 1,
            statusNonce: 0,
            ttl: 0,
            evidenceTime: U40::ZERO,
            attestedSince: U40::ZERO,
            expiry: U40::ZERO,
            lane: 0,
            generation: 0,
            platformId: B256::ZERO,
            workloadId: B256::ZERO,
        }
    }

    #[test]
    fn what_would_be_attested_as_high_is_fine() {
        let pass = appraisal(vec![Check::pass(CheckId::TdTcb, "")]);
        for level in [stored(2, 2, 1), stored(1, 0, 3)] {
            let findings = judge(&pass, &level);
            assert!(findings.reasons.is_empty() && !findings.fails && findings.triggers.is_empty());
        }
    }

    #[test]
    fn a_level_that_falls_is_told_and_bars_nothing() {
        for (level, name) in [
            (stored(3, 2, 1), "binding"),
            (stored(2, 3, 1), "custody"),
            (stored(2, 2, 0), "tcb"),
        ] {
            let findings = judge(&appraisal(Vec::new()), &level);
            assert_eq!((findings.reasons.len(), findings.reasons[0].name), (1, name));
            assert!(!findings.fails);
        }
    }

    #[test]
    fn every_failed_check_is_a_reason() {
        let failed = [CheckId::TdTcb, CheckId::HostRegistry].map(|id| Check::fail(id, "no"));
        let findings = judge(&appraisal(failed.into()), &stored(2, 2, 1));
        let names: Vec<_> = findings.reasons.iter().map(|reason| reason.name).collect();
        assert_eq!(names, ["td.tcb", "custody.host_registry"]);
        assert!(findings.fails);
        assert_eq!(findings.triggers, [Trigger::HostUnlisted]);
    }

    #[test]
    fn only_what_is_revoked_or_unlisted_is_so_bad() {
        let cases = [
            (
                CheckId::TdTcb,
                "the platform's TCB is revoked",
                Some(Trigger::TcbRevoked),
            ),
            (CheckId::TdTcb, "TCB status OutOfDate is not accepted", None),
            (
                CheckId::TdQuote,
                "TCB status is invalid: Revoked",
                Some(Trigger::TcbRevoked),
            ),
            (
                CheckId::TdQuote,
                "PCK certificate: CertRevoked",
                Some(Trigger::PckRevoked),
            ),
            (CheckId::TdQuote, "TCB info expired", None),
            (
                CheckId::AkChain,
                "a certificate on the path is revoked",
                Some(Trigger::AkRevoked),
            ),
            (CheckId::AkChain, "unknown issuer", None),
            (CheckId::Workload, "revoked", None),
        ];
        for (id, detail, expected) in cases {
            assert_eq!(trigger(&Check::fail(id, detail)), expected, "{detail}");
        }
    }
}
