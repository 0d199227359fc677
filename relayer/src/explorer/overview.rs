//! `/`: how things stand.

use std::collections::{BTreeMap, BTreeSet};

use axum::{extract::State, response::Response};
use maud::{Markup, PreEscaped, html};

use super::{
    Explorer,
    batches::batch_table,
    book::Book,
    changes::change_list,
    chart::Steps,
    moment::Moment,
    page::{
        Command, Page, Table, address, badge, duration, grouped, levels, platform, provider, section, verify,
        when,
    },
    standing::{Operator, Standing},
    trouble::Trouble,
    words,
};
use crate::history::Floor;

/// Who expires within this many seconds is listed.
const SOON: u64 = 6 * 3_600;
const LISTED: usize = 8;
const CHANGES: usize = 6;
/// The picture's reach.
const WEEKS: u64 = 14 * 86_400;

pub(super) async fn page(State(explorer): State<Explorer>) -> Response {
    let page = explorer.read(|book, moment| Ok::<_, Trouble>(explorer.overview(book, moment)));
    explorer.answer(page)
}

impl Explorer {
    fn overview(&self, book: &Book, moment: &Moment) -> Page {
        let main = self.kept_overview(moment, || self.overview_main(book, moment).into_string());
        Page {
            title: "Overview".into(),
            main: PreEscaped(main.to_string()),
            moment: Some(moment.clone()),
            tab: Some("/"),
            about: None,
        }
    }

    fn overview_main(&self, book: &Book, moment: &Moment) -> Markup {
        let operators = self.everybody(book, moment);
        let commands = [Command {
            does: "Fetch the registry's log, rebuild every slot from it, and compare with the contract:",
            text: format!("chassis audit {}", self.flags()),
        }];
        html! {
            section.lead aria-labelledby="now" {
                h1 #now { "Who is attested now" }
                p.big { (headline(&operators)) }
                (figures(&operators))
            }
            (over_time(book, moment))
            div.columns {
                (section("soon", "Expiring soon", &expiring(&operators, moment)))
                (section("recent", "Latest changes", &html! {
                    (change_list(book.news.latest().take(CHANGES), moment))
                    p.more { a href="/changes" { "All changes" } }
                }))
            }
            div.columns {
                (section("levels", "Levels of live operators", &level_table(&operators)))
                (section("providers", "Providers", &providers(&operators)))
            }
            (section("batches", "Latest batches", &html! {
                (batch_table(book, book.history.batches().iter().rev().take(LISTED), moment))
                p.more { a href="/batches" { "All batches" } }
            }))
            (verify(&commands))
        }
    }
}

fn count(operators: &[Operator], standing: Standing) -> usize {
    operators.iter().filter(|o| o.standing == standing).count()
}

fn headline(operators: &[Operator]) -> Markup {
    let attested = count(operators, Standing::Attested);
    let paused = count(operators, Standing::Paused);
    html! {
        @if paused > 0 {
            "The registry is paused: isAttested answers false for all "
            (grouped(operators.len() as u64)) " operators."
        } @else {
            strong.count { (grouped(attested as u64)) } " of " (grouped(operators.len() as u64))
            " operators the log tells of are attested by the default requirement: binding VirtualTpm or more, custody "
            "Witnessed or more, TCB UpToDate."
        }
    }
}

/// A number for each standing that anybody has.
fn figures(operators: &[Operator]) -> Markup {
    html! {
        ul.figures {
            @for standing in Standing::ALL {
                @let number = count(operators, standing);
                @if number > 0 || standing == Standing::Attested {
                    li {
                        a href={ "/operators?standing=" (standing.slug()) } {
                            span.number { (grouped(number as u64)) }
                            (badge(standing))
                        }
                    }
                }
            }
        }
    }
}

