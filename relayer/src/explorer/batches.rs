//! `/batches`: reports, the last first.

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    response::Response,
};
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    Explorer,
    book::Book,
    moment::Moment,
    page::{Command, Page, Table, batch_link, grouped, verify, when},
    trouble::Trouble,
};
use crate::history::Batch;

const LENGTH: usize = 50;

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    /// Batches below this number.
    before: Option<u64>,
}

pub(super) async fn page(
    State(explorer): State<Explorer>,
    query: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let asked = query
        .map(|Query(asked)| asked)
        .map_err(|_| Trouble::BadRequest("A batch, before which the page ends, can be asked for.".into()));
    let page =
        asked.and_then(|asked| explorer.read(|book, moment| Ok(explorer.batches(&asked, book, moment))));
    explorer.answer(page)
}

impl Explorer {
    fn batches(&self, asked: &Asked, book: &Book, moment: &Moment) -> Page {
        let all = book.history.batches();
        // Numbers are places.
        let end = asked.before.and_then(|before| usize::try_from(before).ok());
        let end = end.unwrap_or(all.len()).min(all.len());
        let listed: Vec<_> = all.iter().take(end).rev().take(LENGTH).collect();
        let next = listed
            .last()
            .map(|batch| batch.number)
            .filter(|number| *number > 0 && listed.len() == LENGTH);
        let main = html! {
            section.lead aria-labelledby="title" {
                h1 #title { "Batches" }
                p.big { (grouped(all.len() as u64)) " reports were applied, each signed by a quorum of relayers." }
            }
            (batch_table(book, listed.into_iter(), moment))
            @if let Some(next) = next {
                p.more { a rel="next" href={ "/batches?before=" (next) } { "Older" } }
            }
            (verify(&[Command {
                does: "Show a batch from the log, with its signers and what it applied:",
                text: format!("chassis audit batch $NUMBER {}", self.flags()),
            }]))
        };
        Page {
            title: "Batches".into(),
            main,
            moment: Some(moment.clone()),
            tab: Some("/batches"),
            about: None,
        }
    }
}

/// Batches, a row each.
pub(super) fn batch_table<'a>(
    book: &Book,
    batches: impl Iterator<Item = &'a Batch>,
    moment: &Moment,
) -> Markup {
    let heads = [
        "Batch",
        "Posted",
        "Grants",
        "Renewals",
        "Platforms",
        "Skipped",
        "Signed by",
    ];
    let mut table = Table::new("Batches, the last first", &heads)
        .under_heading()
        .or("Nothing was posted yet.");
    for batch in batches {
        let number = |n: u32| html! { @if n == 0 { span.none { "0" } } @else { (grouped(n.into())) } };
        let set = book.history.state().relayer_sets().get(&batch.relayer_set);
        table.row(vec![
            batch_link(batch.number),
            when(batch.at.time, moment.now),
            number(batch.grants),
            number(batch.renewals),
            number(batch.platforms),
            number(batch.skipped),
            html! { (batch.signer_mask.count_ones()) " of " (set.map_or(0, |set| set.members.len())) },
        ]);
    }
    table.markup()
}
