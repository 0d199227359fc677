//! Where in a policy's file something stands.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::read::is_json;

/// A policy's text with the lines of its entries. Parsed once, then asked as often as needed.
#[derive(Debug)]
pub struct Places<'t> {
    tree: Tree<'t>,
    /// Offsets at which lines begin, ascending.
    lines: Vec<usize>,
}

#[derive(Debug)]
enum Tree<'t> {
    Toml(Spanned<DeTable<'t>>),
    Json(&'t str),
}

/// Where an entry stands. Lines are counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It begins on this line.
    Line(usize),
    /// It is not in the file; what would contain it begins on this line.
    Within(usize),
    /// Neither it nor anything that would contain it is in the file.
    Nowhere,
}

impl<'t> Places<'t> {
    /// Reads a policy's text, TOML or JSON as [`Policy::read`](super::Policy::read) tells them apart. Of text that is neither,
    /// whatever can be made out.
    pub fn of(text: &'t str) -> Self {
        let tree = if is_json(text) {
            Tree::Json(text)
        } else {
            Tree::Toml(DeTable::parse_recoverable(text).0)
        };
        Self {
            tree,
            lines: line_starts(text),
        }
    }

    /// Where a path as `tcb.accepted` or `workload[2].rtmr1[0]` leads.
    pub fn place(&self, path: &str) -> Place {
        match &self.tree {
            Tree::Toml(table) => self.in_toml(table.get_ref(), path),
            Tree::Json(text) => self.in_json(text, path),
        }
    }

    fn in_toml(&self, table: &DeTable<'t>, path: &str) -> Place {
        let mut table = Some(table);
        let mut last = None;
        for segment in path.split('.') {
            let (name, indexes) = segment.split_once('[').unwrap_or((segment, ""));
            let Some((key, value)) = table.and_then(|table| table.get_key_value(name)) else {
                return last.map_or(Place::Nowhere, Place::Within);
            };
            let mut value = value;
            last = Some(self.line(key.span().start));
            for index in indexes.split_terminator(']') {
                let element = index.trim_start_matches('[').parse::<usize>().ok();
                let element = element.and_then(|index| value.get_ref().as_array()?.get(index));
                let Some(element) = element else {
                    return last.map_or(Place::Nowhere, Place::Within);
                };
                value = element;
                last = Some(self.line(value.span().start));
            }
            table = match value.get_ref() {
                DeValue::Table(table) => Some(table),
                _ => None,
            };
        }
        last.map_or(Place::Nowhere, Place::Line)
    }

    /// JSON has no spans; its values are slices of the text, so where one begins, their addresses tell.
    fn in_json(&self, text: &str, path: &str) -> Place {
        let line = |value: &str| {
            let offset = value.as_ptr().addr().checked_sub(text.as_ptr().addr());
            offset.map(|offset| self.line(offset))
        };
        let mut value = text;
        let mut last = None;
        for step in path.split(['.', '[']) {
            let inner = match step.strip_suffix(']') {
                Some(index) => index.parse().ok().and_then(|index| element(value, index)),
                None => member(value, step),
            };
            let Some(inner) = inner else {
                return last.map_or(Place::Nowhere, Place::Within);
            };
            value = inner;
            last = line(value);
        }
        last.map_or(Place::Nowhere, Place::Line)
    }

    /// The line of this byte.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.lines.partition_point(|start| *start <= offset)
    }
}

/// The line, from 1, on which the entry at `path` begins; if it is not in the file, that of what would contain it.
///
/// For many paths of one text, [`Places`] parses it only once.
pub fn line_of(text: &str, path: &str) -> Option<usize> {
    Places::of(text).place(path).line()
}

impl Place {
    /// Its line, or that of what would contain it.
    pub fn line(self) -> Option<usize> {
        match self {
            Self::Line(line) | Self::Within(line) => Some(line),
            Self::Nowhere => None,
        }
    }
}

fn member<'v>(object: &'v str, name: &str) -> Option<&'v str> {
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(object).ok()?;
    members.get(name).map(|value| value.get())
}

fn element(array: &str, index: usize) -> Option<&str> {
    let elements: Vec<&RawValue> = serde_json::from_str(array).ok()?;
    elements.get(index).map(|value| value.get())
}

fn line_starts(text: &str) -> Vec<usize> {
    let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
    std::iter::once(0)
        .chain(breaks.map(|(offset, _)| offset + 1))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
version = 1
tcb.accepted = [\"UpToDate\"]

[[workload]]
name = \"a\"

[[workload]] # the second
name = \"b\"
rtmr1 = [
    \"00\",
    \"11\",
]
[platforms]
";

    #[test]
    fn entries_are_found_on_their_lines() {
        let places = Places::of(TEXT);
        for (path, line) in [
            ("version", 1),
            ("tcb.accepted", 2),
            ("tcb", 2),
            ("workload[0]", 4),
            ("workload[0].name", 5),
            ("workload[1]", 7),
            ("workload[1].rtmr1", 9),
            ("workload[1].rtmr1[0]", 10),
            ("workload[1].rtmr1[1]", 11),
            ("platforms", 13),
        ] {
            assert_eq!(places.place(path), Place::Line(line), "{path}");
            assert_eq!(line_of(TEXT, path), Some(line), "{path}");
        }
    }

    #[test]
    fn what_is_not_there_is_within_its_section_or_nowhere() {
        let places = Places::of(TEXT);
        assert_eq!(places.place("workload[1].rtmr1[2]"), Place::Within(9));
        assert_eq!(places.place("workload[1].rtmr2"), Place::Within(7));
        assert_eq!(places.place("platforms.denied"), Place::Within(13));
        assert_eq!(places.place("version.x"), Place::Within(1));
        for path in ["", "host[0].name", "binding_ttl", "[", "]", "."] {
            assert_eq!(places.place(path), Place::Nowhere, "{path}");
        }
        assert_eq!(line_of(TEXT, "binding_ttl"), None);
    }

    #[test]
    fn entries_of_json_are_found_too() {
        let text = "\n{\"version\": 1,\n \"workload\": [\n  {\"name\": \"a\"},\n  {\"rtmr1\": [\"00\",\n   \"11\"]}]}\n";
        let places = Places::of(text);
        for (path, place) in [
            ("version", Place::Line(2)),
            ("workload", Place::Line(3)),
            ("workload[0]", Place::Line(4)),
            ("workload[0].name", Place::Line(4)),
            ("workload[1].rtmr1[1]", Place::Line(6)),
            ("workload[1].rtmr1[2]", Place::Within(5)),
            ("workload[1].rtmr2", Place::Within(5)),
            ("version.x", Place::Within(2)),
            ("host[0]", Place::Nowhere),
            ("", Place::Nowhere),
            ("[", Place::Nowhere),
        ] {
            assert_eq!(places.place(path), place, "{path}");
        }
    }
}
