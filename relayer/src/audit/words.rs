//! What stands in tables and reports, in words.

use alloy::primitives::Address;

use crate::{
    history::{By, End, History, Standing, StatusChange},
    registry::status_name,
    replay::Subject,
};

pub(super) fn status(change: &StatusChange) -> String {
    let (old, new) = (status_name(change.old), status_name(change.new));
    if change.is_lift() {
        return format!("{old}: lifted by the governor's timelock, a quorum may grant again");
    }
    format!(
        "{old} to {new}, reason {}, by {} ({})",
        change.reason,
        by(change.by),
        change.actor
    )
}

/// A change of status, with the names of the relayers who ordered it.
pub(super) fn change(change: &StatusChange, history: &History) -> String {
    let whose = match change.subject {
        Subject::Operator(_) => "",
        Subject::Platform(_) => "its platform: ",
    };
    let mut text = format!("{whose}{} in block {}", status(change), change.at.block);
    if let By::Relayers { set, mask } = change.by {
        text.extend([", signed by ", &list(&history.members(set, mask))]);
    }
    text
}

pub(super) fn cause(end: &End) -> String {
    match end {
        End::Expiry => "not renewed".into(),
        End::Regrant => "granted anew".into(),
        End::Status(change) => match change.subject {
            Subject::Operator(_) => status(change),
            Subject::Platform(_) => format!("its platform: {}", status(change)),
        },
        End::PlatformLowered { at } => format!("its platform was lowered in block {}", at.block),
    }
}

pub(super) fn level(standing: &Standing) -> String {
    let binding = ["None", "Quote", "VirtualTpm", "Chassis"];
    let binding = binding.get(usize::from(standing.binding)).unwrap_or(&"?");
    let key = if standing.flags & 1 == 1 {
        ", key in TD"
    } else {
        ""
    };
    format!(
        "{binding} / {} / TCB {}{key}",
        custody(standing.custody),
        standing.tcb
    )
}

pub(super) fn custody(level: u8) -> &'static str {
    ["None", "Witnessed", "Automated"]
        .get(usize::from(level))
        .unwrap_or(&"?")
}

pub(super) fn by(by: By) -> String {
    match by {
        By::Creator => "the registry's creator".into(),
        By::Guardian => "a guardian".into(),
        By::Governor => "the governor".into(),
        By::Operator => "the operator itself".into(),
        By::Relayers { set, mask } => format!("relayers of set {set}, mask {mask:#b}"),
        By::Timelock => "the governor's timelock".into(),
        By::Proof => "proof of equivocation".into(),
    }
}

pub(super) fn subject_text(subject: Option<Subject>) -> String {
    match subject {
        Some(Subject::Operator(operator)) => operator.to_string(),
        Some(Subject::Platform(id)) => id.to_string(),
        None => "nobody's lane".into(),
    }
}

pub(super) fn list(addresses: &[Address]) -> String {
    let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    addresses.join(", ")
}
