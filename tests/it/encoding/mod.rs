//! Every byte that Rust and Solidity must agree on, in one file: `contracts/test/vectors/encoding.json`, which
//! `docs/ENCODING.md` says in words.
//!
//! Each encoding has a section with an `input` and an `output`. Rust makes some sections, Solidity the others; both
//! compute every output from its input.

mod documents;
mod heads;
mod messages;
mod page;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use alloy::hex::ToHexExt;
use serde::de::DeserializeOwned;
use serde_json::{Value, value::RawValue};

/// The whole file, as text.
fn text() -> String {
    fs::read_to_string(path()).unwrap()
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts/test/vectors/encoding.json")
}

/// One encoding's vector.
struct Section {
    input: Value,
    output: Value,
}

impl Section {
    fn read(name: &str) -> Self {
        let mut file: Value = serde_json::from_str(&text()).unwrap();
        let [input, output] = ["input", "output"].map(|part| file[name][part].take());
        assert!(!input.is_null() && !output.is_null(), "no section {name}");
        Self { input, output }
    }

    /// A part of the input, by its JSON pointer.
    fn input<T: DeserializeOwned>(&self, pointer: &str) -> T {
        read(&self.input, pointer)
    }

    /// A part of the output, by its JSON pointer.
    fn output<T: DeserializeOwned>(&self, pointer: &str) -> T {
        read(&self.output, pointer)
    }
}

fn read<T: DeserializeOwned>(value: &Value, pointer: &str) -> T {
    let part = value.pointer(pointer).unwrap_or_else(|| panic!("no {pointer}"));
    serde_json::from_value(part.clone()).unwrap_or_else(|error| panic!("{pointer}: {error}"))
}

fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.encode_hex_with_prefix()
}

/// What Rust makes must be what the file says; or becomes that, if vectors are to be written. In which case all other
/// sections stay as they are, to the byte.
#[test]
fn what_rust_makes_is_what_the_file_says() {
    let made = documents::sections();
    if std::env::var("CHASSIS_WRITE_VECTORS").is_ok_and(|value| value == "true") {
        let text = text();
        let kept: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&text).unwrap();
        let mut sections: BTreeMap<_, _> = kept
            .into_iter()
            .map(|(name, raw)| (name, Part::Kept(raw)))
            .collect();
        sections.extend(
            made.iter()
                .map(|(name, section)| ((*name).to_owned(), Part::Made(section))),
        );
        fs::write(path(), serde_json::to_string_pretty(&sections).unwrap()).unwrap();
    }
    for (name, section) in made {
        let kept = Section::read(name);
        assert_eq!(kept.input, section["input"], "{name}: input");
        assert_eq!(kept.output, section["output"], "{name}: output");
    }
}

#[derive(serde::Serialize)]
#[serde(untagged)]
enum Part<'a> {
    Kept(Box<RawValue>),
    Made(&'a Value),
}

/// No section without a test on this side.
#[test]
fn every_section_is_compared() {
    let file: BTreeMap<String, Value> = serde_json::from_str(&text()).unwrap();
    let made = documents::sections();
    // `renewals` is compared where renewals are made, in the relayer.
    let compared = messages::SECTIONS
        .iter()
        .chain(&["heads", "renewals"])
        .chain(made.keys());
    let compared: BTreeSet<_> = compared.copied().collect();
    assert_eq!(file.keys().map(String::as_str).collect::<BTreeSet<_>>(), compared);
}
