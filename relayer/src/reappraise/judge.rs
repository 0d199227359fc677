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
