//! What is told, as JSON.

use alloy::primitives::Address;
use serde::Serialize;

use super::{
    super::{
        judge::Judgement,
        reappraise::{Answer, Finding},
        source::Known,
        words,
    },
    FLOOR, Topic,
};
use crate::{
    Error,
    history::{Batch, Gap, Happening, OperatorHistory, PlatformHistory, RelayerHistory, Span, Standing, Why},
    http::status_name,
    render::date,
};

/// One subject's story.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::audit) struct Story {
    pub(super) id: String,
    /// The last block that was read, and its time.
    pub(super) block: u64,
    pub(super) time: u64,
    /// What was true at the time that was asked for; now, if none was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) moment: Option<MomentView>,
    #[serde(flatten)]
    pub(super) about: About,
    /// What happened, but for renewals; a batch's are all there.
    pub(super) happenings: Vec<Happening>,
    /// Everything that was appraised again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reappraised: Option<Vec<Finding>>,
    /// Whether a time was asked for.
    #[serde(skip)]
    pub(super) is_asked: bool,
}

/// The subject itself.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "about")]
pub(super) enum About {
    Operator {
        spans: Vec<Span>,
        gaps: Vec<Gap>,
        changes: usize,
        skipped: u64,
        /// Who signed the last batch that lengthened each span.
        signers: Vec<Vec<Address>>,
    },
    Platform {
        #[serde(flatten)]
        history: PlatformHistory,
        /// Who was on it, and when.
        stays: Vec<Stay>,
    },
    Batch {
        #[serde(flatten)]
        batch: Batch,
        signers: Vec<Address>,
    },
    Relayer {
        #[serde(flatten)]
        history: RelayerHistory,
        /// Batches posted while its signature counted.
        possible: u64,
    },
}

/// An operator's span on a platform.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stay {
    pub(super) operator: Address,
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) standing: Standing,
}

/// What was true at a time.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MomentView {
    pub(super) time: u64,
    /// What `isAttested(operator)` answered.
    pub(super) is_attested: bool,
    /// What `statusOf(operator)` answered.
    pub(super) status: &'static str,
    /// What `requireAttested` refuses with; `None` if it does not.
    pub(super) denial: String,
    /// Why.
    pub(super) why: String,
    pub(super) standing: Option<Standing>,
}

impl Story {
    pub(super) fn new(
        known: &Known,
        topic: Topic,
        time: u64,
        is_asked: bool,
        happenings: Vec<Happening>,
        findings: Vec<Finding>,
    ) -> Result<Self, Error> {
        let nobody = |what: String| {
            let about = format!("the registry's log up to block {} knows no {what}", known.block);
            Error::Refused(about)
        };
        let history = &known.history;
        let mut moment = None;
        let (id, about) = match topic {
            Topic::Operator(operator) => {
                let found = history.operator(operator);
                let found = found.ok_or_else(|| nobody(format!("operator {operator}")))?;
                moment = Some(at(known, operator, time));
                (operator.to_string(), operator_story(known, found))
            }
            Topic::Platform(id) => {
                let found = history.platform(id).cloned();
                let found = found.ok_or_else(|| nobody(format!("platform {id}")))?;
                let stays = found.operators.iter().flat_map(|operator| {
                    let spans = history.operator(*operator).map_or(&[][..], |o| &o.spans);
                    let here = spans.iter().filter(|span| span.standing.platform == id);
                    here.map(|span| Stay {
                        operator: *operator,
                        from: span.from.time,
                        to: span.to,
                        standing: span.standing,
                    })
                });
                let stays = stays.collect();
                (
                    id.to_string(),
                    About::Platform {
                        history: found,
                        stays,
                    },
                )
            }
            Topic::Batch(number) => {
                let found = history.batch(number).copied();
                let batch = found.ok_or_else(|| nobody(format!("batch {number}")))?;
                let signers = history.signers(&batch);
                (number.to_string(), About::Batch { batch, signers })
            }
            Topic::Relayer(relayer) => {
                let found = history.relayer(relayer).cloned();
                let found = found.ok_or_else(|| nobody(format!("relayer {relayer}")))?;
                let counted = history.batches().iter().filter(|batch| {
                    let seats = found.seats.iter().filter(|seat| seat.set == batch.relayer_set);
                    seats.clone().any(|seat| seat.counts_at(batch.at.time))
                });
                let possible = counted.count() as u64;
                (
                    relayer.to_string(),
                    About::Relayer {
                        history: found,
                        possible,
                    },
                )
            }
        };
        Ok(Self {
            id,
            block: known.block,
            time: known.time,
            moment,
            about,
            happenings,
            reappraised: (!findings.is_empty()).then_some(findings),
            is_asked,
        })
    }

    /// Whether nothing was found against what was asked.
    pub(super) fn is_clean(&self) -> bool {
        let all_true = self
            .reappraised
            .iter()
            .flatten()
            .all(|finding| matches!(finding.answer, Answer::Judged(Judgement::True { .. })));
        let is_attested = self.moment.as_ref().is_none_or(|moment| moment.is_attested);
        all_true && (!self.is_asked || is_attested)
    }
}

fn operator_story(known: &Known, found: &OperatorHistory) -> About {
    let signers = found.spans.iter().map(|span| {
        let batch = known.history.batch(span.last_batch);
        batch.map_or_else(Vec::new, |batch| known.history.signers(batch))
    });
    About::Operator {
        signers: signers.collect(),
        gaps: found.gaps(known.time),
        changes: found.changes.len(),
        skipped: found.skipped,
        spans: found.spans.clone(),
    }
}

fn at(known: &Known, operator: Address, time: u64) -> MomentView {
    let moment = known.history.at(operator, time, FLOOR);
    let granted = |span: &Span| {
        let (first, last) = (span.first_batch, span.last_batch);
        format!(
            "granted in batch {first}, renewed {} times, last in batch {last}",
            span.renewals
        )
    };
    let why = match &moment.why {
        Why::Attested(span) => format!("{}; its lane ran until {}", granted(span), date(span.to)),
        Why::Unknown => "nothing was known of it".into(),
        Why::Switch(switch) => format!(
            "{} in block {}, reason {}, by {}",
            if switch.paused {
                "all was paused"
            } else {
                "its provider was frozen"
            },
            switch.at.block,
            switch.reason,
            switch.actor
        ),
        Why::Status(change) => words::change(change, &known.history),
        Why::Over(span) => format!("{}; its lane was over at {}", granted(span), date(span.to)),
        Why::Level(span) => format!("{}; as less than `isAttested` asks for", granted(span)),
    };
    MomentView {
        time,
        is_attested: moment.is_attested(),
        status: status_name(moment.status()),
        denial: format!("{:?}", moment.denial),
        why,
        standing: moment.span.map(|span| span.standing),
    }
}
