//! What takes a look at everybody, kept for some seconds: whoever asks often must not make it be done often.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Explorer, book::Book, moment::Moment, standing::Operator};

/// Seconds for which nothing is made anew.
const SECONDS: u64 = 5;

#[derive(Debug, Default)]
pub(super) struct Kept {
    everybody: Memo<Arc<[Operator]>>,
    overview: Memo<Arc<str>>,
}

/// A value, with the block and the time that it is of.
#[derive(Debug)]
struct Memo<T>(Mutex<Option<(u64, u64, T)>>);

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Memo<T> {
    /// Made at most once for a block and a time, whoever waits.
    fn get(&self, moment: &Moment, make: impl FnOnce() -> T) -> T {
        let key = (moment.block, moment.now / SECONDS);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some((block, time, value)) if (*block, *time) == key => value.clone(),
            _ => {
                let value = make();
                *kept = Some((key.0, key.1, value.clone()));
                value
            }
        }
    }
}

impl Explorer {
    /// Everybody there ever was, by address.
    pub(super) fn everybody(&self, book: &Book, moment: &Moment) -> Arc<[Operator]> {
        let make = || Operator::all(&book.history, moment.now).collect();
        self.0.kept.everybody.get(moment, make)
    }

    /// The overview, which `make` makes.
    pub(super) fn kept_overview(&self, moment: &Moment, make: impl FnOnce() -> String) -> Arc<str> {
        self.0.kept.overview.get(moment, || make().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_made_once_for_a_block_and_some_seconds() {
        let memo = Memo::default();
        let get = |block, now, value: u32| {
            let moment = Moment {
                block,
                now,
                ..Moment::default()
            };
            memo.get(&moment, || value)
        };
        assert_eq!(get(1, 100, 1), 1);
        assert_eq!(get(1, 104, 2), 1);
        assert_eq!(get(2, 104, 3), 3, "another block");
        assert_eq!(get(2, 105, 4), 4, "time goes on");
    }
}
