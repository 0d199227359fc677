//! The last changes, for feeds and for whoever waits for one.

use std::collections::VecDeque;

use super::change::{Change, ChangeId};

/// Changes that are kept; older ones stand in the operators' own histories.
const KEPT: usize = 5_000;

/// The last changes, in the order of their ids.
#[derive(Debug, Default)]
pub(super) struct News {
    kept: VecDeque<Change>,
    /// The last one that is not kept any more.
    dropped: Option<ChangeId>,
}

impl News {
    pub(super) fn push(&mut self, change: Change) {
        if self.kept.len() == KEPT {
            self.dropped = self.kept.pop_front().map(|change| change.id);
        }
        self.kept.push_back(change);
    }

    /// The newest.
    pub(super) fn last(&self) -> Option<&Change> {
        self.kept.back()
    }

    /// All, the newest first.
    pub(super) fn latest(&self) -> impl Iterator<Item = &Change> {
        self.kept.iter().rev()
    }

    /// Those before one, or all, the newest first: so many of those that are `wanted`, and before which the next page goes
    /// on, if there is one.
    pub(super) fn page(
        &self,
        before: Option<ChangeId>,
        length: usize,
        wanted: impl Fn(&Change) -> bool,
    ) -> (Vec<&Change>, Option<ChangeId>) {
        let end = before.map_or(self.kept.len(), |id| {
            self.kept.partition_point(|change| change.id < id)
        });
        let mut listed = self.kept.range(..end).rev().filter(|change| wanted(change));
        let page: Vec<_> = listed.by_ref().take(length).collect();
        let has_more = listed.next().is_some();
        let next = page.last().filter(|_| has_more).map(|change| change.id);
        (page, next)
    }

    /// Those after one, the oldest first. The one itself need not be there.
    pub(super) fn after(&self, id: ChangeId) -> impl Iterator<Item = &Change> {
        let start = self.kept.partition_point(|change| change.id <= id);
        self.kept.range(start..)
    }

    /// Whether something that came after this one is not kept any more.
    pub(super) fn has_dropped_since(&self, id: ChangeId) -> bool {
        self.dropped.is_some_and(|dropped| dropped > id)
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::Address;

    use super::*;

    fn expired(time: u64) -> Change {
        Change::expired(Address::ZERO, time)
    }

    #[test]
    fn whoever_comes_late_goes_on_where_it_was_or_is_told_of_the_gap() {
        let mut news = News::default();
        let total = KEPT as u64 + 10;
        for time in 1..=total {
            news.push(expired(time));
        }
        let after = |time: u64| {
            let id = expired(time).id;
            (news.after(id).count(), news.has_dropped_since(id))
        };
        assert_eq!(after(total), (0, false));
        assert_eq!(after(total - 3), (3, false));
        assert_eq!(
            after(10),
            (KEPT, false),
            "the last that was dropped is known to the asker"
        );
        assert_eq!(after(9), (KEPT, true));
        assert_eq!(after(0), (KEPT, true));
        assert_eq!(after(total + 1), (0, false), "a cursor of a server that is ahead");
        let page = |before: u64| {
            let (page, next) = news.page(Some(expired(before).id), 2, |change| change.time != 12);
            let times: Vec<_> = page.iter().map(|change| change.time).collect();
            (times, next.map(|next| next == expired(13).id))
        };
        assert_eq!(page(15), (vec![14, 13], Some(true)));
        assert_eq!(page(14), (vec![13, 11], None), "nothing is left");
        assert_eq!(page(5), (vec![], None));
    }
}
