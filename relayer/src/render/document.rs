//! Headings, lines and tables, in order.

use std::fmt::{self, Display, Write as _};

use comfy_table::{Attribute, Color, ContentArrangement, LineStyle, Table, TableStyle};

use super::printable;

/// Headings, lines and tables.
#[derive(Clone, Debug, Default)]
pub struct Document {
    blocks: Vec<Block>,
}

#[derive(Clone, Debug)]
enum Block {
    Heading(String),
    Line(String),
    Table {
        header: Vec<&'static str>,
        rows: Vec<Vec<Cell>>,
    },
}

/// One field of a table.
#[derive(Clone, Debug)]
pub struct Cell {
    text: String,
    mark: Mark,
}

/// How a field stands out, where the terminal has colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It does not.
    None,
    /// As good news.
    Good,
    /// As bad news.
    Bad,
    /// As a name.
    Name,
}

impl Cell {
    /// A field that stands out.
    pub fn marked(text: impl Display, mark: Mark) -> Self {
        Self {
            text: printable(&text.to_string()),
            mark,
        }
    }
}

impl<T: Display> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::marked(text, Mark::None)
    }
}

impl Document {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a heading.
    #[must_use]
    pub fn heading(mut self, text: impl Display) -> Self {
        self.blocks.push(Block::Heading(printable(&text.to_string())));
        self
    }

    /// Adds a line of prose.
    #[must_use]
    pub fn line(mut self, text: impl Display) -> Self {
        self.blocks.push(Block::Line(printable(&text.to_string())));
        self
    }

    /// Adds a table.
    #[must_use]
    pub fn table(mut self, header: &[&'static str], rows: Vec<Vec<Cell>>) -> Self {
        let header = header.to_vec();
        self.blocks.push(Block::Table { header, rows });
        self
    }

    /// Adds a table of names and values.
    #[must_use]
    pub fn fields(self, fields: Vec<(&'static str, Cell)>) -> Self {
        let rows = fields
            .into_iter()
            .map(|(name, value)| vec![Cell::marked(name, Mark::Name), value])
            .collect();
        self.table(&[], rows)
    }

    /// Adds all of `other`.
    #[must_use]
    pub fn then(mut self, other: Self) -> Self {
        self.blocks.extend(other.blocks);
        self
    }
}

/// As wide as the terminal. Elsewhere no field is broken, so that a register stays one word for `grep`.
impl Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, block) in self.blocks.iter().enumerate() {
            match block {
                Block::Heading(text) => {
                    if index > 0 {
                        f.write_char('\n')?;
                    }
                    writeln!(f, "{text}")?;
                }
                Block::Line(text) => writeln!(f, "  {text}")?,
                Block::Table { rows, .. } if rows.is_empty() => writeln!(f, "  (none)")?,
                Block::Table { header, rows } => writeln!(f, "{}", drawn(header, rows))?,
            }
        }
        Ok(())
    }
}

/// A line under the header, none elsewhere: what is copied out of a table has no frame in it.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

fn drawn(header: &[&'static str], rows: &[Vec<Cell>]) -> String {
    let mut table = Table::new();
    table
        .load_style(STYLE)
        .set_content_arrangement(ContentArrangement::Dynamic);
    if !header.is_empty() {
        table.set_header(header);
    }
    for row in rows {
        table.add_row(row.iter().map(|cell| {
            let drawn = comfy_table::Cell::new(&cell.text);
            match cell.mark {
                Mark::None => drawn,
                Mark::Good => drawn.fg(Color::Green),
                Mark::Bad => drawn.fg(Color::Red).add_attribute(Attribute::Bold),
                Mark::Name => drawn.fg(Color::Cyan),
            }
        }));
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_reaches_the_terminal_unescaped() {
        let evil = "x\u{1b}]0;y\u{7}";
        let text = Document::new()
            .heading(evil)
            .line(evil)
            .fields(vec![("name", evil.into())])
            .to_string();
        assert!(!text.contains(['\u{1b}', '\u{7}']), "{text:?}");
    }
}
