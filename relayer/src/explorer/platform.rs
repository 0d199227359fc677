//! `/platforms/{id}`: one machine, and who was on it when.

use alloy::primitives::B256;
use axum::{
    extract::{Path, State},
    response::Response,
};
use maud::{Markup, html};

use super::{
    Explorer,
    book::Book,
    chart::{Bar, Mark, Row, Timeline},
    moment::Moment,
    operators::operator_table,
    page::{Command, Fields, Page, Table, badge, batch_link, digest, provider, section, verify, when},
    standing::{Operator, Standing},
    story::{change_words, standing_of},
    trouble::Trouble,
    words,
};
use crate::history::{PlatformHistory, Tenure};

/// Operators drawn, the last ones to come first.
const DRAWN: usize = 16;

pub(super) async fn page(State(explorer): State<Explorer>, Path(id): Path<String>) -> Response {
    let id: Result<B256, _> = id
        .parse()
        .map_err(|_| Trouble::NotFound("That is no platform: 0x and 64 hex digits.".into()));
    let page = id.and_then(|id| explorer.read(|book, moment| explorer.platform_page(id, book, moment)));
    explorer.answer(page)
}

impl Explorer {
    fn platform_page(&self, id: B256, book: &Book, moment: &Moment) -> Result<Page, Trouble> {
        let known = book.history.platform(id).ok_or_else(|| {
            Trouble::NotFound(format!("The registry's log does not tell of a platform {id}."))
        })?;
        let operators: Vec<_> = known
            .operators
            .iter()
            .filter_map(|operator| Operator::at(&book.history, *operator, moment.now))
            .collect();
        let (here, gone): (Vec<_>, Vec<_>) = operators.iter().partition(|o| o.platform == Some(id));
        let main = html! {
            section.lead aria-labelledby="title" {
                p.kind { "Platform" }
                h1 #title { (digest(&id)) }
                p.verdict { (platform_badge(known, moment.now)) }
                p.big { (sentence(known, moment)) }
            }
            (section("timeline-heading", "Timeline", &timeline(id, known, book, moment)))
            (section("facts", "As the registry has it", &facts(known, moment)))
            (section("here", "Operators here", &operator_table("Operators on this platform", here.iter().copied(), moment)))
            @if !gone.is_empty() {
                (section("gone", "Operators that moved away", &operator_table("Operators that were on this platform", gone.iter().copied(), moment)))
            }
            (section("changes", "Entries and changes of status", &changes(known, moment)))
            (verify(&[
                Command {
                    does: "Rebuild its history from the log:",
                    text: format!("chassis audit platform {id} {}", self.flags()),
                },
                self.reappraise(&format!("platform {id}")),
            ]))
        };
        Ok(Page {
            title: format!("Platform {id}"),
            main,
            moment: Some(moment.clone()),
            tab: Some("/platforms"),
            about: None,
        })
    }
}

/// Whether custody has run out.
pub(super) fn is_over(tenure: &Tenure, now: u64) -> bool {
    tenure.custody_expiry <= now
}

/// A platform is never "attested": it stands, or it does not.
pub(super) fn platform_badge(known: &PlatformHistory, now: u64) -> Markup {
    match known.stopped_at(now) {
        Some(change) => badge(standing_of(change.new)),
        None => match known.tenures.last() {
            Some(tenure) if is_over(tenure, now) => badge(Standing::Expired),
            Some(_) => html! { span.badge.s-entered { "Entered" } },
            None => badge(Standing::Unknown),
        },
    }
}

fn sentence(known: &PlatformHistory, moment: &Moment) -> Markup {
    if let Some(change) = known.stopped_at(moment.now) {
        return html! { (change_words(change)) " No operator on it is attested." };
    }
    let Some(tenure) = known.tenures.last() else {
        return html! {};
    };
    let (name, text) = words::custody(tenure.custody.into());
    html! {
        "Custody " strong { (name) } ": " (text)
        @if is_over(tenure, moment.now) { " That ran out " } @else { " That holds until " }
        (when(tenure.custody_expiry, moment.now)) "."
    }
}

fn facts(known: &PlatformHistory, moment: &Moment) -> Markup {
    let Some(tenure) = known.tenures.last() else {
        return html! {};
    };
    Fields::default()
        .with("Provider", provider(tenure.provider.into()))
        .with("Custody", html! { (words::custody(tenure.custody.into()).0) })
        .with("Custody until", when(tenure.custody_expiry, moment.now))
        .with("Entered alike since", when(tenure.from.time, moment.now))
        .with("Last entered in batch", batch_link(tenure.last_batch))
        .markup()
}

