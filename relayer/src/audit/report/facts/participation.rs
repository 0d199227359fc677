//! How many batches relayers signed.

use alloy::primitives::Address;
use serde::Serialize;

use super::Period;
use crate::history::History;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::audit::report) struct Participation {
    pub(in crate::audit::report) relayer: Address,
    /// Batches of the period that it signed.
    pub(in crate::audit::report) signed: u64,
    /// Batches of the period that were posted by its set while its signature counted.
    pub(in crate::audit::report) possible: u64,
    /// Whether its signature counted at the period's end.
    pub(in crate::audit::report) is_in_office: bool,
}

pub(super) fn participation(history: &History, period: Period) -> Vec<Participation> {
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
