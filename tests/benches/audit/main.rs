//! How long `chassis audit` takes for a log with so many renewals, and how much memory: at a tenth of them, at all of them,
//! and again with what a cache kept. Every renewal is in a report that a relayer's key signed and the registry on anvil
//! applied, 128 to a report; operators stay the same. Needs binaries of the same profile:
//!
//! `cargo build --release --workspace --bins && cargo bench --workspace --bench audit`
//!
//! `CHASSIS_RENEWALS` is how many, a million without it.

#![allow(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a measurement may end in a panic"
)]

mod auditor;
#[path = "../../it/e2e/chain.rs"]
#[allow(dead_code, reason = "shared with the end-to-end tests")]
mod chain;
#[path = "../../it/e2e/history.rs"]
#[allow(dead_code, reason = "shared with the end-to-end tests")]
mod history;
mod poster;

use std::time::Instant;

use anyhow::Context as _;

use auditor::{Auditor, Run};
use poster::{PER_POST, Poster};

const RENEWALS: u64 = 1_000_000;

fn main() -> anyhow::Result<()> {
    let renewals = match std::env::var("CHASSIS_RENEWALS") {
        Ok(number) => number.parse().context("CHASSIS_RENEWALS")?,
        Err(_) => RENEWALS,
    };
    tokio::runtime::Runtime::new()?.block_on(measure(renewals))
}

async fn measure(renewals: u64) -> anyhow::Result<()> {
    let mut poster = Poster::begin().await?;
    let auditor = Auditor::of(&poster)?;
    let (few, all) = (
        renewals.div_ceil(10).div_ceil(PER_POST),
        renewals.div_ceil(PER_POST),
    );
    let begun = Instant::now();
    poster.post(few).await?;
    let tenth = auditor.run(&[], few)?;
    tell("a tenth", few, &tenth);
    poster.post(all - few).await?;
    println!(
        "posted in {:.0} s, audits included",
        begun.elapsed().as_secs_f64()
    );
    let whole = auditor.run(&[], all)?;
    tell("all", all, &whole);
    println!(
        "                              {:.2} of a tenth's memory",
        whole.peak_memory as f64 / tenth.peak_memory as f64
    );
    let cache = auditor.cache();
    tell("all, into a cache", all, &auditor.run(&cache, all)?);
    poster.post(few).await?;
    tell("a tenth more, with it", few, &auditor.run(&cache, all + few)?);
    Ok(())
}

/// A run over so many posts that were new to it.
fn tell(what: &str, posts: u64, run: &Run) {
    let (renewals, seconds) = (posts * PER_POST, run.time.as_secs_f64());
    println!(
        "{what:<24} {renewals:9} renewals {seconds:8.1} s {:10.0} a second {:8.1} MB at most",
        renewals as f64 / seconds,
        run.peak_memory as f64 / 1e6
    );
}
