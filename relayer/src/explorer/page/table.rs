//! Tables that become cards on a narrow screen.

use maud::{Markup, html};

/// A table. Roles are said aloud: style that makes cards of rows would take them away.
#[derive(Debug)]
pub(in crate::explorer) struct Table {
    caption: String,
    heads: Vec<&'static str>,
    rows: Vec<Vec<Markup>>,
    is_caption_hidden: bool,
    empty: &'static str,
}

impl Table {
    pub(in crate::explorer) fn new(caption: impl Into<String>, heads: &[&'static str]) -> Self {
        Self {
            caption: caption.into(),
            heads: heads.to_vec(),
            rows: Vec::new(),
            is_caption_hidden: false,
            empty: "None.",
        }
    }

    /// The caption is for who cannot see the heading above.
    pub(in crate::explorer) fn under_heading(mut self) -> Self {
        self.is_caption_hidden = true;
        self
    }

    /// What stands there if there are no rows.
    pub(in crate::explorer) fn or(mut self, empty: &'static str) -> Self {
        self.empty = empty;
        self
    }

    /// As many cells as heads; the first names the row.
    pub(in crate::explorer) fn row(&mut self, cells: Vec<Markup>) {
        self.rows.push(cells);
    }

    pub(in crate::explorer) fn markup(&self) -> Markup {
        if self.rows.is_empty() {
            return html! { p.note { (self.empty) } };
        }
        html! {
            table role="table" {
                caption.hidden[self.is_caption_hidden] { (self.caption) }
                thead role="rowgroup" {
                    tr role="row" {
                        @for head in &self.heads { th role="columnheader" scope="col" { (head) } }
                    }
                }
                tbody role="rowgroup" {
                    @for row in &self.rows {
                        tr role="row" {
                            @for (i, (cell, head)) in row.iter().zip(&self.heads).enumerate() {
                                @if i == 0 { th role="rowheader" scope="row" data-label=(head) { div { (cell) } } }
                                @else { td role="cell" data-label=(head) { div { (cell) } } }
                            }
                        }
                    }
                }
            }
        }
    }
}
