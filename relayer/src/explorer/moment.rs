//! As of when a page holds, and the history up to then.

use std::sync::PoisonError;

use chassis_program::unix_now;

use super::{Explorer, book::Book, change::ChangeId, trouble::Trouble};

/// The finalized block that a page is about, and the time at which expiries are judged.
#[derive(Clone, Debug, Default)]
pub(super) struct Moment {
    pub(super) block: u64,
    /// Of the block, Unix seconds.
    pub(super) block_time: u64,
    /// The later of the block's time and this machine's: what has run out since the block counts as run out.
    pub(super) now: u64,
    /// Seconds since the block, if they are more than finality takes: the server's endpoints have stopped, or the chain has.
    pub(super) stale: Option<u64>,
    /// The registry has gone on in a way that its log does not explain: the page shows what last fitted.
    pub(super) diverged: Option<String>,
    /// The id of the last change.
    pub(super) cursor: Option<ChangeId>,
}

impl Explorer {
    /// Shows the history as it stands.
    ///
    /// # Errors
    /// While it is still being read, and what `look` says.
    pub(super) fn read<T>(
        &self,
        look: impl FnOnce(&Book, &Moment) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let book = self.0.book.read().unwrap_or_else(PoisonError::into_inner);
        let Some(block) = book.block else {
            return Err(Trouble::Unavailable(
                "The registry's log is still being read. Try again in a minute.".into(),
            ));
        };
        let clock = unix_now();
        let moment = Moment {
            block: block.number,
            block_time: book.time,
            now: book.time.max(clock),
            stale: stale(book.time, clock),
            diverged: self.0.index.alarm().divergence().map(|found| found.to_string()),
            cursor: book.news.last().map(|change| change.id),
        };
        look(&book, &moment)
    }

    pub(super) fn moment(&self) -> Result<Moment, Trouble> {
        self.read(|_, moment| Ok(moment.clone()))
    }
}

/// Finality takes 13 to 20 minutes on Ethereum, and blocks of a quiet rollup some more.
const STALE: u64 = 3_600;

fn stale(block_time: u64, clock: u64) -> Option<u64> {
    Some(clock.saturating_sub(block_time)).filter(|age| *age > STALE)
}

#[cfg(test)]
mod tests {
    use super::stale;

    #[test]
    fn a_block_is_stale_after_an_hour_and_never_ahead_of_the_clock() {
        assert_eq!(stale(1_000_000, 1_003_600), None);
        assert_eq!(stale(1_000_000, 1_003_601), Some(3_601));
        assert_eq!(stale(1_000_000, 5), None);
    }
}
