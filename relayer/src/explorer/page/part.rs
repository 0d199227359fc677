//! Small parts of pages.

use std::fmt::Display;

use alloy::primitives::{Address, B256};
use maud::{Markup, PreEscaped, html};

use crate::{
    explorer::{
        standing::{Operator, Standing},
        words,
    },
    replay::OperatorWord,
};

/// A long hex value, shortened for the eye; the whole of it is its title, and what the copy button takes.
pub(in crate::explorer) fn hex(value: &impl Display) -> Markup {
    let full = value.to_string();
    html! { code.hex title=(full) data-full=(full) { (shortened(&full)) } }
}

/// An operator, with its page.
pub(in crate::explorer) fn address(address: Address) -> Markup {
    html! { a href={ "/operators/" (address) } { (hex(&address)) } }
}

/// A platform, with its page.
pub(in crate::explorer) fn platform(id: B256) -> Markup {
    html! { a href={ "/platforms/" (id) } { (hex(&id)) } }
}

/// A batch, with its page.
pub(in crate::explorer) fn batch_link(number: u64) -> Markup {
    html! { a href={ "/batches/" (number) } { "#" (number) } }
}

/// A digest in full, which breaks where it must.
pub(in crate::explorer) fn digest(value: &impl Display) -> Markup {
    let full = value.to_string();
    html! { code.full.copy data-full=(full) { (full) } }
}

/// A provider by its number: names are nobody's on chain.
pub(in crate::explorer) fn provider(number: u64) -> Markup {
    html! { "Provider " (number) }
}

/// What the registry would answer: a shape, a word, and a colour.
pub(in crate::explorer) fn badge(standing: Standing) -> Markup {
    html! {
        span class={ "badge s-" (standing.slug()) } { (shape(standing)) (words::standing(standing).0) }
    }
}

/// Binding, custody and TCB in a line.
pub(in crate::explorer) fn levels(operator: &Operator) -> Markup {
    let OperatorLevels {
        binding,
        custody,
        tcb,
    } = OperatorLevels::of(operator.word);
    html! { span.levels { (binding) " · " (custody) " · " (tcb) } }
}

struct OperatorLevels {
    binding: &'static str,
    custody: &'static str,
    tcb: &'static str,
}

impl OperatorLevels {
    fn of(word: OperatorWord) -> Self {
        Self {
            binding: words::binding(word.binding()).0,
            custody: words::custody(word.custody()).0,
            tcb: words::tcb(word.tcb()).0,
        }
    }
}

/// A part of a page with a heading.
pub(in crate::explorer) fn section(id: &str, title: &str, content: &Markup) -> Markup {
    html! {
        section aria-labelledby=(id) {
            h2 id=(id) { (title) }
            (content)
        }
    }
}

/// Where there is nothing to show, or something to explain.
pub(in crate::explorer) fn note(text: &str) -> Markup {
    html! { p.note { (text) } }
}

/// Names and values.
#[derive(Debug, Default)]
pub(in crate::explorer) struct Fields(Vec<(&'static str, Markup)>);

impl Fields {
    pub(in crate::explorer) fn with(mut self, name: &'static str, value: Markup) -> Self {
        self.0.push((name, value));
        self
    }

    pub(in crate::explorer) fn maybe(self, name: &'static str, value: Option<Markup>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    pub(in crate::explorer) fn markup(&self) -> Markup {
        html! {
            dl.fields {
                @for (name, value) in &self.0 {
                    div { dt { (name) } dd { (value) } }
                }
            }
        }
    }
}

/// `0x12345678…9abc`.
pub(in crate::explorer) fn shortened(full: &str) -> String {
    let characters = full.chars().count();
    if characters <= 18 {
        return full.to_owned();
    }
    let head: String = full.chars().take(10).collect();
    let tail: String = full.chars().skip(characters - 4).collect();
    format!("{head}…{tail}")
}

/// Each standing has a shape of its own: colour alone says nothing.
fn shape(standing: Standing) -> PreEscaped<&'static str> {
    PreEscaped(match standing {
        Standing::Attested => {
            r#"<svg class="shape" viewBox="0 0 16 16" aria-hidden="true"><circle class="fill" cx="8" cy="8" r="7"/><path class="on" d="M4.6 8.3l2.3 2.3 4.5-5"/></svg>"#
        }
        Standing::Below => {
            r#"<svg class="shape" viewBox="0 0 16 16" aria-hidden="true"><circle class="line" cx="8" cy="8" r="6.2"/><path class="fill" d="M8 1.8a6.2 6.2 0 0 1 0 12.4z"/></svg>"#
        }
        Standing::Expired => {
            r#"<svg class="shape" viewBox="0 0 16 16" aria-hidden="true"><circle class="line dash" cx="8" cy="8" r="6.2"/><path class="line" d="M8 4.4V8l2.4 1.6"/></svg>"#
        }
        Standing::Frozen => {
            r#"<svg class="shape" viewBox="0 0 16 16" aria-hidden="true"><path class="line" d="M8 1.5v13M2.4 4.75l11.2 6.5M13.6 4.75l-11.2 6.5"/></svg>"#
        }
        Standing::Revoked => {
            r#"<svg class="shape" viewBox="0 0 16 16" aria-hidden="true"><path class="fill" d="M5 1h6l4 4v6l-4 4H5l-4-4V5z"/><path class="on" d="M5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2"/></svg>"#
        }
        Standing::Paused => {
            r#"<svg class="shape" viewBox="0 0 16 16" aria-hidden="true"><path class="fill" d="M3.5 2h3v12h-3zM9.5 2h3v12h-3z"/></svg>"#
        }
        Standing::Deregistered => {
            r#"<svg class="shape" viewBox="0 0 16 16" aria-hidden="true"><circle class="line" cx="8" cy="8" r="6.2"/><path class="line" d="M4.8 8h6.4"/></svg>"#
        }
        Standing::Unknown => {
            r#"<svg class="shape" viewBox="0 0 16 16" aria-hidden="true"><circle class="line" cx="8" cy="8" r="6.2"/></svg>"#
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_is_shortened_and_what_is_hostile_is_text() {
        assert_eq!(shortened("0x1234"), "0x1234");
        assert_eq!(shortened(&format!("0x{}", "ab".repeat(20))), "0xabababab…abab");
        let hostile = "<script>alert('x')</script>\"";
        let text = hex(&hostile).into_string();
        assert!(!text.contains("<script>") && !text.contains("\"\""), "{text}");
    }

    #[test]
    fn every_standing_has_a_word_and_a_shape_of_its_own() {
        let shapes: std::collections::BTreeSet<_> = Standing::ALL.iter().map(|s| shape(*s).0).collect();
        let names: std::collections::BTreeSet<_> =
            Standing::ALL.iter().map(|s| words::standing(*s).0).collect();
        assert_eq!(
            (shapes.len(), names.len()),
            (Standing::ALL.len(), Standing::ALL.len())
        );
    }
}
