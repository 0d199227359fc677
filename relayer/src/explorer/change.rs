//! What changes somebody's status: the feeds, and their words.

use std::{
    fmt::{self, Display},
    str::FromStr,
};

use alloy::primitives::{Address, B256};

use super::{page::shortened, words};
use crate::{
    history::{By, Granted, Happening, Place, Standing, StatusChange, Switch, What},
    http::status_name,
    registry::IProofOfCloudRegistry::Status,
    replay::Subject,
};

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

/// Names a change, the same on every server, for ever. In the order in which changes come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ChangeId {
    /// Unix seconds.
    time: u64,
    source: Source,
}

/// Of changes of one time, expiries come first: at its expiry a lane is over already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    /// No event tells of it.
    Expired(Address),
    /// An event, which may change several; from 0.
    Event { block: u64, log_index: u64, number: u64 },
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
            id: ChangeId {
                time,
                source: Source::Expired(operator),
            },
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

impl ChangeId {
    /// Before any change.
    pub(super) const FIRST: Self = Self {
        time: 0,
        source: Source::Expired(Address::ZERO),
    };

    /// `last`: the change before it, perhaps by the same event.
    fn of(at: Place, last: Option<Self>) -> Self {
        let number = match last.map(|last| last.source) {
            Some(Source::Event {
                block,
                log_index,
                number,
            }) if (block, log_index) == at.key() => number + 1,
            _ => 0,
        };
        Self {
            time: at.time,
            source: Source::Event {
                block: at.block,
                log_index: at.log_index,
                number,
            },
        }
    }
}

impl Display for ChangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.time;
        match self.source {
            Source::Expired(operator) => write!(f, "{time:010x}-expired-{operator}"),
            Source::Event {
                block,
                log_index,
                number: 0,
            } => write!(f, "{time:010x}-{block:x}-{log_index:x}"),
            Source::Event {
                block,
                log_index,
                number,
            } => write!(f, "{time:010x}-{block:x}-{log_index:x}-{number}"),
        }
    }
}

/// It is not the id of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoChangeId;

impl FromStr for ChangeId {
    type Err = NoChangeId;

    fn from_str(text: &str) -> Result<Self, NoChangeId> {
        let hex = |part: &str| u64::from_str_radix(part, 16).map_err(|_| NoChangeId);
        // The number parsers' own liberty.
        if text.contains('+') {
            return Err(NoChangeId);
        }
        let parts: Vec<_> = text.split('-').collect();
        let (time, source) = match parts[..] {
            [time, "expired", operator] => (time, Source::Expired(operator.parse().map_err(|_| NoChangeId)?)),
            [time, block, log_index] | [time, block, log_index, _] => {
                let number = parts.get(3).map_or(Ok(0), |number| number.parse());
                let number = number.map_err(|_| NoChangeId)?;
                let (block, log_index) = (hex(block)?, hex(log_index)?);
                let source = Source::Event {
                    block,
                    log_index,
                    number,
                };
                (time, source)
            }
            _ => return Err(NoChangeId),
        };
        Ok(Self {
            time: hex(time)?,
            source,
        })
    }
}

impl<'de> serde::Deserialize<'de> for ChangeId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map_err(|NoChangeId| serde::de::Error::custom(format!("`{text}` is not the id of a change")))
    }
}

impl serde::Serialize for ChangeId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What is left of a lane may be nothing: then no expiry is still to come.
fn cut_words(operator: Address, platform: &B256, is_live: bool) -> Told {
    let (kind, title) = if is_live {
        ("cut", "Attestation shortened")
    } else {
        ("expired", "Attestation ended")
    };
    Told {
        what: Changed::Operator(operator),
        kind,
        title: title.into(),
        text: format!(
            "Its platform {} was entered with less custody, or for less long.",
            brief(platform)
        ),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: u64, block: u64, log_index: u64) -> Place {
        Place {
            block,
            log_index,
            time,
            transaction: B256::ZERO,
        }
    }

    #[test]
    fn ids_come_back_as_they_went_and_are_in_order() {
        let expired = Change::expired(Address::repeat_byte(0xab), 1_800_000_000).id;
        let first = ChangeId::of(at(1_800_000_000, 0xff, 3), Some(expired));
        let second = ChangeId::of(at(1_800_000_000, 0xff, 3), Some(first));
        let third = ChangeId::of(at(1_800_000_000, 0x100, 0), Some(second));
        let all = [ChangeId::FIRST, expired, first, second, third];
        assert!(all.is_sorted_by(|a, b| a < b), "{all:?}");
        for id in all {
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        assert_eq!(second.to_string(), "006b49d200-ff-3-1");
        for text in [
            "",
            "x",
            "006b49d200-ff",
            "006b49d200-ff-3-x",
            "006b49d200-ff-3-1-1",
            "006b49d200-+f-3",
            "006b49d200-expired-0x",
        ] {
            assert_eq!(text.parse::<ChangeId>(), Err(NoChangeId), "{text}");
        }
    }
}
