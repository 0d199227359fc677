//! The same, as tables.

use super::{
    super::{
        reappraise::reappraised,
        words::{by, cause, custody, level, list, status, subject_text},
    },
    answer::{About, MomentView, OutageView, Story, StretchView},
};
use crate::{
    history::{End, Granted, Happening, Span, What},
    render::{Cell, Document, Mark, View, date},
};

impl View for Story {
    fn document(&self) -> Document {
        let document = match &self.about {
            About::Operator { .. } => self.operator(),
            About::Platform { .. } => self.platform(),
            About::Batch { batch, signers } => Document::new()
                .heading(format_args!("Batch {}", self.id))
                .fields(vec![
                    (
                        "posted",
                        format!("{}, block {}", date(batch.at.time), batch.at.block).into(),
                    ),
                    ("transaction", batch.at.transaction.into()),
                    ("signed by", list(signers).into()),
                    ("of relayer set", batch.relayer_set.into()),
                    ("policy", batch.policy.into()),
                    ("report", batch.report.into()),
                    ("manifest", batch.manifest.into()),
                    (
                        "applied",
                        format!(
                            "{} platforms, {} grants, {} renewals; {} skipped",
                            batch.platforms, batch.grants, batch.renewals, batch.skipped
                        )
                        .into(),
                    ),
                ]),
            About::Relayer { history, possible } => {
                let seats = history.seats.iter().map(|seat| {
                    let end = seat.disabled.as_ref().map_or_else(
                        || {
                            seat.to
                                .map_or("in office".into(), |to| format!("retired {}", date(to)))
                        },
                        |d| {
                            format!(
                                "disabled {}, reason {}, by {}",
                                date(d.at.time),
                                d.reason,
                                by(d.by)
                            )
                        },
                    );
                    vec![
                        seat.set.into(),
                        seat.index.into(),
                        date(seat.from.time).into(),
                        end.into(),
                    ]
                });
                Document::new()
                    .heading(format_args!("Relayer {}", self.id))
                    .fields(vec![(
                        "signed",
                        format!("{} batches of {possible} that it could", history.signed).into(),
                    )])
                    .table(&["set", "seat", "since", "state"], seats.collect())
            }
        };
        let events = self.happenings.iter().map(event).collect();
        let document = document
            .heading("What happened")
            .table(&["time", "block", "batch", "what"], events)
            .line(format_args!("as of block {}, {}", self.block, date(self.time)));
        match &self.reappraised {
            Some(findings) => document.then(reappraised(findings, self.verifier)),
            None => document,
        }
    }

    fn holds(&self) -> bool {
        self.is_clean()
    }

    fn is_said(&self) -> bool {
        Self::is_said(self)
    }
}

impl Story {
    fn operator(&self) -> Document {
        let document = Document::new().heading(format_args!("Operator {}", self.id));
        let About::Operator {
            attested,
            outages,
            gaps,
            skipped,
            ..
        } = &self.about
        else {
            return document;
        };
        let document = match &self.moment {
            Some(moment) => document.fields(moment_fields(moment)),
            None => document,
        };
        let header = [
            "from",
            "until",
            "level",
            "platform",
            "batches",
            "renewals",
            "end",
            "last signed by",
        ];
        let rows = attested.iter().map(|stretch| stretch_row(stretch, self.time));
        let document = document.heading("Attested").table(&header, rows.collect());
        let rows = gaps.iter().map(|gap| {
            let to = gap.to.map_or("still".into(), date);
            vec![date(gap.from).into(), to.into(), cause(&gap.cause).into()]
        });
        let document = document
            .heading("Gaps")
            .table(&["from", "until", "because"], rows.collect());
        let document = if outages.is_empty() {
            document
        } else {
            let rows = outages.iter().map(outage_row).collect();
            document
                .heading("Stopped")
                .table(&["from", "until", "because"], rows)
        };
        if *skipped == 0 {
            return document;
        }
        document.line(format_args!("{skipped} of its grants and renewals were skipped"))
    }

