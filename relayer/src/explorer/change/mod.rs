//! What changes somebody's status: the feeds, and their words.

mod id;
mod words;

use alloy::primitives::{Address, B256};

use crate::history::{Happening, What};

pub(crate) use id::{ChangeId, NoChangeId};
pub(super) use words::{by, capitalised, reason};

use words::{brief, cut_words, granted_words, status_words, switch_words};

/// A change of a status, or of what all statuses rest on.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) id: ChangeId,
    /// Unix seconds.
    pub(super) time: u64,
    /// Where the log tells of it. An expiry it does not tell of.
    pub(super) block: Option<u64>,
    pub(super) transaction: Option<B256>,
    pub(super) batch: Option<u64>,
    pub(super) what: Changed,
    /// For programs: what `/v1/events` and status words say.
    pub(super) kind: &'static str,
    pub(super) title: String,
    pub(super) text: String,
}

/// Whom it concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Changed {
    Operator(Address),
    /// And all operators on it.
    Platform(B256),
    /// And all operators.
    Registry,
}

struct Told {
    what: Changed,
    kind: &'static str,
    title: String,
    text: String,
}

impl Change {
    /// `None`: it changes no status. `last`: the change before it.
    pub(super) fn of(happening: &Happening, last: Option<&Self>) -> Option<Self> {
        let told = match &happening.what {
            What::Granted(granted) => granted_words(granted)?,
            What::Cut {
                operator,
                platform,
                expiry,
            } => cut_words(*operator, platform, *expiry > happening.at.time),
            What::StatusChanged(change) => status_words(change),
            What::Switched(switch) => switch_words(switch),
            What::Policy(change) => Told {
                what: Changed::Registry,
                kind: if change.is_registered {
                    "policyRegistered"
                } else {
                    "policyRetired"
                },
                title: format!(
                    "Policy {}",
                    if change.is_registered {
                        "registered"
                    } else {
                        "retired"
                    }
                ),
                text: format!("Policy {}, {}.", brief(&change.policy), by(change.by)),
            },
            What::Disabled {
                relayer,
                set,
                by: whose,
                ..
            } => Told {
                what: Changed::Registry,
                kind: "relayerDisabled",
                title: "Relayer disabled".into(),
                text: format!(
                    "Relayer {} of set {set} was disabled, {}.",
                    brief(relayer),
                    by(*whose)
                ),
            },
            What::Renewed { .. } | What::Skipped { .. } | What::Entered { .. } | What::Posted(_) => {
                return None;
            }
        };
        let at = happening.at;
        Some(Self {
            id: ChangeId::of(at, last.map(|last| last.id)),
            time: at.time,
            block: Some(at.block),
            transaction: Some(at.transaction),
            batch: happening.batch,
            what: told.what,
            kind: told.kind,
            title: told.title,
            text: told.text,
        })
    }

    /// A pause, a provider's freeze, or the end of one.
    pub(super) fn is_switch(&self) -> bool {
        ["paused", "control"].contains(&self.kind)
    }

    /// Nobody renewed it.
    pub(super) fn expired(operator: Address, time: u64) -> Self {
        Self {
            id: ChangeId::of_expiry(operator, time),
            time,
            block: None,
            transaction: None,
            batch: None,
            what: Changed::Operator(operator),
            kind: "expired",
            title: "Expired".into(),
            text: "Its attestation ran out, and nobody had renewed it.".into(),
        }
    }
}
