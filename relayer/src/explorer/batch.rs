//! `/batches/{number}`: who signed what.

use axum::{
    extract::{Path, State},
    response::Response,
};
use maud::{Markup, html};

use super::{
    Explorer,
    book::Book,
    moment::Moment,
    page::{Command, Fields, Page, Table, address, digest, grouped, hex, platform, section, verify, when},
    relayers::relayer_link,
    trouble::Trouble,
    words,
};
use crate::{
    history::Batch,
    index::BatchLog,
    registry::IProofOfCloudRegistry::Item,
    replay::{Event, PlatformWord, RegistryLog},
};

pub(super) async fn page(State(explorer): State<Explorer>, Path(number): Path<String>) -> Response {
    let page = explorer.batch_page(&number).await;
    explorer.answer(page)
}

impl Explorer {
    async fn batch_page(&self, number: &str) -> Result<Page, Trouble> {
        let number: u64 = number
            .parse()
            .map_err(|_| Trouble::NotFound("That is no batch: batches have numbers.".into()))?;
        let block = self.read(|_, moment| Ok(moment.block))?;
        // What is published reaches at least as far as the history.
        let published = self.0.index.published();
        let published =
            published.ok_or_else(|| Trouble::Unavailable("The log is being read anew.".into()))?;
        let state = published.replay.state();
        let log = BatchLog::read(&self.0.store, state, number, block).await?;
        self.read(|book, moment| {
            let found = log.as_ref().zip(book.history.batch(number));
            let (log, batch) =
                found.ok_or_else(|| Trouble::NotFound(format!("No batch {number} is final.")))?;
            Ok(self.batch(log, batch, book, moment))
        })
    }

    fn batch(&self, log: &BatchLog, batch: &Batch, book: &Book, moment: &Moment) -> Page {
        let number = batch.number;
        let last = book.history.batches().len() as u64 - 1;
        let main = html! {
            section.lead aria-labelledby="title" {
                p.kind { "Batch" }
                h1 #title { "#" (grouped(number)) }
                p.big {
                    "Posted " (when(batch.at.time, moment.now)) " in block " (grouped(batch.at.block)) ": "
                    (batch.grants) " grants, " (batch.renewals) " renewals, " (batch.platforms) " platform entries, "
                    (batch.skipped) " items skipped."
                }
                nav.filter aria-label="Neighbours" {
                    ul {
                        @if number > 0 { li { a rel="prev" href={ "/batches/" (number - 1) } { "Batch before" } } }
                        @if number < last { li { a rel="next" href={ "/batches/" (number + 1) } { "Batch after" } } }
                    }
                }
            }
            (section("signers", "Signed by", &signers(batch, book)))
            (section("facts", "What was signed", &facts(log, batch, moment)))
            (section("leaves", "Attestations", &leaves(log, moment)))
            @if !log.items.is_empty() { (section("items", "Platform entries, and what was skipped", &items(&log.items))) }
            (verify(&[
                Command {
                    does: "Show the batch from the log, with its signers and what it applied:",
                    text: format!("chassis audit batch {number} {}", self.flags()),
                },
                self.reappraise(&format!("batch {number}")),
            ]))
        };
        Page {
            title: format!("Batch {number}"),
            main,
            moment: Some(moment.clone()),
            tab: Some("/batches"),
            about: None,
        }
    }
}

fn signers(batch: &Batch, book: &Book) -> Markup {
    let set = book.history.state().relayer_sets().get(&batch.relayer_set);
    let signed = book.history.signers(batch);
    let mut table = Table::new(
        "Members of the relayer set, and whether they signed",
        &["Relayer", "Signed"],
    )
    .under_heading();
    for member in set.into_iter().flat_map(|set| &set.members) {
        let answer = if signed.contains(member) {
            ("yes", "Yes")
        } else {
            ("none", "No")
        };
        table.row(vec![
            relayer_link(*member),
            html! { span class={ "answer " (answer.0) } { (answer.1) } },
        ]);
    }
    html! {
        p.note { "Relayer set " (batch.relayer_set) " needs " (set.map_or(0, |set| set.threshold)) " signatures." }
        (table.markup())
    }
}

fn facts(log: &BatchLog, batch: &Batch, moment: &Moment) -> Markup {
    Fields::default()
        .with("Issued", when(batch.issued_at, moment.now))
        .with("Report", digest(&batch.report))
        .with("Policy", digest(&batch.policy))
        .with("Root of its digests", digest(&log.root()))
        .with("Archive manifest", digest(&batch.manifest))
        .with("Head after it", digest(&log.posted.head))
        .with("Transaction", digest(&batch.at.transaction))
        .markup()
}

fn leaves(log: &BatchLog, moment: &Moment) -> Markup {
    let heads = ["Place", "What", "Operator", "Until", "Digest"];
    let mut table = Table::new("Attestations in the order of the root's leaves", &heads)
        .under_heading()
        .or("None: it entered platforms only.");
    for (i, leaf) in log.leaves.iter().enumerate() {
        table.row(vec![
            html! { span id={ "leaf-" (leaf.digest) } { (i) } },
            html! { @if leaf.is_grant { "Grant" } @else { "Renewal" } },
            leaf.operator.map(address).unwrap_or_default(),
            when(leaf.expiry, moment.now),
            hex(&leaf.digest),
        ]);
    }
    table.markup()
}

fn items(items: &[RegistryLog]) -> Markup {
    let mut table = Table::new(
        "Platform entries and skipped items",
        &["Item", "Of", "What became of it"],
    )
    .under_heading()
    .or("None.");
    for log in items {
        match &log.event {
            Event::PlatformUpdated(e) => {
                let custody = words::custody(PlatformWord(e.platformWord).custody()).0;
                table.row(vec![
                    html! { "Platform" },
                    platform(e.platformId),
                    html! { "Entered by provider " (e.provider) ", custody " (custody) },
                ]);
            }
            Event::ItemSkipped(e) => {
                let (item, of) = match e.kind {
                    Item::Platform => ("Platform", platform(e.subject)),
                    Item::Grant => ("Grant", address(alloy::primitives::Address::from_word(e.subject))),
                    _ => (
                        "Renewal",
                        html! { "lane " (alloy::primitives::U256::from_be_bytes(e.subject.0)) },
                    ),
                };
                let reason = words::skip(&format!("{:?}", e.reason));
                table.row(vec![html! { (item) }, of, html! { "Skipped: " (reason) }]);
            }
            _ => {}
        }
    }
    table.markup()
}
