//! A change's words.

use std::fmt::Display;

use alloy::primitives::{Address, B256};

use super::{
    super::{page::shortened, words},
    Changed, Told,
};
use crate::{
    history::{By, Granted, Standing, StatusChange, Switch},
    registry::{IProofOfCloudRegistry::Status, status_name},
    replay::Subject,
};

/// What is left of a lane may be nothing: then no expiry is still to come.
pub(super) fn cut_words(operator: Address, platform: &B256, is_live: bool) -> Told {
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
pub(super) fn granted_words(granted: &Granted) -> Option<Told> {
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

pub(super) fn status_words(change: &StatusChange) -> Told {
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

pub(super) fn switch_words(switch: &Switch) -> Told {
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
pub(in crate::explorer) fn reason(number: u16, whose: By) -> String {
    use chassis_verifier::CheckId;
    let check = CheckId::ALL.iter().find(|id| **id as u16 == number);
    match (whose, check) {
        (By::Relayers { .. }, Some(check)) => format!("{number} ({})", check.name()),
        _ => number.to_string(),
    }
}

/// In what capacity somebody acted.
pub(in crate::explorer) fn by(whose: By) -> String {
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

pub(super) fn brief(value: &impl Display) -> String {
    shortened(&value.to_string())
}

pub(in crate::explorer) fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
