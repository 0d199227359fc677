//! Single events, in the terms of whom they are about.

use alloy::primitives::{Address, B256};
use serde::{Serialize, Serializer};

use super::{Batch, Place, PolicyChange, Standing, Switch};
use crate::{
    registry::{
        IProofOfCloudRegistry::{Item, SkipReason, Status},
        status_name,
    },
    replay::Subject,
};

/// Something happened.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Happening {
    /// Where it stands in the log.
    pub at: Place,
    /// In which batch, if in one.
    pub batch: Option<u64>,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "kind")]
pub enum What {
    /// An operator was granted.
    Granted(Box<Granted>),
    /// An operator was renewed.
    Renewed {
        /// Whom.
        operator: Address,
        /// The digest of its attestation result.
        digest: B256,
        /// The new expiry.
        expiry: u64,
    },
    /// An item of a report was not applied.
    Skipped {
        /// Which kind: `platform`, `grant` or `renewal`.
        #[serde(serialize_with = "as_text::item")]
        item: Item,
        /// Whose. `None`: a lane that nobody has.
        #[serde(serialize_with = "as_text::subject_if_any")]
        subject: Option<Subject>,
        /// Why.
        #[serde(serialize_with = "as_text::skip_reason")]
        reason: SkipReason,
    },
    /// A platform was entered.
    Entered {
        /// Which.
        platform: B256,
        /// Whose it is.
        provider: u16,
        /// 0 None, 1 Witnessed, 2 Automated.
        custody: u8,
        /// When custody expires.
        custody_expiry: u64,
    },
    /// An operator lost time because its platform's entry was lowered.
    Cut {
        /// Who.
        operator: Address,
        /// The platform.
        platform: B256,
        /// What remains of its lane; 0 = nothing.
        expiry: u64,
    },
    /// A freeze, a revocation, a deregistration, or the lifting of one.
    StatusChanged(StatusChange),
    /// A pause, a provider's freeze, their end, or a new relayer set.
    Switched(Switch),
    /// A report was applied; what it did stands before.
    Posted(Batch),
    /// A policy was registered or retired.
    Policy(PolicyChange),
    /// A relayer was disabled.
    Disabled {
        /// Who.
        relayer: Address,
        /// In which set.
        set: u32,
        /// By whom.
        by: By,
        /// Why, in the actor's own numbers.
        reason: u16,
        /// What it rests on.
        evidence: B256,
    },
}

/// A grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Granted {
    /// Whom.
    pub operator: Address,
    /// As what.
    pub standing: Standing,
    /// As what it had been granted before, if ever.
    pub before: Option<Standing>,
    /// Whether it had no live lane when it came.
    pub after_gap: bool,
    /// The digest of its attestation result.
    pub digest: B256,
    /// When the evidence was made.
    pub evidence_time: u64,
    /// When it expires.
    pub expiry: u64,
}

/// A status that was changed other than by a grant or an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusChange {
    /// When.
    pub at: Place,
    /// Whose.
    #[serde(serialize_with = "as_text::subject")]
    pub subject: Subject,
    /// From what.
    #[serde(serialize_with = "as_text::status")]
    pub old: Status,
    /// To what. Frozen to Frozen by the timelock is the lifting of a freeze: a quorum may grant again.
    #[serde(serialize_with = "as_text::status")]
    pub new: Status,
    /// Why, in the actor's own numbers. Relayers name the verifier's check that failed.
    pub reason: u16,
    /// What it rests on.
    pub evidence: B256,
    /// Who called.
    pub actor: Address,
    /// In what capacity.
    pub by: By,
}

/// In what capacity somebody acted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "kind")]
pub enum By {
    /// As the registry's creator.
    Creator,
    /// As a guardian.
    Guardian,
    /// As the governor.
    Governor,
    /// As the operator itself.
    Operator,
    /// By relayers' signatures, whoever sent them.
    Relayers {
        /// Their set.
        set: u32,
        /// Bit i: member i signed.
        mask: u32,
    },
    /// By a call that the governor had submitted, and that anyone could make once it was ripe.
    Timelock,
    /// By proof that the relayer signed two results for one name.
    Proof,
}

impl Happening {
    /// Whether it is about a subject. A platform's stop is about its operators, too: their spans' ends say so.
    pub fn is_about(&self, subject: Subject) -> bool {
        match (&self.what, subject) {
            (What::Granted(granted), Subject::Operator(operator)) => granted.operator == operator,
            (What::Granted(granted), Subject::Platform(id)) => {
                granted.standing.platform == id || granted.before.is_some_and(|before| before.platform == id)
            }
            (
                What::Renewed { operator: one, .. } | What::Cut { operator: one, .. },
                Subject::Operator(operator),
            ) => *one == operator,
            (What::Cut { platform, .. } | What::Entered { platform, .. }, Subject::Platform(id)) => {
                *platform == id
            }
            (What::Skipped { subject: whose, .. }, subject) => *whose == Some(subject),
            (What::StatusChanged(change), subject) => change.subject == subject,
            _ => false,
        }
    }
}

impl StatusChange {
    /// Whether it lets a quorum grant again, after a freeze or a revocation.
    pub fn is_lift(&self) -> bool {
        self.by == By::Timelock
    }
}

fn subject_word(subject: Subject) -> String {
    match subject {
        Subject::Operator(operator) => operator.to_string(),
        Subject::Platform(id) => id.to_string(),
    }
}

/// Serde hands fields over by reference.
mod as_text {
    #![allow(
        clippy::ref_option,
        clippy::trivially_copy_pass_by_ref,
        reason = "as serde demands it"
    )]

    use super::{Item, Serialize, Serializer, SkipReason, Status, Subject, status_name, subject_word};

    pub(super) fn subject<S: Serializer>(subject: &Subject, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&subject_word(*subject))
    }

    pub(super) fn subject_if_any<S: Serializer>(
        subject: &Option<Subject>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        subject.map(subject_word).serialize(serializer)
    }

    pub(super) fn status<S: Serializer>(status: &Status, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(status_name(*status))
    }

    pub(super) fn skip_reason<S: Serializer>(reason: &SkipReason, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{reason:?}"))
    }

    pub(super) fn item<S: Serializer>(item: &Item, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(crate::index::item_name(*item))
    }
}
