//! What many operators have in common.

use std::collections::BTreeMap;

use alloy::primitives::Address;
use serde::Serialize;

use super::Period;
use crate::history::{Floor, History};

/// How many operators attested at the period's end are in one place.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::audit::report) struct Group {
    /// `platform`, `provider` or `zone`.
    pub(in crate::audit::report) by: &'static str,
    pub(in crate::audit::report) name: String,
    pub(in crate::audit::report) operators: usize,
    /// Of all that are attested; for zones, of those whose zone is known. Parts of a thousand.
    pub(in crate::audit::report) per_mille: usize,
}

pub(super) fn concentration(
    history: &History,
    period: Period,
    zones: &BTreeMap<Address, String>,
) -> Vec<Group> {
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
