//! How much a relayer takes, beside what the verifier alone does on the same processors in the same run; how long its
//! answers take, and how much memory it has in use. Everything is real: `chassis relay` in a process of its own, a second
//! process that sends, anvil, a disk. Needs `swtpm`, and binaries of the same profile:
//!
//! `cargo build --release --workspace --bins && cargo bench --workspace --bench relay`

#![allow(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a measurement may end in a panic"
)]

#[path = "../../it/e2e/chain.rs"]
#[allow(dead_code, reason = "shared with the end-to-end tests")]
mod chain;
mod costs;
#[path = "../../it/e2e/outside.rs"]
#[allow(dead_code, reason = "shared with the end-to-end tests")]
mod outside;
#[path = "../../it/e2e/programs.rs"]
#[allow(dead_code, reason = "shared with the end-to-end tests")]
mod programs;
mod sender;
mod stage;
mod states;
mod verifier;

use std::time::{Duration, Instant};

use alloy::providers::Provider;
use chassis_verifier::Memo;

use costs::Costs;
use sender::{Load, Outcome};
use stage::Stage;

/// Bundles of each part. Each part has operators and machines of its own: none is a renewal of another.
const BUNDLES: usize = 2_000;

fn main() -> anyhow::Result<()> {
    if let Some(load) = Load::from_arguments()? {
        return sender::send(&load);
    }
    tokio::runtime::Runtime::new()?.block_on(measure())
}

async fn measure() -> anyhow::Result<()> {
    let mut stage = Stage::set().await?;
    let alone = verifier::rate(&stage.bundles(0)?, &stage.policy(), None)?;
    stage.make_gas_dear(true).await?;
    let first = stage.chain.provider.get_block_number().await? + 1;
    let whole = stage.load(1, |load| load.clients = 64).run()?;
    let rate = |elapsed: Duration| BUNDLES as f64 / elapsed.as_secs_f64();
    let answered = rate(whole.elapsed()?);
    stage.until_appraised(BUNDLES).await?;
    let appraised = rate(whole.elapsed()?);
    stage.until_signed().await?;
    let rate = rate(whole.elapsed()?);
    let again = verifier::rate(&stage.bundles(0)?, &stage.policy(), None)?;
    let remembering = verifier::rate(&stage.bundles(0)?, &stage.policy(), Some(&Memo::default()))?;
    println!("verifier alone                {alone:8.0} bundles a second, and afterwards {again:.0}");
    println!("with a memo, as a relayer has {remembering:8.0} bundles a second");
    println!("accepted and archived         {answered:8.0} bundles a second");
    let part = |rate| rate / f64::midpoint(alone, again);
    println!(
        "… and appraised               {appraised:8.0} bundles a second, {:.2} of the verifier's",
        part(appraised)
    );
    println!(
        "… and in signed reports       {rate:8.0} bundles a second, {:.2} of the verifier's",
        part(rate)
    );
    println!("refused                       {:8}", whole.refused);
    let posted = Costs::since(&stage.chain, first).await?.transactions;
    anyhow::ensure!(posted == 0, "{posted} reports were posted meanwhile");
    let start = Instant::now();
    stage.make_gas_dear(false).await?;
    stage.until_posted().await?;
    println!(
        "… and posted after another    {:8.1} s",
        start.elapsed().as_secs_f64()
    );
    println!(
        "grants                        {}",
        Costs::since(&stage.chain, 0).await?
    );

    // Once while transactions wait, and once while they are posted, by a node on the same processors.
    for (is_dear, part, count) in [(true, 2, 2), (false, 0, 3)] {
        stage.make_gas_dear(is_dear).await?;
        let half = stage.load(part, |load| load.interval = Duration::from_secs_f64(2.0 / rate));
        say_half(is_dear, &half.run()?);
        stage.until_appraised(count * BUNDLES).await?;
        stage.until_signed().await?;
    }

    let many = stage.load(3, |load| load.clients = 500).run()?;
    println!(
        "500 clients: median           {:8.2} ms, refused {}",
        many.median_ms(),
        many.refused
    );
    println!(
        "             resident memory  {:8.1} MB at most",
        stage.peak_memory_mb()
    );
    stage.until_posted().await?;
    renew(&mut stage).await
}

fn say_half(is_dear: bool, half: &Outcome) {
    let posting = if is_dear { "waits" } else { "under way" };
    println!(
        "at half that, posting {posting}: median {:.2} ms, p99 {:.2} ms, {:.1} of the median",
        half.median_ms(),
        half.p99_ms(),
        half.p99_ms() / half.median_ms()
    );
}

/// Renews two thousand operators by new bundles, and says what a hundred thousand would take.
async fn renew(stage: &mut Stage) -> anyhow::Result<()> {
    const MANY: f64 = 100_000.0;
    const EXPIRY: f64 = 86_400.0;
    stage.write_renewals(1).await?;
    let (first, start) = (stage.chain.provider.get_block_number().await? + 1, Instant::now());
    stage.load(1, |_| ()).run()?;
    stage.until_posted().await?;
    let seconds = start.elapsed().as_secs_f64();
    let costs = Costs::since(&stage.chain, first).await?;
    println!("renewals                      {costs}, in {seconds:.1} s from bundle to block");
    let factor = MANY / BUNDLES as f64;
    println!(
        "100,000 in proportion         {:8.0} transactions, {:.2} Ggas, {:.0} s of {EXPIRY} s",
        costs.transactions as f64 * factor,
        costs.gas as f64 * factor / 1e9,
        seconds * factor
    );
    Ok(())
}
