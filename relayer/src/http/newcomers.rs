//! Space for operators that were never attested here. A key costs nothing, and what its bundles fill stays filled.

use std::{num::NonZeroU32, time::Duration};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter, clock::Clock};

use crate::config::LimitSection;

/// What is counted, bytes.
const UNIT: u64 = 1 << 10;
const DAY: Duration = Duration::from_hours(24);
/// What part of a day's space may be filled at once.
const AT_ONCE: u64 = 24;

/// Counts their bytes. All newcomers share one count, for nobody can tell one from many.
#[derive(Debug)]
pub(super) struct Newcomers(Option<DefaultDirectRateLimiter>);

impl Newcomers {
    /// Nobody has come yet.
    pub(super) fn new(limits: &LimitSection) -> Self {
        let per_day = u64::from(limits.newcomers_mib_per_day) << 20;
        // The largest bundle fits, however little there is for a day.
        let at_once = (per_day / AT_ONCE).max(limits.bundle_bytes as u64);
        let units = |bytes: u64| NonZeroU32::new(u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX));
        let quota = units(per_day).zip(units(at_once)).and_then(|(day, burst)| {
            let one = Quota::with_period(DAY / day.get())?;
            Some(one.allow_burst(burst))
        });
        Self(quota.map(RateLimiter::direct))
    }

    /// Counts a bundle of a newcomer's.
    ///
    /// # Errors
    /// How long until there is space for it.
    pub(super) fn take(&self, bytes: usize) -> Result<(), Duration> {
        let units = (bytes as u64).div_ceil(UNIT);
        let (Some(limiter), Some(units)) =
            (&self.0, NonZeroU32::new(u32::try_from(units).unwrap_or(u32::MAX)))
        else {
            return Ok(());
        };
        match limiter.check_n(units) {
            Ok(taken) => taken.map_err(|refused| refused.wait_time_from(limiter.clock().now())),
            Err(_) => Err(DAY),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newcomers(newcomers_mib_per_day: u32) -> Newcomers {
        Newcomers::new(&LimitSection {
            newcomers_mib_per_day,
            ..LimitSection::default()
        })
    }

    #[test]
    fn an_hours_space_is_there_at_once_and_comes_back_with_time() {
        let newcomers = newcomers(240);
        for _ in 0..10 {
            assert_eq!(newcomers.take(1 << 20), Ok(()));
        }
        let wait = newcomers.take(1 << 20).unwrap_err();
        let expected = DAY / 240;
        assert!(wait <= expected && wait > expected / 2, "{wait:?}");
    }

    #[test]
    fn the_largest_bundle_fits_and_nothing_larger() {
        assert_eq!(newcomers(1).take(4 << 20), Ok(()));
        assert_eq!(newcomers(1).take((4 << 20) + 1), Err(DAY));
    }

    #[test]
    fn none_counts_nothing() {
        let newcomers = newcomers(0);
        for _ in 0..100 {
            assert_eq!(newcomers.take(usize::MAX), Ok(()));
        }
    }
}