    fn platform(&self) -> Document {
        let document = Document::new().heading(format_args!("Platform {}", self.id));
        let About::Platform { history, stays } = &self.about else {
            return document;
        };
        let tenures = history.tenures.iter().map(|tenure| {
            vec![
                date(tenure.from.time).into(),
                tenure.provider.into(),
                custody(tenure.custody).into(),
                date(tenure.custody_expiry).into(),
                tenure.entries.into(),
                format!("{}-{}", tenure.first_batch, tenure.last_batch).into(),
            ]
        });
        let stays = stays.iter().map(|stay| {
            vec![
                stay.operator.into(),
                date(stay.from).into(),
                date(stay.to).into(),
                level(&stay.standing).into(),
            ]
        });
        document
            .heading("Entered")
            .table(
                &[
                    "from",
                    "provider",
                    "custody",
                    "custody until",
                    "entries",
                    "batches",
                ],
                tenures.collect(),
            )
            .heading("Operators")
            .table(&["operator", "from", "until", "level"], stays.collect())
    }
}

fn moment_fields(moment: &MomentView) -> Vec<(&'static str, Cell)> {
    let answer = if moment.is_attested {
        Cell::marked("yes", Mark::Good)
    } else {
        Cell::marked(format_args!("no: {}", moment.denial), Mark::Bad)
    };
    vec![
        ("at", date(moment.time).into()),
        ("attested", answer),
        ("status", moment.status.into()),
        ("why", (&moment.why).into()),
    ]
}

fn stretch_row(stretch: &StretchView, now: u64) -> Vec<Cell> {
    let span = &stretch.span;
    let end = if stretch.to < span.to {
        "stopped".to_owned()
    } else {
        end(span, now)
    };
    vec![
        date(stretch.from).into(),
        date(stretch.to).into(),
        level(&span.standing).into(),
        span.standing.platform.into(),
        format!("{}-{}", span.first_batch, span.last_batch).into(),
        span.renewals.into(),
        end.into(),
        list(&stretch.signers).into(),
    ]
}

fn outage_row(outage: &OutageView) -> Vec<Cell> {
    let what = match outage.provider {
        None => "all was paused".to_owned(),
        Some(provider) => format!("provider {provider} was frozen"),
    };
    let cause = &outage.cause;
    vec![
        date(outage.from).into(),
        outage.to.map_or("still".into(), date).into(),
        format!(
            "{what}, reason {}, by {} ({})",
            cause.reason,
            by(cause.by),
            cause.actor
        )
        .into(),
    ]
}

fn event(happening: &Happening) -> Vec<Cell> {
    let what = match &happening.what {
        What::Granted(granted) => grant(granted),
        What::Renewed { operator, expiry, .. } => format!("{operator} renewed until {}", date(*expiry)),
        What::Skipped { subject, reason, .. } => format!("{}: skipped, {reason:?}", subject_text(*subject)),
        What::Entered {
            provider,
            custody: level,
            custody_expiry,
            ..
        } => format!(
            "platform entered: provider {provider}, custody {} until {}",
            custody(*level),
            date(*custody_expiry)
        ),
        What::Cut { operator, expiry, .. } => format!("{operator} cut to {}", date(*expiry)),
        What::StatusChanged(change) => status(change),
        What::Switched(switch) => format!("switches thrown, reason {}, by {}", switch.reason, switch.actor),
        What::Posted(batch) => format!("report {} applied", batch.report),
        What::Policy(change) => format!(
            "policy {} {}",
            change.policy,
            if change.is_registered {
                "registered"
            } else {
                "retired"
            }
        ),
        What::Disabled {
            set, reason, by: who, ..
        } => {
            format!("disabled in set {set}, reason {reason}, by {}", by(*who))
        }
    };
    vec![
        date(happening.at.time).into(),
        happening.at.block.into(),
        happening
            .batch
            .map_or(String::new(), |batch| batch.to_string())
            .into(),
        what.into(),
    ]
}

fn grant(granted: &Granted) -> String {
    let now = &granted.standing;
    let mut text = format!("{} granted, {}", granted.operator, level(now));
    if granted.after_gap {
        text += if granted.before.is_some() {
            ", after a gap"
        } else {
            ", for the first time"
        };
    }
    if let Some(before) = &granted.before {
        if before.platform != now.platform {
            text.extend([", moved from platform ", &before.platform.to_string()]);
        }
        if level(before) != level(now) {
            text.extend([", before: ", &level(before)]);
        }
    }
    text + &format!(", until {}", date(granted.expiry))
}

fn end(span: &Span, now: u64) -> String {
    match &span.end {
        End::Expiry if span.to > now => "runs".into(),
        other => cause(other),
    }
}
