//! `/operators/{address}`: one operator's story, from evidence to block.

mod events;
mod verdicts;

use alloy::primitives::Address;
use axum::{
    extract::{Path, State},
    response::Response,
};
use chassis_verifier::CheckId;
use maud::{Markup, html};

use super::{
    Explorer,
    book::{Book, Posted},
    change::by,
    moment::Moment,
    page::{
        Command, Fields, Page, Table, badge, batch_link, digest, iso, note, platform, provider, section,
        verify, when,
    },
    results::Appraised,
    standing::{Operator, Standing},
    story::{change_words, story},
    trouble::Trouble,
    words,
};
use crate::{
    history::{Floor, Why},
    registry::IProofOfCloudRegistry::Status,
    replay::Subject,
    store::EventRow,
};

use events::{EVENTS, event_table};
use verdicts::verdicts;

pub(super) async fn page(State(explorer): State<Explorer>, Path(address): Path<String>) -> Response {
    let page = explorer.operator_page(&address).await;
    explorer.answer(page)
}

impl Explorer {
    async fn operator_page(&self, address: &str) -> Result<Page, Trouble> {
        let address: Address = address
            .parse()
            .map_err(|_| Trouble::NotFound("That is no address: 0x and 40 hex digits.".into()))?;
        // First what must be waited for; then the page as of one moment.
        let (posted, block) =
            self.read(|book, moment| Ok((book.latest.get(&address).copied(), moment.block)))?;
        let appraised = match posted {
            Some(posted) => self.0.results.get(posted.digest).await,
            None => Ok(None),
        };
        let about = Subject::Operator(address);
        let events = self.0.store.latest_events(about, block, EVENTS).await?;
        self.read(|book, moment| {
            let operator = Operator::at(&book.history, address, moment.now);
            let main = match &operator {
                Some(operator) => self.known(operator, posted, &appraised, &events, book, moment),
                None => unknown(address),
            };
            Ok(Page {
                title: format!("Operator {address}"),
                main: html! { (main) (verify(&self.commands(address, moment))) },
                moment: Some(moment.clone()),
                tab: Some("/operators"),
                about: Some(address),
            })
        })
    }

    fn known(
        &self,
        operator: &Operator,
        posted: Option<Posted>,
        appraised: &Result<Option<Appraised>, String>,
        events: &[EventRow],
        book: &Book,
        moment: &Moment,
    ) -> Markup {
        let story = book
            .history
            .operator(operator.address)
            .map(|known| story(&book.history, operator.address, known, moment));
        html! {
            section.lead aria-labelledby="title" {
                p.kind { "Operator" }
                h1 #title { (digest(&operator.address)) }
                p.verdict { (badge(operator.standing)) }
                p.big { (sentence(operator, moment)) }
                @if let Some(why) = why(operator, book, moment) { p.big { (why) } }
            }
            (verdicts(operator))
            @if let Some(story) = story { (section("timeline-heading", "Timeline", &story)) }
            (section("facts", "As the registry has it", &facts(operator, posted, book, moment)))
            (section("checks", "The latest appraisal, check by check", &self.checks(posted, appraised)))
            (section("events", "Events", &event_table(events, operator, moment)))
        }
    }

    /// What the archive says, as what it says.
    fn checks(&self, posted: Option<Posted>, appraised: &Result<Option<Appraised>, String>) -> Markup {
        if posted.is_none() {
            return note("Nothing was ever posted about it.");
        }
        let appraised = match appraised {
            Ok(Some(appraised)) => appraised,
            Ok(None) if self.0.results.is_none() => {
                return note("This explorer has no archive: start it with --archive to see the checks.");
            }
            Ok(None) => {
                return note("The archive does not have this appraisal. Other relayers' archives may.");
            }
            Err(problem) => return note(&format!("The appraisal cannot be shown: {problem}.")),
        };
        html! {
            p.note {
                "As the archive tells it, by the digest that was posted. The words are not proven by that digest: "
                "re-appraise, below, to have every check from the evidence itself."
            }
            (Fields::default()
                .with("Result digest", digest(&appraised.digest))
                .with("Evidence digest", digest(&appraised.evidence_digest))
                .with("Policy", digest(&appraised.policy_digest))
                .with("Endorsements", digest(&appraised.endorsements_digest))
                .with("Appraised as of", when(appraised.as_of, appraised.as_of))
                .markup())
            (check_table(appraised))
        }
    }

