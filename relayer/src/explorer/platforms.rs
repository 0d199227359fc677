//! `/platforms`: every machine there ever was.

use alloy::primitives::B256;
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
    page::{Command, Page, Table, grouped, platform, provider, verify, when},
    platform::{is_over, platform_badge},
    trouble::Trouble,
    words,
};
use crate::history::PlatformHistory;

const LENGTH: usize = 50;

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    /// The last id of the page before.
    after: Option<B256>,
}

pub(super) async fn page(
    State(explorer): State<Explorer>,
    query: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let asked = query.map(|Query(asked)| asked).map_err(|_| {
        Trouble::BadRequest("A platform, after which the page begins, can be asked for.".into())
    });
    let page =
        asked.and_then(|asked| explorer.read(|book, moment| Ok(explorer.platforms(&asked, book, moment))));
    explorer.answer(page)
}

impl Explorer {
    fn platforms(&self, asked: &Asked, book: &Book, moment: &Moment) -> Page {
        let all = book.history.platforms().count();
        let rest: Vec<_> = book
            .history
            .platforms_after(asked.after)
            .take(LENGTH + 1)
            .collect();
        let next = rest
            .get(LENGTH - 1)
            .filter(|_| rest.len() > LENGTH)
            .map(|(id, _)| *id);
        let main = html! {
            section.lead aria-labelledby="title" {
                h1 #title { "Platforms" }
                p.big {
                    (grouped(all as u64)) " machines, by a hash of their processor's provisioning id. "
                    "No raw hardware identifier stands on chain."
                }
            }
            (table(rest.into_iter().take(LENGTH), moment))
            @if let Some(next) = next {
                p.more { a rel="next" href={ "/platforms?after=" (next) } { "Next page" } }
            }
            (verify(&[Command {
                does: "Rebuild one platform's history from the log:",
                text: format!("chassis audit platform $PLATFORM {}", self.flags()),
            }]))
        };
        Page {
            title: "Platforms".into(),
            main,
            moment: Some(moment.clone()),
            tab: Some("/platforms"),
            about: None,
        }
    }
}

fn table<'a>(platforms: impl Iterator<Item = (B256, &'a PlatformHistory)>, moment: &Moment) -> Markup {
    let heads = [
        "Platform",
        "Status",
        "Provider",
        "Custody",
        "Custody until",
        "Operators ever",
    ];
    let mut table = Table::new("Platforms, by id", &heads)
        .under_heading()
        .or("None was ever entered.");
    for (id, known) in platforms {
        let tenure = known.tenures.last();
        table.row(vec![
            platform(id),
            platform_badge(known, moment.now),
            tenure.map(|t| provider(t.provider.into())).unwrap_or_default(),
            tenure
                .map(|t| html! { (words::custody(t.custody.into()).0) @if is_over(t, moment.now) { " (run out)" } })
                .unwrap_or_default(),
            tenure.map(|t| when(t.custody_expiry, moment.now)).unwrap_or_default(),
            html! { (grouped(known.operators.len() as u64)) },
        ]);
    }
    table.markup()
}
