//! `/relayers`: who signs, who did, and who was disabled.

use alloy::primitives::Address;
use axum::{extract::State, response::Response};
use maud::{Markup, html};

use super::{
    Explorer,
    book::Book,
    change::{by, capitalised, reason},
    moment::Moment,
    page::{Command, Fields, Page, Table, batch_link, digest, grouped, hex, section, verify, when},
    trouble::Trouble,
};
use crate::{
    history::{By, RelayerHistory, Seat},
    replay::RelayerSet,
};

pub(super) async fn page(State(explorer): State<Explorer>) -> Response {
    let page = explorer.read(|book, moment| Ok::<_, Trouble>(explorer.relayers(book, moment)));
    explorer.answer(page)
}

impl Explorer {
    fn relayers(&self, book: &Book, moment: &Moment) -> Page {
        let state = book.history.state();
        let office = state.control().relayer_set;
        let set = state.relayer_sets().get(&office);
        let main = html! {
            section.lead aria-labelledby="title" {
                h1 #title { "Relayers" }
                @if let Some(set) = set {
                    p.big {
                        "Set " (office) " is in office: " strong { (set.threshold) " of " (set.members.len()) }
                        " must sign a report, " (set.freeze_threshold) " a freeze. No one of them is enough alone"
                        @if set.threshold == 1 { ", except that this set needs only one signature" } "."
                    }
                    @if set.disabled != 0 {
                        p.alert { strong { (set.disabled.count_ones()) " of them disabled." } " Their signatures do not count any more." }
                    }
                }
            }
            (section("members", "Everybody who was ever in a set", &table(book, moment)))
            (section("sets", "Sets", &sets(book, moment)))
            (section("policies", "Policies", &policies(book, moment)))
            (section("authority", "Who can change what", &authority(book)))
            (verify(&[
                Command {
                    does: "Rebuild one relayer's history from the log:",
                    text: format!("chassis audit relayer $RELAYER {}", self.flags()),
                },
                self.reappraise("relayer $RELAYER"),
            ]))
        };
        Page {
            title: "Relayers".into(),
            main,
            moment: Some(moment.clone()),
            tab: Some("/relayers"),
            about: None,
        }
    }
}

/// A relayer, where it is told of.
pub(super) fn relayer_link(relayer: Address) -> Markup {
    html! { a href={ "/relayers#" (relayer) } { (hex(&relayer)) } }
}

fn table(book: &Book, moment: &Moment) -> Markup {
    let heads = ["Relayer", "State", "Signed", "Share", "Last batch"];
    let mut table = Table::new("Relayers and how many batches they signed", &heads).under_heading();
    for (relayer, known) in book.history.relayers() {
        // Of the batches of its sets: nobody can sign another set's.
        let of_set = |seat: &Seat| book.batches_of.get(&seat.set).copied().unwrap_or(0);
        let of_its: u64 = known.seats.iter().map(of_set).sum();
        let percent = (100 * known.signed).checked_div(of_its).unwrap_or(0);
        table.row(vec![
            html! { span id=(relayer) { (hex(&relayer)) } },
            relayer_state(known, moment),
            html! { (grouped(known.signed)) " of " (grouped(of_its)) },
            html! { meter min="0" max="100" value=(percent) aria-label={ (percent) " per cent of its sets' batches" } {} " " (percent) " %" },
            known.last_batch.map(batch_link).unwrap_or_default(),
        ]);
    }
    table.markup()
}

fn relayer_state(known: &RelayerHistory, moment: &Moment) -> Markup {
    let disabled = known
        .seats
        .iter()
        .rev()
        .find_map(|seat| Some((seat, seat.disabled.as_ref()?)));
    html! {
        @if known.seats.iter().any(|seat| seat.counts_at(moment.now)) {
            span.answer.yes { "Signs" }
        } @else {
            span.answer.none { "Does not sign" }
        }
        @if let Some((seat, disabled)) = disabled {
            br;
            span.answer.no { "Disabled" } " in set " (seat.set) ", " (by(disabled.by))
            // What is proven has no other reason.
            @if disabled.by != By::Proof { ", reason " (reason(disabled.reason, disabled.by)) }
            ", " (when(disabled.at.time, moment.now)) ", in transaction " (hex(&disabled.at.transaction))
            @if !disabled.evidence.is_zero() { ", on evidence " (hex(&disabled.evidence)) }
        }
    }
}

fn sets(book: &Book, moment: &Moment) -> Markup {
    let mut table = Table::new(
        "Relayer sets, the last first",
        &["Set", "Needs", "Members", "State"],
    )
    .under_heading();
    let state = book.history.state();
    for (number, set) in state.relayer_sets().iter().rev() {
        table.row(vec![
            html! { (number) },
            html! { (set.threshold) " of " (set.members.len()) },
            members(set),
            html! {
                @if set.retired_at == 0 { "In office" }
                @else if set.retired_at > moment.now { "Until " (when(set.retired_at, moment.now)) }
                @else { "Retired " (when(set.retired_at, moment.now)) }
            },
        ]);
    }
    table.markup()
}

fn members(set: &RelayerSet) -> Markup {
    html! {
        ul.plain {
            @for (i, member) in set.members.iter().enumerate() {
                li { (relayer_link(*member)) @if set.disabled >> i & 1 == 1 { " " span.answer.no { "disabled" } } }
            }
        }
    }
}

fn policies(book: &Book, moment: &Moment) -> Markup {
    let mut table =
        Table::new("Policies, the last change first", &["Policy", "What", "When"]).under_heading();
    for change in book.history.policies().iter().rev() {
        table.row(vec![
            digest(&change.policy),
            html! {
                @if change.is_registered { "Registered " (by(change.by)) }
                @else { "Retired " (by(change.by)) ", reason " (reason(change.reason, change.by)) }
            },
            when(change.at.time, moment.now),
        ]);
    }
    table.markup()
}

fn authority(book: &Book) -> Markup {
    let state = book.history.state();
    let frozen = (1..128).filter(|p| state.control().frozen_providers >> p & 1 == 0);
    let admitted: Vec<_> = frozen.map(|p: u64| p.to_string()).collect();
    let guardians =
        html! { ul.plain { @for guardian in state.guardians().keys() { li { (digest(guardian)) } } } };
    Fields::default()
        .with("Governor", digest(&state.governor()))
        .with("Guardians", guardians)
        .with("Providers that count", html! { (if admitted.is_empty() { "none".to_owned() } else { capitalised(&admitted.join(", ")) }) })
        .with("Paused", html! { (if state.control().paused { "Yes: nobody is attested" } else { "No" }) })
        .markup()
}