    fn commands(&self, address: Address, moment: &Moment) -> Vec<Command> {
        let flags = self.flags();
        vec![
            Command {
                does: "Ask the registry:",
                text: format!("chassis status {address} {flags}"),
            },
            Command {
                does: "Rebuild its history from the log, and say whether it was attested at this page's block, and why:",
                text: format!(
                    "chassis audit operator {address} {flags} --at {}",
                    iso(moment.block_time)
                ),
            },
            self.reappraise(&format!("operator {address}")),
        ]
    }
}

fn unknown(address: Address) -> Markup {
    html! {
        section.lead aria-labelledby="title" {
            p.kind { "Operator" }
            h1 #title { (digest(&address)) }
            p.verdict { (badge(Standing::Unknown)) }
            p.big { (words::standing(Standing::Unknown).1) }
        }
    }
}

fn sentence(operator: &Operator, moment: &Moment) -> Markup {
    let (_, text) = words::standing(operator.standing);
    html! {
        (text) " "
        @match operator.standing {
            Standing::Attested | Standing::Below => { "It expires " (when(operator.expiry, moment.now)) "." }
            Standing::Expired if operator.expiry != 0 => { "It ran out " (when(operator.expiry, moment.now)) "." }
            Standing::Frozen | Standing::Revoked | Standing::Deregistered if operator.word.status() != Status::Active => {
                "Since " (when(operator.word.since(), moment.now)) "."
            }
            _ => {}
        }
    }
}

/// Who or what stopped it.
fn why(operator: &Operator, book: &Book, moment: &Moment) -> Option<String> {
    match book.history.at(operator.address, moment.now, Floor::DEFAULT).why {
        Why::Status(change) => Some(match change.subject {
            Subject::Platform(_) => format!("Its platform: {}", change_words(change)),
            Subject::Operator(_) => change_words(change),
        }),
        Why::Switch(switch) => Some(format!(
            "{} {}.",
            if switch.paused {
                "The registry was paused"
            } else {
                "Its provider was frozen"
            },
            by(switch.by)
        )),
        _ => None,
    }
}

fn facts(operator: &Operator, posted: Option<Posted>, book: &Book, moment: &Moment) -> Markup {
    let word = operator.word;
    let known = book.history.operator(operator.address);
    let instance = known
        .and_then(|known| known.spans.last())
        .map(|span| span.standing.instance);
    let mut fields = Fields::default();
    if word.status() == Status::Active {
        fields = fields
            .with(
                "Attested as now, without a gap, since",
                when(word.since(), moment.now),
            )
            .with("Expires", when(operator.expiry, moment.now));
    }
    fields
        .maybe("Platform", operator.platform.map(|id| html! { (platform(id)) }))
        .maybe(
            "Provider",
            (word.provider() != 0).then(|| provider(word.provider())),
        )
        .maybe("Workload", operator.workload.map(|id| digest(&id)))
        .maybe(
            "Instance",
            instance.filter(|id| !id.is_zero()).map(|id| digest(&id)),
        )
        .maybe(
            "Evidence of its grant",
            (word.evidence_time() != 0).then(|| when(word.evidence_time(), moment.now)),
        )
        .maybe("Posted digest", posted.map(|posted| digest(&posted.digest)))
        .maybe("In batch", posted.and_then(|posted| posted.batch).map(batch_link))
        .maybe("Transaction", posted.map(|posted| digest(&posted.at.transaction)))
        .markup()
}

fn check_table(appraised: &Appraised) -> Markup {
    let mut table = Table::new(
        "Every check of the appraisal",
        &["Check", "Asks", "Answer", "Found"],
    )
    .under_heading();
    for check in &appraised.checks {
        let id = CheckId::ALL.iter().find(|id| **id as u16 == check.id);
        let (class, answer) = match check.outcome.as_str() {
            "pass" => ("yes", "Yes"),
            "fail" => ("no", "No"),
            "not_applicable" => ("none", "Does not arise"),
            other => ("none", other),
        };
        // The name is the program's own where it knows the check: a document may say anything, at any length.
        let name = id.map_or(check.name.as_str(), |id| id.name());
        table.row(vec![
            html! { code class=[id.map(|_| "name")] { (name) } " " span.none { (check.id) } },
            html! { (id.map_or("", |id| id.asks())) },
            html! { span class={ "answer " (class) } { (answer) } },
            html! {
                (check.detail)
                @if let Some(rule) = &check.rule { " " span.none { "by " code { (rule) } } }
            },
        ]);
    }
    table.markup()
}
