//! An operator's history as a picture, and as rows of a table.

use maud::{Markup, html};

use super::{
    change::{by, capitalised, reason},
    chart::{Bar, Mark, Row, Timeline},
    moment::Moment,
    page::{Table, duration, when},
    standing::Standing,
    words,
};
use crate::{
    history::{End, Floor, Gap, History, OperatorHistory, Span, StatusChange},
    registry::IProofOfCloudRegistry::Status,
};
use alloy::primitives::{Address, B256};

/// A part of an operator's life, from one time to another.
struct Part {
    from: u64,
    /// `None`: it goes on.
    to: Option<u64>,
    standing: Standing,
    text: String,
}

/// The picture, and the same as a table.
pub(super) fn story(
    history: &History,
    operator: Address,
    known: &OperatorHistory,
    moment: &Moment,
) -> Markup {
    let parts = parts(history, operator, known, moment);
    let Some(from) = parts.first().map(|part| part.from) else {
        return html! {};
    };
    let ahead = known.spans.last().map_or(0, |span| span.to);
    let margin = (moment.now.max(ahead) - from) / 50;
    let to = moment.now.max(ahead) + margin;
    let timeline = Timeline {
        id: "timeline",
        title: format!("Timeline of {operator}"),
        description: described(&parts, moment),
        from,
        to,
        now: moment.now,
        rows: rows(&parts, known, to),
        marks: marks(known),
    };
    let mut table = Table::new(
        "What it was, from when until when",
        &["From", "Until", "Standing", "Because"],
    )
    .under_heading();
    for part in parts.iter().rev() {
        table.row(vec![
            when(part.from, moment.now),
            part.to.map_or_else(|| html! { "now" }, |to| when(to, moment.now)),
            super::page::badge(part.standing),
            html! { (part.text) },
        ]);
    }
    html! {
        (timeline.markup())
        (legend())
        details { summary { "The same as a table" } (table.markup()) }
    }
}

fn parts(history: &History, operator: Address, known: &OperatorHistory, moment: &Moment) -> Vec<Part> {
    let mut parts = Vec::new();
    let default = history.stretches(operator, 0, u64::MAX, Floor::DEFAULT);
    for stretch in history.stretches(operator, 0, u64::MAX, Floor::ANY) {
        let is_default = default
            .iter()
            .any(|d| d.from == stretch.from && d.to == stretch.to);
        let standing = if is_default {
            Standing::Attested
        } else {
            Standing::Below
        };
        let from = stretch.span.from.time == stretch.from;
        let text = if from {
            span_words(stretch.span)
        } else {
            "What was unexpired counts again.".into()
        };
        parts.push(Part {
            from: stretch.from,
            to: Some(stretch.to),
            standing,
            text,
        });
    }
    for gap in known.gaps(moment.now) {
        parts.push(gap_part(&gap, known));
    }
    // Frozen, or revoked, before it was ever granted.
    if let Some(change) = known.changes.first().filter(|_| known.spans.is_empty()) {
        parts.push(Part {
            from: change.at.time,
            to: None,
            standing: standing_of(change.new),
            text: change_words(change),
        });
    }
    for outage in history.outages() {
        let hit = known.spans.iter().find(|span| {
            let begins = outage.cause.at.time.max(span.from.time);
            begins < span.to.min(outage.to.unwrap_or(u64::MAX))
                && outage
                    .provider
                    .is_none_or(|provider| provider == span.standing.provider)
        });
        let Some(span) = hit else { continue };
        let standing = if outage.provider.is_none() {
            Standing::Paused
        } else {
            Standing::Frozen
        };
        let what = outage.provider.map_or("The registry was paused".to_owned(), |p| {
            format!("Provider {p} was frozen")
        });
        parts.push(Part {
            from: outage.cause.at.time.max(span.from.time),
            to: outage.to.map(|to| to.min(span.to)),
            standing,
            text: format!("{what}, {}.", by(outage.cause.by)),
        });
    }
    parts.sort_by_key(|part| part.from);
    parts
}

