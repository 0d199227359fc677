//! `/operators`: everybody, page by page.

use alloy::primitives::Address;
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
    overview::level_cell,
    page::{Command, Page, Table, address, badge, grouped, platform, verify, when},
    standing::{Operator, Standing},
    trouble::Trouble,
    words,
};

const LENGTH: usize = 50;

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    standing: Option<String>,
    /// The last address of the page before.
    after: Option<Address>,
}

pub(super) async fn page(
    State(explorer): State<Explorer>,
    query: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let asked = query.map(|Query(asked)| asked).map_err(|_| {
        Trouble::BadRequest(
            "A standing and an address, after which the page begins, can be asked for.".into(),
        )
    });
    let page = asked.and_then(|asked| explorer.read(|book, moment| explorer.operators(&asked, book, moment)));
    explorer.answer(page)
}

impl Explorer {
    fn operators(&self, asked: &Asked, book: &Book, moment: &Moment) -> Result<Page, Trouble> {
        let standing = match asked.standing.as_deref().filter(|slug| !slug.is_empty()) {
            Some(slug) => Some(
                Standing::of_slug(slug)
                    .ok_or_else(|| Trouble::BadRequest(format!("There is no standing `{slug}`.")))?,
            ),
            None => None,
        };
        let all = self.everybody(book, moment);
        let listed: Vec<_> = all
            .iter()
            .filter(|o| standing.is_none_or(|s| s == o.standing))
            .collect();
        let rest: Vec<_> = listed
            .iter()
            .filter(|o| asked.after.is_none_or(|after| o.address > after))
            .copied()
            .collect();
        let next = rest
            .get(LENGTH - 1)
            .filter(|_| rest.len() > LENGTH)
            .map(|o| o.address);
        let main = html! {
            section.lead aria-labelledby="title" {
                h1 #title { "Operators" }
                p.big { (grouped(listed.len() as u64)) " " (standing.map_or("ever granted, frozen or revoked", |s| words::standing(s).0)) }
                (filter(&all, standing))
            }
            (operator_table("Operators, by address", rest.into_iter().take(LENGTH), moment))
            @if let Some(next) = next {
                @let slug = standing.map_or("", Standing::slug);
                p.more { a rel="next" href={ "/operators?standing=" (slug) "&after=" (next) } { "Next page" } }
            }
            (verify(&[Command {
                does: "Ask the registry itself about one of them:",
                text: format!("chassis status $OPERATOR {}", self.flags()),
            }]))
        };
        Ok(Page {
            title: "Operators".into(),
            main,
            moment: Some(moment.clone()),
            tab: Some("/operators"),
            about: None,
        })
    }
}

fn filter(all: &[Operator], chosen: Option<Standing>) -> Markup {
    html! {
        nav.filter aria-label="By standing" {
            ul {
                li { a href="/operators" aria-current=[chosen.is_none().then_some("true")] { "All" } }
                @for standing in Standing::ALL {
                    @if all.iter().any(|o| o.standing == standing) {
                        li {
                            a href={ "/operators?standing=" (standing.slug()) }
                                aria-current=[(chosen == Some(standing)).then_some("true")] {
                                (words::standing(standing).0)
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Operators, a row each.
pub(super) fn operator_table<'a>(
    caption: &str,
    operators: impl Iterator<Item = &'a Operator>,
    moment: &Moment,
) -> Markup {
    let heads = [
        "Operator",
        "Standing",
        "Binding · custody · TCB",
        "Expires",
        "Platform",
    ];
    let mut table = Table::new(caption, &heads).under_heading().or("Nobody.");
    for o in operators {
        table.row(vec![
            address(o.address),
            badge(o.standing),
            level_cell(o),
            when(o.expiry, moment.now),
            o.platform.map(platform).unwrap_or_default(),
        ]);
    }
    table.markup()
}