fn over_time(book: &Book, moment: &Moment) -> Markup {
    let Some(first) = book.history.switches().first() else {
        return html! {};
    };
    let from = first.at.time.max(moment.now.saturating_sub(WEEKS));
    let mut moves: BTreeMap<u64, i64> = BTreeMap::from([(from, 0)]);
    for (operator, _) in book.history.operators() {
        for stretch in book.history.stretches(operator, from, moment.now, Floor::DEFAULT) {
            *moves.entry(stretch.from).or_default() += 1;
            *moves.entry(stretch.to).or_default() -= 1;
        }
    }
    let mut number = 0_i64;
    let mut points: Vec<_> = moves
        .into_iter()
        .map(|(time, by)| {
            number += by;
            (time, number.unsigned_abs())
        })
        .collect();
    // What ends at the picture's edge has not ended: `stretches` cuts it there.
    points.retain(|(time, _)| *time < moment.now);
    let greatest = points.iter().map(|(_, number)| *number).max().unwrap_or(0);
    let last = points.last().map_or(0, |(_, number)| *number);
    let mut table = Table::new(
        "Operators attested by the default requirement, over time",
        &["From", "Attested"],
    )
    .under_heading();
    for (time, number) in points.iter().rev().take(50) {
        table.row(vec![when(*time, moment.now), html! { (grouped(*number)) }]);
    }
    let steps = Steps {
        id: "attested",
        title: "Operators attested by the default requirement, over time".into(),
        description: format!(
            "Over the last {}, at most {greatest} at once; {last} at the end.",
            duration(moment.now - from)
        ),
        from,
        to: moment.now,
        points,
    };
    section(
        "over-time",
        "Attested over time",
        &html! {
            (steps.markup())
            details { summary { "The same as a table" } (table.markup()) }
        },
    )
}

fn expiring(operators: &[Operator], moment: &Moment) -> Markup {
    let mut soon: Vec<_> = operators
        .iter()
        .filter(|o| o.standing.is_live() && o.expiry <= moment.now + SOON)
        .collect();
    soon.sort_unstable_by_key(|o| (o.expiry, o.address));
    let mut table = Table::new("Live operators by expiry", &["Operator", "Expires", "Platform"])
        .under_heading()
        .or("Nobody within six hours.");
    for o in soon.iter().take(LISTED) {
        let on = o.platform.map(platform).unwrap_or_default();
        table.row(vec![address(o.address), when(o.expiry, moment.now), on]);
    }
    html! {
        (table.markup())
        @if soon.len() > LISTED {
            p.more { (soon.len() - LISTED) " more within six hours. " a href="/operators?standing=attested" { "All attested" } }
        }
    }
}

/// Binding against custody: two questions, never one number.
fn level_table(operators: &[Operator]) -> Markup {
    let live: Vec<_> = operators.iter().filter(|o| o.standing.is_live()).collect();
    let number = |binding: u64, custody: u64| {
        live.iter()
            .filter(|o| (o.word.binding(), o.word.custody()) == (binding, custody))
            .count()
    };
    let custody_names = [0, 1, 2].map(|level| words::custody(level).0);
    let heads = ["Binding", custody_names[0], custody_names[1], custody_names[2]];
    let mut table =
        Table::new("Live operators by binding (rows) and custody (columns)", &heads).or("Nobody is live.");
    for binding in (1..=3).rev().filter(|_| !live.is_empty()) {
        let mut row = vec![html! { (words::binding(binding).0) }];
        for custody in 0..=2 {
            let number = number(binding, custody);
            row.push(html! { @if number == 0 { span.none { "0" } } @else { (grouped(number as u64)) } });
        }
        table.row(row);
    }
    let behind = live.iter().filter(|o| o.word.tcb() > 1).count();
    html! {
        (table.markup())
        @if behind > 0 {
            p.note { (behind) " of them have a TCB that Intel does not call UpToDate." }
        }
    }
}

fn providers(operators: &[Operator]) -> Markup {
    let mut by_provider: BTreeMap<u64, (usize, usize, BTreeSet<_>)> = BTreeMap::new();
    for o in operators.iter().filter(|o| o.word.provider() != 0) {
        let entry = by_provider.entry(o.word.provider()).or_default();
        entry.1 += 1;
        if o.standing == Standing::Attested {
            entry.0 += 1;
            entry.2.extend(o.platform);
        }
    }
    let all: usize = by_provider.values().map(|(attested, ..)| attested).sum();
    let mut table = Table::new(
        "Operators by provider",
        &["Provider", "Attested", "Share", "Platforms", "Ever"],
    )
    .under_heading()
    .or("No provider has an operator.");
    for (number, (attested, ever, platforms)) in &by_provider {
        let percent = (100 * attested).checked_div(all).unwrap_or(0);
        table.row(vec![
            provider(*number),
            html! { (grouped(*attested as u64)) },
            html! { meter min="0" max="100" value=(percent) aria-label={ (percent) " per cent of those attested" } {} " " (percent) " %" },
            html! { (grouped(platforms.len() as u64)) },
            html! { (grouped(*ever as u64)) },
        ]);
    }
    table.markup()
}

/// Levels in a cell.
pub(super) fn level_cell(operator: &Operator) -> Markup {
    html! { @if operator.word.binding() == 0 { span.none { "none" } } @else { (levels(operator)) } }
}
