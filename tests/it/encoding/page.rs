//! `docs/ENCODING.md`: its examples are the vector file's.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::Value;

use super::text;

/// Shorter ones are constants of a format, such as `0x1901`.
const SHORTEST_VALUE: usize = 6;

#[test]
fn every_value_on_the_page_is_in_the_file() {
    let vectors = text();
    let page = page();
    let mut examples = 0;
    for value in page.split("0x").skip(1) {
        let digits = value
            .find(|c: char| !c.is_ascii_hexdigit())
            .unwrap_or(value.len());
        let (value, rest) = value.split_at(digits);
        if value.len() < SHORTEST_VALUE {
            continue;
        }
        examples += 1;
        // Abbreviated, it is the beginning of one; in full, it is all of one.
        let end = if rest.starts_with('…') { "" } else { "\"" };
        assert!(
            vectors.contains(&format!("0x{value}{end}")),
            "0x{value} is not in the vector file"
        );
    }
    assert!(examples > 20, "{examples} examples");
}

#[test]
fn every_section_and_every_type_is_on_the_page() {
    let page = page();
    let file: BTreeMap<String, Value> = serde_json::from_str(&text()).unwrap();
    for name in file.keys() {
        assert!(page.contains(&format!("`{name}`")), "{name} is not on the page");
    }
    for (name, types) in file["types"]["input"].as_object().unwrap() {
        // Of a struct that holds others, the page shows each by itself.
        let own = types.as_str().unwrap().split_inclusive(')').next().unwrap();
        assert!(page.contains(own), "{name} is not on the page as {own}");
    }
}

fn page() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/ENCODING.md")).unwrap()
}
