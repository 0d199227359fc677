//! What is told, as JSON.

use alloy::primitives::{Address, B256};
use serde::Serialize;

use super::{
    super::{judge::VERIFIER, reappraise::Finding, source::Known, words},
    FLOOR, Topic,
};
use crate::{
    Error,
    history::{
        Batch, Floor, Gap, Happening, History, OperatorHistory, PlatformHistory, RelayerHistory, Span,
        Standing, Switch, What, Why,
    },
    registry::status_name,
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
    /// Which version of the verifier appraised again.
    pub(super) verifier: &'static str,
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
        /// Its spans without pauses and freezes of its provider.
        attested: Vec<StretchView>,
        outages: Vec<OutageView>,
        gaps: Vec<Gap>,
        changes: usize,
        skipped: u64,
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

/// A time in which an operator was attested, as what, and by whom last.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StretchView {
    pub(super) from: u64,
    pub(super) to: u64,
    #[serde(skip)]
    pub(super) span: Span,
    /// Who signed the last batch that lengthened its span.
    pub(super) signers: Vec<Address>,
}

/// A time in which all was paused, or a provider frozen.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OutageView {
    pub(super) from: u64,
    /// `None`: it goes on.
    pub(super) to: Option<u64>,
    /// `None`: everybody's.
    pub(super) provider: Option<u16>,
    pub(super) cause: Switch,
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
        asked: Option<u64>,
        mut happenings: Vec<Happening>,
    ) -> Result<Self, Error> {
        let nobody = |what: String| {
            let about = format!("the registry's log up to block {} knows no {what}", known.block);
            Error::Question(about)
        };
        let history = &known.history;
        let mut moment = None;
        let (id, about) = match topic {
            Topic::Operator(operator) => {
                let found = history.operator(operator);
                let found = found.ok_or_else(|| nobody(format!("operator {operator}")))?;
                moment = Some(at(known, operator, asked.unwrap_or(known.time)));
                let outages = outages(history, operator);
                happenings.retain(|happening| match &happening.what {
                    What::Switched(switch) => outages.iter().any(|outage| outage.is_by(switch)),
                    _ => true,
                });
                (
                    operator.to_string(),
                    operator_story(known, operator, found, outages),
                )
            }
            Topic::Platform(id) => {
                let found = history.platform(id).cloned();
                let found = found.ok_or_else(|| nobody(format!("platform {id}")))?;
                (id.to_string(), platform_story(history, id, found))
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
                (relayer.to_string(), relayer_story(history, found))
            }
        };
        Ok(Self {
            id,
            block: known.block,
            time: known.time,
            moment,
            about,
            happenings,
            verifier: VERIFIER,
            reappraised: None,
            is_asked: asked.is_some(),
        })
    }

    /// Whether nothing was found against what was asked.
    pub(super) fn is_clean(&self) -> bool {
        let is_attested = self.moment.as_ref().is_none_or(|moment| moment.is_attested);
        self.reappraised
            .iter()
            .flatten()
            .all(|finding| !finding.answer.is_false())
            && (!self.is_asked || is_attested)
    }

    /// Whether all that was appraised again could be.
    pub(super) fn is_said(&self) -> bool {
        self.reappraised
            .iter()
            .flatten()
            .all(|finding| finding.answer.is_said())
    }
}

fn platform_story(history: &History, id: B256, found: PlatformHistory) -> About {
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
    About::Platform {
        history: found,
        stays,
    }
}

fn relayer_story(history: &History, found: RelayerHistory) -> About {
    let counted = history.batches().iter().filter(|batch| {
        let seats = found.seats.iter().filter(|seat| seat.set == batch.relayer_set);
        seats.clone().any(|seat| seat.counts_at(batch.at.time))
    });
    let possible = counted.count() as u64;
    About::Relayer {
        history: found,
        possible,
    }
}

fn operator_story(
    known: &Known,
    operator: Address,
    found: &OperatorHistory,
    outages: Vec<OutageView>,
) -> About {
    let history = &known.history;
    let stretches = history
        .stretches(operator, 0, u64::MAX, Floor::ANY)
        .into_iter()
        .map(|stretch| {
            let batch = history.batch(stretch.span.last_batch);
            StretchView {
                from: stretch.from,
                to: stretch.to,
                span: stretch.span.clone(),
                signers: batch.map_or_else(Vec::new, |batch| history.signers(batch)),
            }
        });
    About::Operator {
        attested: stretches.collect(),
        outages,
        gaps: found.gaps(known.time),
        changes: found.changes.len(),
        skipped: found.skipped,
        spans: found.spans.clone(),
    }
}

/// Pauses, and freezes of its provider, that fell into one of its spans.
fn outages(history: &History, operator: Address) -> Vec<OutageView> {
    let spans = history.operator(operator).map_or(&[][..], |found| &found.spans);
    let outages = history.outages().into_iter().filter(|outage| {
        let (from, to) = (outage.cause.at.time, outage.to.unwrap_or(u64::MAX));
        spans.iter().any(|span| {
            let is_its = outage
                .provider
                .is_none_or(|provider| provider == span.standing.provider);
            is_its && span.from.time < to && from < span.to
        })
    });
    let outages = outages.map(|outage| OutageView {
        from: outage.cause.at.time,
        to: outage.to,
        provider: outage.provider,
        cause: outage.cause.clone(),
    });
    outages.collect()
}

impl OutageView {
    /// Whether it began or ended with this switch.
    fn is_by(&self, switch: &Switch) -> bool {
        self.cause == *switch || self.to == Some(switch.at.time)
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
