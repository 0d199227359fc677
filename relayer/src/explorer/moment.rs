//! As of when a page holds, and the history up to then.

use std::{
    sync::PoisonError,
    time::{SystemTime, UNIX_EPOCH},
};

use super::{Explorer, book::Book, trouble::Trouble};

/// The finalized block that a page is about, and the time at which expiries are judged.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    pub(super) block: u64,
    /// Of the block, Unix seconds.
    pub(super) block_time: u64,
    /// The later of the block's time and this machine's: what has run out since the block counts as run out.
    pub(super) now: u64,
    /// The registry has gone on in a way that its log does not explain: the page shows what last fitted.
    pub(super) diverged: Option<String>,
    /// The id of the last change.
    pub(super) cursor: Option<String>,
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
        let moment = Moment {
            block: block.number,
            block_time: book.time,
            now: book.time.max(unix_now()),
            diverged: self.0.index.alarm().divergence().map(|found| found.to_string()),
            cursor: book.changes.back().map(|change| change.id.clone()),
        };
        look(&book, &moment)
    }

    pub(super) fn moment(&self) -> Result<Moment, Trouble> {
        self.read(|_, moment| Ok(moment.clone()))
    }
}

fn unix_now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs())
}
