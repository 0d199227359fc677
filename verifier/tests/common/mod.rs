//! Real evidence, where it is at hand.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "every test binary uses a part of this"
)]

use std::path::PathBuf;

/// The file, or `None` with a word on standard error where the fixtures are not at hand.
pub fn fixture(name: &str) -> Option<Vec<u8>> {
    let root = std::env::var_os("CHASSIS_FIXTURES").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/fixtures"),
        PathBuf::from,
    );
    if !root.is_dir() {
        eprintln!(
            "skipped: no fixtures at {}; set CHASSIS_FIXTURES to the folder of real evidence",
            root.display()
        );
        return None;
    }
    let path = root.join(name);
    Some(std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}
