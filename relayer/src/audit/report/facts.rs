//! What is reported.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{Address, B256};
use serde::Serialize;

use super::super::{source::Known, words};
use crate::{
    history::{End, Floor, History, Outage},
    render::date,
};

/// The period, its end not included.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Period {
    pub(super) from: u64,
    pub(super) to: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Facts {
    pub(super) registry: Address,
    pub(super) chain_id: u64,
    pub(super) period: Period,
    /// The last block that was read.
    pub(super) block: u64,
    /// Batches posted in the period.
    pub(super) batches: u64,
    pub(super) coverage: Vec<Coverage>,
    pub(super) incidents: Vec<Incident>,
    pub(super) concentration: Vec<Group>,
    pub(super) relayers: Vec<Participation>,
    pub(super) shared: Vec<Shared>,
}

/// For how much of the period an operator was attested, as `isAttested(operator)` asks.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Coverage {
    pub(super) operator: Address,
    /// Seconds of the period since its first grant.
    pub(super) possible: u64,
    /// Seconds of those in which it was attested.
    pub(super) attested: u64,
    /// Times without a live lane that began in the period.
    pub(super) gaps: usize,
    /// Whether it was attested at the period's end.
    pub(super) is_attested: bool,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Incident {
    pub(super) time: u64,
    pub(super) block: u64,
    pub(super) subject: String,
    pub(super) what: String,
}

/// How many operators attested at the period's end are in one place.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Group {
    /// `platform`, `provider` or `zone`.
    pub(super) by: &'static str,
    pub(super) name: String,
    pub(super) operators: usize,
    /// Of all that are attested; for zones, of those whose zone is known. Parts of a thousand.
    pub(super) per_mille: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Participation {
    pub(super) relayer: Address,
    /// Batches of the period that it signed.
    pub(super) signed: u64,
    /// Batches of the period that were posted by its set while its signature counted.
    pub(super) possible: u64,
    /// Whether its signature counted at the period's end.
    pub(super) is_in_office: bool,
}

/// A platform on which more than one owner was attested at the same time in the period.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shared {
    pub(super) platform: B256,
    pub(super) owners: BTreeSet<String>,
    pub(super) operators: BTreeSet<Address>,
}

impl Facts {
    pub(super) fn of(
        known: &Known,
        period: Period,
        zones: &BTreeMap<Address, String>,
        owners: &BTreeMap<Address, String>,
    ) -> Self {
        let history = &known.history;
        let batches = history.batches().iter().filter(|batch| period.has(batch.at.time));
        Self {
            registry: *known.chain.registry.address(),
            chain_id: known.chain.id,
            period,
            block: known.block,
            batches: batches.count() as u64,
            coverage: coverage(history, period),
            incidents: incidents(history, period),
            concentration: concentration(history, period, zones),
            relayers: participation(history, period),
            shared: shared(history, period, owners),
        }
    }
}

impl Period {
    fn has(self, time: u64) -> bool {
        (self.from..self.to).contains(&time)
    }

    /// The last second.
    fn last(self) -> u64 {
        self.to - 1 // never empty
    }
}

fn coverage(history: &History, period: Period) -> Vec<Coverage> {
    let granted = history.operators().filter_map(|(operator, known)| {
        let first = known.spans.first()?.from.time;
        if first >= period.to {
            return None;
        }
        let stretches = history.stretches(operator, period.from, period.to, Floor::DEFAULT);
        Some(Coverage {
            operator,
            possible: period.to - first.max(period.from),
            attested: stretches.iter().map(|stretch| stretch.to - stretch.from).sum(),
            gaps: known
                .gaps(period.last())
                .iter()
                .filter(|gap| period.has(gap.from))
                .count(),
            is_attested: history.at(operator, period.last(), Floor::DEFAULT).is_attested(),
        })
    });
    granted.collect()
}

