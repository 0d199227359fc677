//! How long hostile input takes to be refused: `cargo bench -p chassis-verifier --bench hostile`.
//!
//! A log of two million of the smallest records has 64 MB; of 4 MiB, the greatest bundle there is, 131,072.

#[path = "../tests/common/hostile.rs"]
mod hostile;

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use chassis_verifier::{
    Endorsements,
    bundle::{Bundle, DEFAULT_LIMIT},
    eventlog::{ImaLog, TcgLog},
};

const ROUNDS: usize = 20;

fn main() {
    let log = hostile::sha1_log(2_000_000);
    let list = hostile::ima_list(2_000_000);
    for (name, log) in [
        ("2,000,000 records", &log[..]),
        ("4 MiB of records", &log[..DEFAULT_LIMIT]),
    ] {
        time(&format!("TCG log, {name}"), log.len(), || {
            TcgLog::parse(log).is_err()
        });
    }
    time("IMA list, 2,000,000 records", list.len(), || {
        ImaLog::parse(&list).is_err()
    });
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