fn timeline(id: B256, known: &PlatformHistory, book: &Book, moment: &Moment) -> Markup {
    let first = known.tenures.first().map(|t| t.from.time);
    let changed = known.changes.first().map(|c| c.at.time);
    let Some(from) = first.into_iter().chain(changed).min() else {
        return html! {};
    };
    let mut rows = vec![Row {
        name: "Custody".into(),
        bars: custody_bars(known, moment.now),
    }];
    let mut present: Vec<_> = known
        .operators
        .iter()
        .filter_map(|operator| Some((*operator, book.history.operator(*operator)?)))
        .collect();
    present.sort_by_key(|(operator, known)| (std::cmp::Reverse(known.spans.last().map(|s| s.to)), *operator));
    let mut ahead = moment.now;
    for (operator, known) in present.iter().take(DRAWN) {
        let here = known.spans.iter().filter(|span| span.standing.platform == id);
        let bars = here.map(|span| {
            ahead = ahead.max(span.to);
            Bar {
                from: span.from.time,
                to: span.to,
                label: words::binding(span.standing.binding.into()).0.into(),
                class: format!("level-{}", span.standing.binding),
            }
        });
        let name: String = operator.to_string().chars().take(10).collect();
        rows.push(Row {
            name,
            bars: bars.collect(),
        });
    }
    let more = present.len().saturating_sub(DRAWN);
    let timeline = Timeline {
        id: "timeline",
        title: format!("Timeline of platform {id}"),
        description: format!(
            "Its custody, and when each of {} operators had a live lane on it.",
            present.len()
        ),
        from,
        to: ahead + (ahead - from) / 50,
        now: moment.now,
        rows,
        marks: known
            .changes
            .iter()
            .map(|c| Mark {
                at: c.at.time,
                label: change_words(c),
            })
            .collect(),
    };
    html! {
        (timeline.markup())
        @if more > 0 { p.legend { (more) " more operators are not drawn." } }
        p.legend { "The tables below say the same." }
    }
}

fn custody_bars(known: &PlatformHistory, now: u64) -> Vec<Bar> {
    let mut bars = Vec::new();
    for (i, tenure) in known.tenures.iter().enumerate() {
        let next = known.tenures.get(i + 1).map(|next| next.from.time);
        let stop = known
            .changes
            .iter()
            .map(|c| c.at.time)
            .find(|time| *time >= tenure.from.time);
        let to = [next, stop]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(tenure.custody_expiry.min(now));
        bars.push(Bar {
            from: tenure.from.time,
            to,
            label: words::custody(tenure.custody.into()).0.into(),
            class: format!("level-{}", tenure.custody + 1),
        });
    }
    for change in known.changes.iter().filter(|change| !change.is_lift()) {
        let next = known
            .tenures
            .iter()
            .map(|t| t.from.time)
            .find(|time| *time > change.at.time);
        let standing = standing_of(change.new);
        bars.push(Bar {
            from: change.at.time,
            to: next.unwrap_or(now),
            label: words::standing(standing).0.into(),
            class: format!("s-{}", standing.slug()),
        });
    }
    bars
}

fn changes(known: &PlatformHistory, moment: &Moment) -> Markup {
    let entries = known.tenures.iter().map(|t| {
        let text = html! {
            "Entered by provider " (t.provider) ", custody " (words::custody(t.custody.into()).0) ", in batch "
            (batch_link(t.first_batch))
            @if t.entries > 1 { "; " (t.entries - 1) " more entries said the same" }
        };
        (t.from, text)
    });
    let stops = known
        .changes
        .iter()
        .map(|change| (change.at, html! { (change_words(change)) }));
    let mut all: Vec<_> = entries.chain(stops).collect();
    all.sort_by_key(|(at, _)| std::cmp::Reverse(at.key()));
    let mut table = Table::new(
        "Entries and changes of status, the last first",
        &["Time", "What", "Transaction"],
    )
    .under_heading();
    for (at, text) in all {
        table.row(vec![
            when(at.time, moment.now),
            text,
            super::page::hex(&at.transaction),
        ]);
    }
    table.markup()
}
