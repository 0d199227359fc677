//! What happened.

use serde::Serialize;

use super::{super::super::words, Period};
use crate::{
    history::{End, History, Outage},
    render::date,
};

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::audit::report) struct Incident {
    pub(in crate::audit::report) time: u64,
    pub(in crate::audit::report) block: u64,
    pub(in crate::audit::report) subject: String,
    pub(in crate::audit::report) what: String,
}

pub(super) fn incidents(history: &History, period: Period) -> Vec<Incident> {
    let mut incidents = Vec::new();
    let mut add = |time, block, subject: String, what: String| {
        if period.has(time) {
            incidents.push(Incident {
                time,
                block,
                subject,
                what,
            });
        }
    };
    for (operator, known) in history.operators() {
        let subject = format!("operator {operator}");
        for change in &known.changes {
            add(
                change.at.time,
                change.at.block,
                subject.clone(),
                words::change(change, history),
            );
        }
        for gap in known.gaps(period.last()) {
            let why = match gap.cause {
                End::Expiry => "ran out: nobody renewed it",
                End::PlatformLowered { .. } => {
                    "ended: its platform was entered with less custody, or for less long"
                }
                // Stops are told by themselves.
                End::Status(_) | End::Regrant => continue,
            };
            let until = gap
                .to
                .map_or("it has not come back".into(), |to| format!("back {}", date(to)));
            add(gap.from, 0, subject.clone(), format!("{why}; {until}"));
        }
    }
    for (id, known) in history.platforms() {
        for change in &known.changes {
            let what = words::change(change, history);
            add(change.at.time, change.at.block, format!("platform {id}"), what);
        }
    }
    for (relayer, known) in history.relayers() {
        for disabled in known.seats.iter().filter_map(|seat| seat.disabled.as_ref()) {
            let what = format!(
                "disabled, reason {}, by {}",
                disabled.reason,
                words::by(disabled.by)
            );
            add(
                disabled.at.time,
                disabled.at.block,
                format!("relayer {relayer}"),
                what,
            );
        }
    }
    for Outage { cause, provider, to } in history.outages() {
        let subject = provider.map_or("everybody".into(), |provider| format!("provider {provider}"));
        let until = to.map_or("it goes on".into(), |to| format!("until {}", date(to)));
        let what = format!(
            "stopped, reason {}, by {}; {until}",
            cause.reason,
            words::by(cause.by)
        );
        add(cause.at.time, cause.at.block, subject, what);
    }
    for change in history.policies().iter().filter(|change| !change.is_registered) {
        let what = format!("retired, reason {}, by {}", change.reason, words::by(change.by));
        add(
            change.at.time,
            change.at.block,
            format!("policy {}", change.policy),
            what,
        );
    }
    incidents.sort();
    incidents
}
