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
    let all = of_operators(history, period.last())
        .chain(of_platforms(history))
        .chain(of_relayers(history))
        .chain(of_everybody(history));
    let mut incidents: Vec<_> = all.filter(|incident| period.has(incident.time)).collect();
    incidents.sort();
    incidents
}

/// Changes of their status, and gaps as of `now`.
fn of_operators(history: &History, now: u64) -> impl Iterator<Item = Incident> {
    history.operators().flat_map(move |(operator, known)| {
        let subject = format!("operator {operator}");
        let changes = known.changes.iter().map(|change| Incident {
            time: change.at.time,
            block: change.at.block,
            subject: subject.clone(),
            what: words::change(change, history),
        });
        let gaps = known.gaps(now).into_iter().filter_map(|gap| {
            let why = match gap.cause {
                End::Expiry => "ran out: nobody renewed it",
                End::PlatformLowered { .. } => {
                    "ended: its platform was entered with less custody, or for less long"
                }
                // Stops are told by themselves.
                End::Status(_) | End::Regrant => return None,
            };
            let until = gap
                .to
                .map_or("it has not come back".into(), |to| format!("back {}", date(to)));
            Some(Incident {
                time: gap.from,
                block: 0,
                subject: subject.clone(),
                what: format!("{why}; {until}"),
            })
        });
        changes.chain(gaps).collect::<Vec<_>>()
    })
}

fn of_platforms(history: &History) -> impl Iterator<Item = Incident> {
    history.platforms().flat_map(move |(id, known)| {
        known.changes.iter().map(move |change| Incident {
            time: change.at.time,
            block: change.at.block,
            subject: format!("platform {id}"),
            what: words::change(change, history),
        })
    })
}

fn of_relayers(history: &History) -> impl Iterator<Item = Incident> {
    history.relayers().flat_map(|(relayer, known)| {
        let disabled = known.seats.iter().filter_map(|seat| seat.disabled.as_ref());
        disabled.map(move |disabled| Incident {
            time: disabled.at.time,
            block: disabled.at.block,
            subject: format!("relayer {relayer}"),
            what: format!(
                "disabled, reason {}, by {}",
                disabled.reason,
                words::by(disabled.by)
            ),
        })
    })
}

/// Pauses, frozen providers, retired policies.
fn of_everybody(history: &History) -> impl Iterator<Item = Incident> {
    let outages = history.outages().into_iter();
    let outages = outages.map(|Outage { cause, provider, to }| {
        let until = to.map_or("it goes on".into(), |to| format!("until {}", date(to)));
        Incident {
            time: cause.at.time,
            block: cause.at.block,
            subject: provider.map_or("everybody".into(), |provider| format!("provider {provider}")),
            what: format!(
                "stopped, reason {}, by {}; {until}",
                cause.reason,
                words::by(cause.by)
            ),
        }
    });
    let policies = history.policies().iter();
    let retired = policies.filter(|change| !change.is_registered);
    let retired = retired.map(|change| Incident {
        time: change.at.time,
        block: change.at.block,
        subject: format!("policy {}", change.policy),
        what: format!("retired, reason {}, by {}", change.reason, words::by(change.by)),
    });
    outages.chain(retired)
}
