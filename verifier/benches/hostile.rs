//! How long hostile input takes to be refused: `cargo bench -p chassis-verifier --bench hostile`.
//!
//! A log of two million of the smallest records has 64 MB or more; 4 MiB, the greatest bundle there is, hold 131,072. Both
//! are to be refused within 50 ms.

#[path = "../tests/common/hostile.rs"]
mod hostile;

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use chassis_verifier::{
    Endorsements,
    bundle::{Bundle, DEFAULT_LIMIT},
    eventlog::{Ccel, DrtmLog, ImaLog, TcgLog},
};

const ROUNDS: usize = 20;
const RECORDS: usize = 2_000_000;

fn main() {
    logs();
    for (name, document) in hostile::bundles() {
        let refused = || Bundle::parse(&document, DEFAULT_LIMIT).is_err();
        time(&format!("bundle, {name}"), document.len(), refused);
    }
    for (name, document) in hostile::endorsements() {
        time(&format!("endorsements, {name}"), document.len(), || {
            Endorsements::parse(&document).is_ok_and(|set| set.digest().is_ok())
        });
    }
}

type Refuses = fn(&[u8]) -> bool;

/// Every kind of log: two million records, and as many as the greatest bundle holds.
fn logs() {
    let sha1 = hostile::sha1_log(RECORDS);
    // A CCEL has SHA-384 digests.
    let sha384 = hostile::sha384_log(1, RECORDS);
    let list = hostile::ima_list(RECORDS);
    let kinds: [(&str, &[u8], Refuses); 4] = [
        ("TCG2 log", &sha1, |log| TcgLog::parse(log).is_err()),
        ("CCEL", &sha384, |log| Ccel::parse(log).is_err()),
        ("DRTM log", &sha384, |log| DrtmLog::parse(log).is_err()),
        ("IMA list", &list, |list| ImaLog::parse(list).is_err()),
    ];
    for (kind, log, refuses) in kinds {
        let greatest = &log[..DEFAULT_LIMIT];
        for (size, log) in [("2,000,000 records", log), ("4 MiB of records", greatest)] {
            assert!(refuses(log), "{kind}, {size}: it is read");
            time(&format!("{kind}, {size}"), log.len(), || refuses(log));
        }
    }
}

/// The shortest of several rounds.
fn time(name: &str, bytes: usize, read: impl Fn() -> bool) {
    let round = |_| {
        let start = Instant::now();
        black_box(read());
        start.elapsed()
    };
    let shortest = (0..ROUNDS).map(round).min().unwrap_or(Duration::MAX);
    println!(
        "{name:<44} {bytes:>12} bytes {:>10.3} ms",
        shortest.as_secs_f64() * 1e3
    );
}
