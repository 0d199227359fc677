//! What is reported.

mod concentration;
mod coverage;
mod incidents;
mod participation;
mod shared;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use alloy::primitives::Address;
use serde::Serialize;

use super::super::source::Known;

pub(super) use concentration::Group;
pub(super) use coverage::Coverage;
pub(super) use incidents::Incident;
pub(super) use participation::Participation;
pub(super) use shared::Shared;

use concentration::concentration;
use coverage::coverage;
use incidents::incidents;
use participation::participation;
use shared::shared;

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
