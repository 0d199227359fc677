//! An operator's events, in words.

use maud::{Markup, html};

use super::super::{
    change::capitalised,
    moment::Moment,
    page::{Table, batch_link, hex, note, platform, when},
    standing::Operator,
    words,
};
use crate::{
    registry::status_name,
    render::date,
    replay::{Event, LaneWord, RegistryLog},
    store::EventRow,
};

/// Events listed.
pub(super) const EVENTS: u32 = 100;

pub(super) fn event_table(events: &[EventRow], operator: &Operator, moment: &Moment) -> Markup {
    let mut table = Table::new(
        "Events about it in the registry's log, the last first",
        &["Time", "What", "Block", "Transaction"],
    )
    .under_heading()
    .or("The log has no event about it alone; its platform's or provider's concern it.");
    for row in events {
        let text = RegistryLog::decode(row.at, &row.data)
            .map_or_else(|_| html! { (row.kind) }, |log| event_words(&log, operator));
        table.row(vec![
            when(row.at.time, moment.now),
            text,
            html! { (row.at.block) },
            hex(&row.at.transaction),
        ]);
    }
    html! {
        (table.markup())
        @if events.len() == EVENTS as usize { (note("Older events: chassis audit, below.")) }
    }
}

fn event_words(log: &RegistryLog, operator: &Operator) -> Markup {
    match &log.event {
        Event::OperatorGranted(e) => html! {
            "Granted until " (date(LaneWord(e.laneWord).expiry())) " on " (platform(e.platformId))
        },
        Event::BatchPosted(e) => html! {
            "Renewed" @if let Some(expiry) = renewed(&e.renewals, operator.word.lane()) { " until " (date(expiry)) }
            " in batch " (batch_link(e.batch))
        },
        Event::ItemSkipped(e) => html! { "Not applied: " (words::skip(&format!("{:?}", e.reason))) },
        Event::StatusChanged(e) => html! {
            (capitalised(status_name(e.newStatus))) ", reason " (e.reason) ", by "
            (hex(&e.actor)) ". Evidence " (hex(&e.evidenceHash))
        },
        other => html! { (other.name()) },
    }
}

/// What a batch gave a lane.
fn renewed(renewals: &[u8], lane: u64) -> Option<u64> {
    let group = renewals.as_chunks::<36>().0.iter().find(|group| {
        group
            .first_chunk()
            .is_some_and(|slot| u64::from(u32::from_be_bytes(*slot)) == lane / 8)
    })?;
    let word = group
        .as_chunks::<4>()
        .0
        .get(usize::try_from(lane % 8).ok()? + 1)?;
    Some(LaneWord(u32::from_be_bytes(*word)).expiry()).filter(|expiry| *expiry != 0)
}
