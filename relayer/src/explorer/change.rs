//! What changes somebody's status: the feeds, and their words.

use std::fmt::Display;

use alloy::primitives::{Address, B256};

use super::{page::shortened, words};
use crate::{
    history::{By, Granted, Happening, Standing, StatusChange, Switch, What},
    http::status_name,
    registry::IProofOfCloudRegistry::Status,
    replay::Subject,
};

/// A change of a status, or of what all statuses rest on.
#[derive(Clone, Debug)]
pub(super) struct Change {
    /// The same on every server, for ever: its time and its place in the log.
    pub(super) id: String,
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
#[derive(Clone, Debug, PartialEq, Eq)]
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
                operator, platform, ..
            } => Told {
                what: Changed::Operator(*operator),
                kind: "cut",
                title: "Attestation shortened".into(),
                text: format!(
                    "Its platform {} was entered with less custody, or for less long.",
                    brief(platform)
                ),
            },
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
        let place = format!("{:010x}-{:x}-{:x}", at.time, at.block, at.log_index);
        // One event may change several.
        let number = last
            .and_then(|last| last.id.strip_prefix(&place))
            .map_or(0, |rest| {
                rest.trim_start_matches('-').parse().map_or(1, |n: u64| n + 1)
            });
        Some(Self {
            id: if number == 0 {
                place
            } else {
                format!("{place}-{number}")
            },
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
            id: format!("{time:010x}-expired-{operator}"),
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

/// An equal grant of a live operator is a renewal.
fn granted_words(granted: &Granted) -> Option<Told> {
    let levels = |standing: &Standing| {
        format!(
            "binding {}, custody {}, TCB {}",
            words::binding(standing.binding.into()).0,
            words::custody(standing.custody.into()).0,
            words::tcb(standing.tcb.into()).0
        )
    };
    let now = &granted.standing;
    let (title, text) = match &granted.before {
        None => ("Granted", format!("For the first time: {}.", levels(now))),
        Some(_) if granted.after_gap => ("Granted again", format!("After a gap: {}.", levels(now))),
        Some(before) if before == now => return None,
        Some(before) if before.platform != now.platform => (
            "Moved to another platform",
            format!(
                "From {} to {}: {}.",
                brief(&before.platform),
                brief(&now.platform),
                levels(now)
            ),
        ),
        Some(before)
            if (before.binding, before.custody, before.tcb) != (now.binding, now.custody, now.tcb) =>
        {
            (
                "Levels changed",
                format!("From {} to {}.", levels(before), levels(now)),
            )
        }
        Some(_) => (
            "Granted anew",
            "With another instance, workload or key; without a gap.".to_owned(),
        ),
    };
    Some(Told {
        what: Changed::Operator(granted.operator),
        kind: "granted",
        title: title.into(),
        text,
    })
}

fn status_words(change: &StatusChange) -> Told {
    let (what, whose) = match change.subject {
        Subject::Operator(operator) => (Changed::Operator(operator), ""),
        Subject::Platform(id) => (Changed::Platform(id), "Platform "),
    };
    let word = if change.is_lift() {
        "freeze lifted"
    } else {
        status_name(change.new)
    };
    let title = format!("{whose}{word}");
    let reason = match change.new {
        Status::Deregistered => String::new(),
        _ if change.is_lift() => " A quorum may grant again; until then nothing is attested.".into(),
        _ => format!(" Reason {}.", reason(change.reason, change.by)),
    };
    Told {
        what,
        kind: if change.is_lift() {
            "lifted"
        } else {
            status_name(change.new)
        },
        title: capitalised(&title),
        text: format!("{}.{reason}", capitalised(&by(change.by))),
    }
}

fn switch_words(switch: &Switch) -> Told {
    let title = if switch.paused {
        "Registry paused"
    } else {
        "Registry control changed"
    };
    let frozen = (1..128).filter(|p| switch.frozen_providers >> p & 1 == 0);
    let admitted: Vec<_> = frozen.map(|p| p.to_string()).collect();
    Told {
        what: Changed::Registry,
        kind: if switch.paused { "paused" } else { "control" },
        title: title.into(),
        text: format!(
            "{}. Providers that count now: {}. Relayer set in office: {}.",
            capitalised(&by(switch.by)),
            if admitted.is_empty() {
                "none".to_owned()
            } else {
                admitted.join(", ")
            },
            switch.relayer_set
        ),
    }
}

/// Relayers name the check that failed; guardians' and the governor's numbers are their own.
pub(super) fn reason(number: u16, whose: By) -> String {
    use chassis_verifier::CheckId;
    let check = CheckId::ALL.iter().find(|id| **id as u16 == number);
    match (whose, check) {
        (By::Relayers { .. }, Some(check)) => format!("{number} ({})", check.name()),
        _ => number.to_string(),
    }
}

/// In what capacity somebody acted.
pub(super) fn by(whose: By) -> String {
    match whose {
        By::Creator => "at the registry's creation".into(),
        By::Guardian => "by a guardian".into(),
        By::Governor => "by the governor".into(),
        By::Operator => "by the operator itself".into(),
        By::Relayers { set, mask } => format!("by {} relayers of set {set}", mask.count_ones()),
        By::Timelock => "by a timelocked call".into(),
        By::Proof => "by proof of equivocation".into(),
    }
}

fn brief(value: &impl Display) -> String {
    shortened(&value.to_string())
}

pub(super) fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
