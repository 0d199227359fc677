//! For how long operators were attested.

use alloy::primitives::Address;
use serde::Serialize;

use super::Period;
use crate::history::{Floor, History};

/// For how much of the period an operator was attested, as `isAttested(operator)` asks.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::audit::report) struct Coverage {
    pub(in crate::audit::report) operator: Address,
    /// Seconds of the period since its first grant.
    pub(in crate::audit::report) possible: u64,
    /// Seconds of those in which it was attested.
    pub(in crate::audit::report) attested: u64,
    /// Times without a live lane that began in the period.
    pub(in crate::audit::report) gaps: usize,
    /// Whether it was attested at the period's end.
    pub(in crate::audit::report) is_attested: bool,
}

pub(super) fn coverage(history: &History, period: Period) -> Vec<Coverage> {
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
