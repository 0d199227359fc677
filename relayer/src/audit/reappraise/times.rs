//! When the blocks were that an appraisal may be as of.

use std::ops::RangeInclusive;

use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::{Error, chain::Chain};

/// Headers asked for at once.
const AT_ONCE: usize = 16;

/// The times of blocks before this one that are in the window, the latest first. The inner error: a block is not to be had.
pub(super) async fn times(
    chain: &Chain,
    before: u64,
    window: RangeInclusive<u64>,
) -> Result<Result<Vec<u64>, String>, Error> {
    let time = async |number| Ok::<_, Error>(chain.canonical(number).await?.map(|block| block.timestamp));
    times_by(before, window, &time).await
}

/// Endpoints need not have blocks that are older than the window.
async fn times_by<F: Future<Output = Result<Option<u64>, Error>>>(
    before: u64,
    window: RangeInclusive<u64>,
    time: impl Fn(u64) -> F,
) -> Result<Result<Vec<u64>, String>, Error> {
    // The first block after the window: from here back in growing steps, then by halves. What is not there is older.
    let is_after = async |number| {
        let time = time(number).await?;
        Ok::<_, Error>(time.is_some_and(|time| time > *window.end()))
    };
    let (mut low, mut high, mut step) = (before, before, 1);
    while low > 0 {
        low = high.saturating_sub(step);
        if !is_after(low).await? {
            low += 1;
            break;
        }
        high = low;
        step = step.saturating_mul(2);
    }
    while low < high {
        let middle = low.midpoint(high);
        if is_after(middle).await? {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    let mut times = Vec::new();
    while low > 0 {
        let first = low.saturating_sub(AT_ONCE as u64);
        let numbers = (first..low).rev();
        let some: Vec<_> = stream::iter(numbers.clone())
            .map(&time)
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        for (number, time) in numbers.zip(some) {
            let Some(time) = time else {
                return Ok(Err(format!("no endpoint has block {number} any more")));
            };
            if !window.contains(&time) {
                times.dedup();
                return Ok(Ok(times));
            }
            times.push(time);
        }
        low = first;
    }
    times.dedup();
    Ok(Ok(times))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_block_is_missed_that_is_much_older_than_the_window() {
        // Block n is of 12 n; those before 900 are gone.
        let time = async |number: u64| Ok::<_, Error>((number >= 900).then_some(12 * number));
        let times = async |before, window| times_by(before, window, &time).await.unwrap();
        for (before, window) in [(1_000, 11_700..=11_900), (1_100, 11_700..=11_900)] {
            let all: Vec<_> = (975..=991).rev().map(|number| 12 * number).collect();
            assert_eq!(times(before, window).await, Ok(all), "before {before}");
        }
        assert_eq!(
            times(1_000, 11_989..=11_999).await,
            Ok(vec![]),
            "between two blocks"
        );
        let oldest: Vec<_> = (901..=902).rev().map(|number| 12 * number).collect();
        assert_eq!(
            times(1_000, 10_801..=10_824).await,
            Ok(oldest),
            "900 is before them"
        );
        assert_eq!(times(0, 0..=9).await, Ok(vec![]), "no block is before the first");
        let why = times(1_000, 10_700..=10_900).await.unwrap_err();
        assert!(why.contains("block 899"), "{why}");
        let why = times(2_000, 9_000..=9_100).await.unwrap_err();
        assert!(why.contains("block 899"), "{why}");
        let first = times_by(30, 0..=24, async |number| Ok(Some(12 * number))).await;
        assert_eq!(first.unwrap(), Ok(vec![24, 12, 0]));
    }
}
