//! What all pages have around them.

mod part;
mod table;
mod time;
mod verify;

use alloy::primitives::Address;
use axum::response::Html;
use maud::{DOCTYPE, Markup, PreEscaped, html};

pub(super) use part::{
    Fields, address, badge, batch_link, digest, hex, levels, note, platform, provider, section, shortened,
};
pub(super) use table::Table;
pub(super) use time::{duration, iso, when};
pub(super) use verify::{Command, verify};

use super::{
    Explorer,
    asset::{ICON, SCRIPT, STYLE},
    moment::Moment,
};

/// A page, without what all have around them.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) title: String,
    pub(super) main: Markup,
    /// As of when it holds. `None`: it says nothing about the registry.
    pub(super) moment: Option<Moment>,
    /// The tab it belongs to.
    pub(super) tab: Option<&'static str>,
    /// Whose changes concern it: everybody's without one.
    pub(super) about: Option<Address>,
}

impl Page {
    /// A page that says nothing about the registry.
    pub(super) fn plain(title: &str, main: Markup) -> Self {
        Self {
            title: title.into(),
            main,
            moment: None,
            tab: None,
            about: None,
        }
    }
}

const TABS: [(&str, &str); 6] = [
    ("/", "Overview"),
    ("/operators", "Operators"),
    ("/platforms", "Platforms"),
    ("/batches", "Batches"),
    ("/relayers", "Relayers"),
    ("/changes", "Changes"),
];

impl Explorer {
    /// The whole document.
    pub(super) fn render(&self, page: Page) -> Html<String> {
        // Errors have no moment of their own; whoever sees one wants to know where he is all the same.
        let moment = page.moment.or_else(|| self.moment().ok());
        let feed = page
            .about
            .map_or("/feed".to_owned(), |who| format!("/operators/{who}/feed"));
        let cursor = moment.as_ref().and_then(|moment| moment.cursor);
        let about = page.about.map_or(String::new(), |who| format!("operator={who}&"));
        let cursor = cursor.map_or(String::new(), |cursor| cursor.to_string());
        let live = format!("/live?{about}after={cursor}");
        let document = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (page.title) " · Chassis" }
                    link rel="icon" type="image/svg+xml" href=(ICON.path);
                    link rel="stylesheet" href=(STYLE.path);
                    link rel="alternate" type="application/feed+json" title="Changes" href={ (feed) ".json" };
                    link rel="alternate" type="application/atom+xml" title="Changes" href={ (feed) ".atom" };
                    script src=(SCRIPT.path) defer {}
                }
                body data-now=[moment.as_ref().map(|m| m.now)] data-live=(live) {
                    a.skip href="#main" { "Skip to content" }
                    header.top {
                        (head(page.tab))
                        @if let Some(moment) = &moment { (self.as_of(moment)) }
                    }
                    main #main tabindex="-1" { (page.main) }
                    (foot(&feed))
                }
            }
        };
        Html(document.into_string())
    }

    fn as_of(&self, moment: &Moment) -> Markup {
        let chain = &self.0.chain;
        html! {
            div.asof {
                div.bar {
                    p {
                        "As of finalized block " strong { (grouped(moment.block)) } ", "
                        (when(moment.block_time, moment.now))
                    }
                    p { "Registry " (hex(chain.registry.address())) " on chain " (chain.id) }
                    p.live role="status" {}
                }
            }
            (alarms(moment))
        }
    }
}

/// Why a page may not say what is so.
fn alarms(moment: &Moment) -> Markup {
    html! {
        @if let Some(problem) = &moment.diverged {
            div.alarm role="alert" {
                div.bar {
                    strong { "These pages have stopped. " }
                    "What this server is told of the registry does not fit its log; shown is what fitted last. "
                    (problem)
                }
            }
        }
        @if let Some(age) = moment.stale {
            div.alarm role="alert" {
                div.bar {
                    strong { "These pages are " (duration(age)) " old. " }
                    "This server has not been told of a finalized block since. Who was frozen or renewed meanwhile is not "
                    "shown: ask the registry itself."
                }
            }
        }
    }
}

fn head(tab: Option<&'static str>) -> Markup {
    html! {
        div.bar {
            a.brand href="/" { (MARK) span { "Chassis" } }
            nav aria-label="Main" {
                ul {
                    @for (path, name) in TABS {
                        li { a href=(path) aria-current=[(tab == Some(path)).then_some("page")] { (name) } }
                    }
                }
            }
            form role="search" action="/search" {
                label.hidden for="q" { "Search by address, digest or platform" }
                input #q type="search" name="q" placeholder="Address or digest" autocomplete="off"
                    spellcheck="false" maxlength="200";
                button type="submit" { "Search" }
            }
        }
    }
}

fn foot(feed: &str) -> Markup {
    html! {
        footer.foot {
            div.bar {
                p {
                    "Read from the registry's own log, rebuilt and compared with its head. This page decides nothing: "
                    "contracts ask the registry, and you can check every claim yourself."
                }
                p {
                    "Feeds: " a href={ (feed) ".json" } { "JSON" } " · " a href={ (feed) ".atom" } { "Atom" }
                }
            }
        }
    }
}

/// 1234567 as 1 234 567, with narrow spaces.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    grouped
}

/// Two units in a rack.
const MARK: PreEscaped<&str> = PreEscaped(
    r#"<svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false"><rect x="3" y="5" width="26" height="9" rx="2.5"/><rect class="second" x="3" y="18" width="26" height="9" rx="2.5"/><circle cx="8.5" cy="9.5" r="1.8"/><circle cx="8.5" cy="22.5" r="1.8"/></svg>"#,
);

#[cfg(test)]
mod tests {
    use super::{Moment, alarms, grouped};

    #[test]
    fn an_old_page_says_how_old_it_is_and_a_fresh_one_nothing() {
        let at = |stale| Moment {
            stale,
            ..Moment::default()
        };
        assert_eq!(alarms(&at(None)).into_string(), "");
        let old = alarms(&at(Some(7_260))).into_string();
        assert!(
            old.contains("role=\"alert\"") && old.contains("2\u{a0}h 1\u{a0}min old"),
            "{old}"
        );
    }

    #[test]
    fn digits_come_in_threes() {
        let space = '\u{202f}';
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1 000"), (1_234_567, "1 234 567")] {
            assert_eq!(grouped(number), text.replace(' ', &space.to_string()));
        }
    }
}
