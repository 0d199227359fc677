//! Bars over time, one row for each thing that is told of.

use maud::{Markup, PreEscaped, html};

use super::{Screen, axis::Axis};

const ROW: u64 = 34;
const BAR: u64 = 22;
const TOP: u64 = 22;
/// Units that a letter takes, at most.
const LETTER: u64 = 8;

/// A timeline.
#[derive(Clone, Debug)]
pub(in crate::explorer) struct Timeline {
    /// Of the element, unique on its page.
    pub(in crate::explorer) id: &'static str,
    pub(in crate::explorer) title: String,
    /// What is to be seen, in a sentence or two.
    pub(in crate::explorer) description: String,
    pub(in crate::explorer) from: u64,
    pub(in crate::explorer) to: u64,
    pub(in crate::explorer) now: u64,
    pub(in crate::explorer) rows: Vec<Row>,
    pub(in crate::explorer) marks: Vec<Mark>,
}

/// A row of bars.
#[derive(Clone, Debug)]
pub(in crate::explorer) struct Row {
    pub(in crate::explorer) name: String,
    pub(in crate::explorer) bars: Vec<Bar>,
}

/// A bar.
#[derive(Clone, Debug)]
pub(in crate::explorer) struct Bar {
    pub(in crate::explorer) from: u64,
    pub(in crate::explorer) to: u64,
    /// In it, if there is room, and its title.
    pub(in crate::explorer) label: String,
    /// What the style sheet knows it by: `s-attested`, `level-2`.
    pub(in crate::explorer) class: String,
}

/// A moment, above the rows.
#[derive(Clone, Debug)]
pub(in crate::explorer) struct Mark {
    pub(in crate::explorer) at: u64,
    pub(in crate::explorer) label: String,
}

impl Timeline {
    pub(in crate::explorer) fn markup(&self) -> Markup {
        html! { div.figure { @for screen in Screen::BOTH { (self.drawn(screen)) } } }
    }

    fn drawn(&self, screen: Screen) -> Markup {
        let id = |part: &str| format!("{}-{part}-{}", self.id, screen.suffix());
        let is_wide = screen == Screen::Wide;
        let left = if is_wide { 104 } else { 0 };
        let axis = Axis::new(self.from, self.to, left, screen.width());
        // Where there is no room beside the bars, names stand above them.
        let row = if is_wide { ROW } else { ROW + 14 };
        let bottom = TOP + row * self.rows.len() as u64;
        let hatches = [id("frozen"), id("revoked")];
        html! {
            svg class=(screen.class()) viewBox={ "0 0 " (screen.width()) " " (bottom + 24) }
                role="img" aria-labelledby={ (id("title")) " " (id("text")) } {
                title id=(id("title")) { (self.title) }
                desc id=(id("text")) { (self.description) }
                defs {
                    (hatch(&hatches[0], "hatch h-frozen"))
                    (hatch(&hatches[1], "hatch h-revoked"))
                }
                (axis.grid(TOP - 4, bottom, Some(self.now)))
                @for (i, one) in (0..).zip(&self.rows) {
                    @let top = TOP + row * i + if is_wide { 6 } else { 18 };
                    @if is_wide { text.name x="0" y=(top + 15) { (one.name) } }
                    @else { text.name x="0" y=(top - 5) { (one.name) } }
                    @for bar in &one.bars { (drawn_bar(&axis, bar, top, &hatches)) }
                }
                g.marks {
                    @for mark in &self.marks {
                        line x1=(axis.x(mark.at)) x2=(axis.x(mark.at)) y1="6" y2="18" { title { (mark.label) } }
                    }
                }
                @if self.now <= self.to && self.now >= self.from {
                    rect.ahead x=(axis.x(self.now)) y=(TOP) width=(axis.width(self.now, self.to)) height=(bottom - TOP) {}
                    g.now {
                        line x1=(axis.x(self.now)) x2=(axis.x(self.now)) y1="2" y2=(bottom) {}
                        text x=(axis.x(self.now)) y=(bottom + 16) text-anchor="end" { "now" }
                    }
                }
            }
        }
    }
}

fn drawn_bar(axis: &Axis, bar: &Bar, top: u64, hatches: &[String; 2]) -> Markup {
    let (x, width) = (axis.x(bar.from), axis.width(bar.from, bar.to));
    let room = axis.length(bar.from, bar.to);
    let length = bar.label.chars().count() as u64;
    let hatch = match bar.class.as_str() {
        "s-frozen" => Some(&hatches[0]),
        "s-revoked" => Some(&hatches[1]),
        _ => None,
    };
    html! {
        g class={ "b " (bar.class) } {
            title { (bar.label) }
            rect x=(x) y=(top) width=(width) height=(BAR) rx="3" {}
            @if let Some(hatch) = hatch {
                rect.over x=(x) y=(top) width=(width) height=(BAR) rx="3" fill={ "url(#" (hatch) ")" } {}
            }
            @if room > length * LETTER + 14 {
                text x={ (x) } dx="8" y=(top + 15) { (bar.label) }
            }
        }
    }
}

/// Lines that tell a bar from others without its colour.
fn hatch(id: &str, class: &str) -> Markup {
    html! {
        (PreEscaped(format!(r#"<pattern id="{id}" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">"#)))
        line class=(class) x1="0" y1="0" x2="0" y2="6" {}
        (PreEscaped("</pattern>"))
    }
}
