//! `/changes`: whose status changed, the last first.

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    response::Response,
};
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    Explorer,
    book::Book,
    change::{Change, ChangeId, Changed},
    moment::Moment,
    page::{Command, Page, address, platform, verify, when},
    trouble::Trouble,
};

const LENGTH: usize = 50;

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    /// The last change of the page before.
    before: Option<ChangeId>,
}

pub(super) async fn page(
    State(explorer): State<Explorer>,
    query: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let asked = query
        .map(|Query(asked)| asked)
        .map_err(|_| Trouble::BadRequest("A change, before which the page ends, can be asked for.".into()));
    let page =
        asked.and_then(|asked| explorer.read(|book, moment| Ok(explorer.changes(&asked, book, moment))));
    explorer.answer(page)
}

impl Explorer {
    fn changes(&self, asked: &Asked, book: &Book, moment: &Moment) -> Page {
        let (listed, next) = book.news.page(asked.before, LENGTH, |_| true);
        let main = html! {
            section.lead aria-labelledby="title" {
                h1 #title { "Changes" }
                p.big {
                    "Grants, expiries, freezes, and what governance did; no renewals. Also as a feed: "
                    a href="/feed.json" { "JSON" } ", " a href="/feed.atom" { "Atom" } "."
                }
            }
            @if asked.before.is_some_and(|before| book.news.has_dropped_since(before)) {
                p.note { "Older changes are not kept here: each operator's page has its own." }
            }
            (change_list(listed.into_iter(), moment))
            @if let Some(next) = next {
                p.more { a rel="next" href={ "/changes?before=" (next) } { "Older" } }
            }
            (verify(&[Command {
                does: "Fetch the whole log, and check that the registry is what it says:",
                text: format!("chassis audit {}", self.flags()),
            }]))
        };
        Page {
            title: "Changes".into(),
            main,
            moment: Some(moment.clone()),
            tab: Some("/changes"),
            about: None,
        }
    }
}

/// Changes, the first given first.
pub(super) fn change_list<'a>(changes: impl Iterator<Item = &'a Change>, moment: &Moment) -> Markup {
    let changes: Vec<_> = changes.collect();
    html! {
        @if changes.is_empty() { p.note { "Nothing has changed yet." } }
        ol.changes reversed {
            @for change in changes {
                li class={ "k-" (change.kind) } {
                    p.what {
                        strong { (change.title) } " "
                        @match change.what {
                            Changed::Operator(operator) => { (address(operator)) }
                            Changed::Platform(id) => { (platform(id)) }
                            Changed::Registry => {}
                        }
                    }
                    p.text { (change.text) }
                    p.time { (when(change.time, moment.now)) }
                }
            }
        }
    }
}