fn incidents(history: &History, period: Period) -> Vec<Incident> {
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

fn concentration(history: &History, period: Period, zones: &BTreeMap<Address, String>) -> Vec<Group> {
    let mut counts: BTreeMap<(&'static str, String), usize> = BTreeMap::new();
    let mut totals: BTreeMap<&'static str, usize> = BTreeMap::new();
    for (operator, _) in history.operators() {
        let moment = history.at(operator, period.last(), Floor::DEFAULT);
        let Some(span) = moment.span.filter(|_| moment.is_attested()) else {
            continue;
        };
        let provider = span.standing.provider;
        let places = [
            ("platform", Some(span.standing.platform.to_string())),
            ("provider", Some(provider.to_string())),
            (
                "zone",
                zones
                    .get(&operator)
                    .map(|zone| format!("{zone} (provider {provider})")),
            ),
        ];
        for (by, name) in places {
            if let Some(name) = name {
                *counts.entry((by, name)).or_default() += 1;
                *totals.entry(by).or_default() += 1;
            }
        }
    }
    let mut groups: Vec<_> = counts
        .into_iter()
        .map(|((by, name), operators)| Group {
            by,
            name,
            operators,
            per_mille: operators * 1000 / totals.get(by).copied().unwrap_or(1).max(1),
        })
        .collect();
    groups.sort_by(|a, b| (a.by, b.operators, &a.name).cmp(&(b.by, a.operators, &b.name)));
    groups
}

fn participation(history: &History, period: Period) -> Vec<Participation> {
    let batches = || history.batches().iter().filter(|batch| period.has(batch.at.time));
    let relayers = history.relayers().filter_map(|(relayer, known)| {
        let seats = |set: u32| known.seats.iter().filter(move |seat| seat.set == set);
        let possible = batches().filter(|batch| seats(batch.relayer_set).any(|s| s.counts_at(batch.at.time)));
        let signed = batches()
            .filter(|batch| seats(batch.relayer_set).any(|seat| batch.signer_mask >> seat.index & 1 == 1));
        let is_in_office = known.seats.iter().any(|seat| seat.counts_at(period.last()));
        let (signed, possible) = (signed.count() as u64, possible.count() as u64);
        (is_in_office || possible > 0).then_some(Participation {
            relayer,
            signed,
            possible,
            is_in_office,
        })
    });
    relayers.collect()
}

fn shared(history: &History, period: Period, owners: &BTreeMap<Address, String>) -> Vec<Shared> {
    let mut on: BTreeMap<B256, Vec<Stay>> = BTreeMap::new();
    for (operator, _) in history.operators() {
        let owner = owners.get(&operator).cloned();
        let owner = owner.unwrap_or_else(|| operator.to_string());
        for stretch in history.stretches(operator, period.from, period.to, Floor::ANY) {
            let stays = on.entry(stretch.span.standing.platform).or_default();
            stays.push(Stay {
                from: stretch.from,
                to: stretch.to,
                operator,
                owner: owner.clone(),
            });
        }
    }
    let shared = on.into_iter().map(|(platform, stays)| together(platform, stays));
    shared.filter(|shared| !shared.owners.is_empty()).collect()
}

/// An operator attested on a platform.
struct Stay {
    from: u64,
    to: u64,
    operator: Address,
    owner: String,
}

/// Who was there while another owner was.
fn together(platform: B256, mut stays: Vec<Stay>) -> Shared {
    stays.sort_by_key(|stay| stay.from);
    let mut shared = Shared {
        platform,
        owners: BTreeSet::new(),
        operators: BTreeSet::new(),
    };
    // The registry takes a few dozen operators at once on a platform.
    let mut here: Vec<&Stay> = Vec::new();
    for stay in &stays {
        here.retain(|other| other.to > stay.from);
        for other in here.iter().filter(|other| other.owner != stay.owner) {
            for one in [stay, other] {
                shared.owners.insert(one.owner.clone());
                shared.operators.insert(one.operator);
            }
        }
        here.push(stay);
    }
    shared
}
