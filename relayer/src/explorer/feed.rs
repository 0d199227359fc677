//! Changes of status as JSON Feed 1.1 and as Atom, of everybody or of one operator.

use alloy::primitives::Address;
use axum::{
    extract::{Path, Query, State, rejection::QueryRejection},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use maud::{PreEscaped, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Explorer,
    change::{Change, ChangeId, Changed},
    page::iso,
    trouble::Trouble,
};

/// Entries in a feed.
const LENGTH: usize = 100;

struct Feed {
    /// Where this server is reached, as far as the client says.
    site: String,
    about: Option<Address>,
    chain: u64,
    registry: Address,
    changes: Vec<Change>,
    /// Before which the next page goes on.
    next: Option<ChangeId>,
    updated: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    /// The last change of the page before.
    before: Option<ChangeId>,
}

type Question = Result<Query<Asked>, QueryRejection>;

pub(super) async fn json(State(explorer): State<Explorer>, headers: HeaderMap, query: Question) -> Response {
    respond(&explorer, explorer.feed(&headers, None, query), Feed::json)
}

pub(super) async fn atom(State(explorer): State<Explorer>, headers: HeaderMap, query: Question) -> Response {
    respond(&explorer, explorer.feed(&headers, None, query), Feed::atom)
}

pub(super) async fn of_operator_json(
    State(explorer): State<Explorer>,
    Path(operator): Path<String>,
    headers: HeaderMap,
    query: Question,
) -> Response {
    respond(
        &explorer,
        explorer.feed(&headers, Some(&operator), query),
        Feed::json,
    )
}

pub(super) async fn of_operator_atom(
    State(explorer): State<Explorer>,
    Path(operator): Path<String>,
    headers: HeaderMap,
    query: Question,
) -> Response {
    respond(
        &explorer,
        explorer.feed(&headers, Some(&operator), query),
        Feed::atom,
    )
}

fn respond(explorer: &Explorer, feed: Result<Feed, Trouble>, write: fn(&Feed) -> Response) -> Response {
    match feed {
        Ok(feed) => write(&feed),
        Err(trouble) => explorer.answer_trouble(trouble),
    }
}

impl Explorer {
    fn feed(&self, headers: &HeaderMap, about: Option<&str>, query: Question) -> Result<Feed, Trouble> {
        let about: Option<Address> = about
            .map(str::parse)
            .transpose()
            .map_err(|_| Trouble::NotFound("That is no address.".into()))?;
        let Query(Asked { before }) = query.map_err(|_| {
            Trouble::BadRequest("A change, before which the page ends, can be asked for.".into())
        })?;
        self.read(|book, moment| {
            let is_about = |change: &Change| about.is_none_or(|operator| book.concerns(change, operator));
            let (changes, next) = book.news.page(before, LENGTH, is_about);
            let changes = changes.into_iter().cloned().collect();
            Ok(Feed {
                next,
                site: site(headers),
                about,
                chain: self.0.chain.id,
                registry: *self.0.chain.registry.address(),
                changes,
                updated: moment.block_time,
            })
        })
    }
}

impl Feed {
    fn title(&self) -> String {
        match self.about {
            Some(operator) => format!("Proof of Cloud of {operator}"),
            None => format!("Changes in the Proof-of-Cloud registry {}", self.registry),
        }
    }

    fn home(&self) -> String {
        match self.about {
            Some(operator) => format!("{}/operators/{operator}", self.site),
            None => format!("{}/changes", self.site),
        }
    }

    /// Where the next page is.
    fn next_url(&self, kind: &str) -> Option<String> {
        let path = self.path();
        self.next
            .map(|next| format!("{}{path}/feed.{kind}?before={next}", self.site))
    }

    fn path(&self) -> String {
        self.about
            .map_or(String::new(), |who| format!("/operators/{who}"))
    }

    /// What names it for ever: a server's address does not.
    fn name(&self) -> String {
        let about = self.about.map_or(String::new(), |who| format!(":{who}"));
        format!("urn:chassis:{}:{}{about}", self.chain, self.registry)
    }

    fn entry_name(&self, change: &Change) -> String {
        format!(
            "urn:chassis:{}:{}:change:{}",
            self.chain, self.registry, change.id
        )
    }

    fn json(&self) -> Response {
        let items: Vec<Value> = self.changes.iter().map(|change| self.item(change)).collect();
        let mut feed = json!({
            "version": "https://jsonfeed.org/version/1.1",
            "title": self.title(),
            "home_page_url": self.home(),
            "feed_url": format!("{}{}/feed.json", self.site, self.path()),
            "description": "Only what is final, in the registry's own log. Check it: chassis audit.",
            "language": "en",
            "items": items,
        });
        if let Some(next) = self.next_url("json") {
            feed["next_url"] = next.into();
        }
        let kind = [(header::CONTENT_TYPE, "application/feed+json; charset=utf-8")];
        (kind, feed.to_string()).into_response()
    }

    fn item(&self, change: &Change) -> Value {
        json!({
            "id": self.entry_name(change),
            "url": url(&self.site, change),
            "title": full_title(change),
            "content_text": change.text,
            "date_published": iso(change.time),
            "tags": [change.kind],
            "_chassis": {
                "cursor": change.id,
                "kind": change.kind,
                "operator": match change.what { Changed::Operator(who) => Some(who), _ => None },
                "platform": match change.what { Changed::Platform(id) => Some(id), _ => None },
                "block": change.block,
                "transaction": change.transaction,
                "batch": change.batch,
            },
        })
    }

    fn atom(&self) -> Response {
        // Text in it is escaped as HTML's is; XML knows the same four entities.
        let feed = html! {
            (PreEscaped(r#"<?xml version="1.0" encoding="utf-8"?>"#))
            feed xmlns="http://www.w3.org/2005/Atom" {
                id { (self.name()) }
                title { (self.title()) }
                updated { (iso(self.updated)) }
                (PreEscaped(link("self", &format!("{}{}/feed.atom", self.site, self.path()))))
                @if let Some(next) = self.next_url("atom") { (PreEscaped(link("next", &next))) }
                (PreEscaped(link("alternate", &self.home())))
                author { name { "Registry " (self.registry) " on chain " (self.chain) } }
                @for change in &self.changes {
                    entry {
                        id { (self.entry_name(change)) }
                        title { (full_title(change)) }
                        updated { (iso(change.time)) }
                        (PreEscaped(link("alternate", &url(&self.site, change))))
                        content type="text" { (change.text) }
                    }
                }
            }
        };
        let kind = [(header::CONTENT_TYPE, "application/atom+xml; charset=utf-8")];
        (kind, feed.into_string()).into_response()
    }
}

/// XML closes what HTML leaves open.
fn link(relation: &str, target: &str) -> String {
    let target = html! { (target) }.into_string();
    format!(r#"<link rel="{relation}" href="{target}"/>"#)
}

fn full_title(change: &Change) -> String {
    match change.what {
        Changed::Operator(operator) => format!("{operator}: {}", change.title),
        Changed::Platform(_) | Changed::Registry => change.title.clone(),
    }
}

fn url(site: &str, change: &Change) -> String {
    match change.what {
        Changed::Operator(operator) => format!("{site}/operators/{operator}"),
        Changed::Platform(id) => format!("{site}/platforms/{id}"),
        Changed::Registry => format!("{site}/changes"),
    }
}

/// Readers want whole addresses. The `Host` is the client's own word, so it decides nothing but the links that it is shown.
fn site(headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let is_plain = |host: &&str| {
        !host.is_empty()
            && host
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b))
    };
    let host = host.filter(is_plain).unwrap_or("localhost");
    let proto = headers
        .get("x-forwarded-proto")
        .and_then(|proto| proto.to_str().ok());
    let scheme = if proto == Some("https") { "https" } else { "http" };
    format!("{scheme}://{host}")
}
