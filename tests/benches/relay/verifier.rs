//! The verifier alone, on all processors, without network, disk or database.

use std::{hint::black_box, time::Instant};

use chassis_verifier::{
    Endorsements, Memo, Policy, appraise,
    bundle::{Bundle, DEFAULT_LIMIT},
};

/// Bundles parsed and appraised in a second, one by one; with `memo`, what several rest on is verified once.
pub(crate) fn rate(
    bundles: &[(Vec<u8>, Endorsements)],
    policy: &Policy,
    memo: Option<&Memo>,
) -> anyhow::Result<f64> {
    let threads = std::thread::available_parallelism()?.get();
    let start = Instant::now();
    std::thread::scope(|scope| {
        let workers: Vec<_> = bundles
            .chunks(bundles.len().div_ceil(threads))
            .map(|part| {
                let all = move || part.iter().try_for_each(|bundle| one(bundle, policy));
                scope.spawn(move || memo.map_or_else(all, |memo| memo.scope(all)))
            })
            .collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().expect("no panic"))
    })?;
    Ok(bundles.len() as f64 / start.elapsed().as_secs_f64())
}

fn one((document, endorsements): &(Vec<u8>, Endorsements), policy: &Policy) -> anyhow::Result<()> {
    let bundle = Bundle::parse(document, DEFAULT_LIMIT)?;
    let as_of = endorsements.anchor.timestamp + 60;
    let appraisal = appraise(&bundle, endorsements, policy, as_of)?;
    anyhow::ensure!(appraisal.is_attestable(), "{:?}", appraisal.checks);
    black_box(appraisal);
    Ok(())
}