fn gap_part(gap: &Gap, known: &OperatorHistory) -> Part {
    let (standing, text) = match &gap.cause {
        End::Status(change) => (standing_of(change.new), change_words(change)),
        End::PlatformLowered { .. } => (
            Standing::Expired,
            "Its platform was entered with less custody, or for less long.".into(),
        ),
        End::Expiry | End::Regrant => {
            // Frozen when it had run out already: the log says so all the same.
            let during = known
                .changes
                .iter()
                .rev()
                .find(|c| c.at.time >= gap.from && gap.to.is_none_or(|to| c.at.time < to));
            match during {
                Some(change) => (standing_of(change.new), change_words(change)),
                None => (Standing::Expired, "It ran out, and nobody had renewed it.".into()),
            }
        }
    };
    Part {
        from: gap.from,
        to: gap.to,
        standing,
        text,
    }
}

fn rows(parts: &[Part], known: &OperatorHistory, end: u64) -> Vec<Row> {
    let standing = parts.iter().map(|part| Bar {
        from: part.from,
        to: part.to.unwrap_or(end),
        label: words::standing(part.standing).0.into(),
        class: format!("s-{}", part.standing.slug()),
    });
    let level = |name: &str, of: &dyn Fn(&Span) -> (String, u64)| {
        // Spans that say the same, one right after the other, are one bar.
        let mut bars: Vec<Bar> = Vec::new();
        for span in &known.spans {
            let (label, number) = of(span);
            match bars.last_mut() {
                Some(last) if last.to >= span.from.time && last.label == label => last.to = span.to,
                _ => bars.push(Bar {
                    from: span.from.time,
                    to: span.to,
                    label,
                    class: format!("level-{number}"),
                }),
            }
        }
        Row {
            name: name.into(),
            bars,
        }
    };
    vec![
        Row {
            name: "Standing".into(),
            bars: standing.collect(),
        },
        level("Binding", &|s| {
            (
                words::binding(s.standing.binding.into()).0.into(),
                s.standing.binding.into(),
            )
        }),
        level("Custody", &|s| {
            (
                words::custody(s.standing.custody.into()).0.into(),
                u64::from(s.standing.custody) + 1,
            )
        }),
        level("TCB", &|s| {
            (
                words::tcb(s.standing.tcb.into()).0.into(),
                if s.standing.tcb == 1 { 3 } else { 1 },
            )
        }),
        level("Platform", &|s| (short(s.standing.platform), 0)),
    ]
}

fn marks(known: &OperatorHistory) -> Vec<Mark> {
    let grants = known.spans.iter().map(|span| Mark {
        at: span.from.time,
        label: format!("Granted in batch {}", span.first_batch),
    });
    let changes = known.changes.iter().map(|change| Mark {
        at: change.at.time,
        label: change_words(change),
    });
    grants.chain(changes).collect()
}

fn legend() -> Markup {
    html! { p.legend { "Ticks above the bars are grants and changes of status. What lies beyond the line \"now\" is what holds if nothing more happens." } }
}

fn described(parts: &[Part], moment: &Moment) -> String {
    let attested: u64 = parts
        .iter()
        .filter(|part| part.standing == Standing::Attested)
        .map(|part| {
            part.to
                .unwrap_or(moment.now)
                .min(moment.now)
                .saturating_sub(part.from)
        })
        .sum();
    let all = parts
        .first()
        .map_or(0, |part| moment.now.saturating_sub(part.from));
    let interruptions = parts.iter().filter(|part| !part.standing.is_live()).count();
    format!(
        "Attested for {} of {} since its first grant, with {interruptions} interruptions.",
        duration(attested),
        duration(all)
    )
}

fn span_words(span: &Span) -> String {
    let renewals = match span.renewals {
        0 => String::new(),
        1 => ", renewed once".into(),
        n => format!(", renewed {n} times"),
    };
    format!("Granted in batch {}{renewals}.", span.first_batch)
}

/// A change of status, in a sentence.
pub(super) fn change_words(change: &StatusChange) -> String {
    let verb = match (change.is_lift(), change.new) {
        (true, _) => "Freeze lifted",
        (_, Status::Revoked) => "Revoked",
        (_, Status::Deregistered) => "Deregistered",
        _ => "Frozen",
    };
    let whose = by(change.by);
    match change.new {
        Status::Deregistered => format!("{verb} {whose}."),
        _ => format!(
            "{verb} {whose}, reason {}.",
            capitalised(&reason(change.reason, change.by))
        ),
    }
}

pub(super) fn standing_of(status: Status) -> Standing {
    match status {
        Status::Revoked => Standing::Revoked,
        Status::Deregistered => Standing::Deregistered,
        _ => Standing::Frozen,
    }
}

fn short(platform: B256) -> String {
    platform.to_string().chars().take(8).collect()
}
