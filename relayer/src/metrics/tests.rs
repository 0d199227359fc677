use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use super::{CATALOGUE, Kind, Metric, Unit};

const MACROS: [(&str, Kind); 3] = [
    ("counter!(", Kind::Counter),
    ("gauge!(", Kind::Gauge),
    ("histogram!(", Kind::Histogram),
];

#[test]
fn the_catalogue_is_in_order_and_names_carry_their_units() {
    assert!(CATALOGUE.is_sorted_by(|a, b| a.name < b.name));
    for Metric { name, kind, unit, .. } in CATALOGUE {
        assert!(name.starts_with("chassis_"), "{name}");
        assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}");
        assert_eq!(name.ends_with("_seconds"), *unit == Unit::Seconds, "{name}");
        assert_eq!(name.ends_with("_bytes"), *unit == Unit::Bytes, "{name}");
    }
}

#[test]
fn what_is_emitted_is_in_the_catalogue_and_the_other_way_round() {
    let emitted = emitted();
    for (name, kind) in &emitted {
        let known = CATALOGUE.iter().find(|metric| metric.name == name);
        let known = known.unwrap_or_else(|| panic!("add `{name}` to the catalogue in metrics.rs"));
        assert_eq!(known.kind, *kind, "{name}");
    }
    for Metric { name, .. } in CATALOGUE {
        assert!(emitted.contains_key(*name), "nothing emits `{name}`");
    }
}

/// Every metric's name in the sources. A name that is no literal would be overlooked, so it is refused.
fn emitted() -> BTreeMap<String, Kind> {
    let mut found = BTreeMap::new();
    for path in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        if path.starts_with(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/metrics")) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for (called, kind) in MACROS {
            for (at, _) in text.match_indices(called) {
                let before = text[..at].chars().next_back();
                if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                    continue;
                }
                let rest = text[at + called.len()..].trim_start();
                let name = rest.strip_prefix('"').and_then(|rest| rest.split('"').next());
                let name = name.unwrap_or_else(|| panic!("{}: name metrics literally", path.display()));
                found.insert(name.to_owned(), kind);
            }
        }
    }
    found
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|ext| ext == "rs") && !path.ends_with("src/metrics.rs") {
            files.push(path);
        }
    }
    files
}
