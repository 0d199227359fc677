//! Which of those that wait is next: the oldest, but one that failed lets the others go first, once for each time that it
//! failed. So one that cannot be brought on now holds up none that can, and what came before stays before what comes later.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use alloy::primitives::B256;

/// Most turns that one lets pass.
const MOST: u32 = 8;

/// Those that failed, by their digest. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turns(Arc<Mutex<HashMap<B256, Failed>>>);

#[derive(Debug, Default)]
struct Failed {
    times: u32,
    /// Turns that it lets pass yet.
    waits: u32,
}

impl Turns {
    /// Those that wait, the oldest first, in the order in which they are tried. This is one turn. Others are forgotten.
    pub(crate) fn order(&self, queued: Vec<B256>) -> Vec<B256> {
        let mut failed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failed.retain(|report, _| queued.contains(report));
        let (mut first, mut last) = (Vec::new(), Vec::new());
        for report in queued {
            match failed.get_mut(&report).filter(|failed| failed.waits > 0) {
                Some(failed) => {
                    failed.waits -= 1;
                    last.push(report);
                }
                None => first.push(report),
            }
        }
        first.append(&mut last);
        first
    }

    /// Tries one. It counts as failed until it has come back well: who gives up waiting for it does not come back here.
    pub(crate) async fn take<T, E>(
        &self,
        report: B256,
        step: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        self.failed(report);
        let outcome = step.await;
        if outcome.is_ok() {
            let mut failed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            failed.remove(&report);
        }
        outcome
    }

    fn failed(&self, report: B256) {
        let mut failed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let one = failed.entry(report).or_default();
        one.times = (one.times + 1).min(MOST);
        one.waits = one.times;
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[test]
    fn a_failure_costs_a_turn_and_the_next_one_two() {
        let turns = Turns::default();
        let [a, b, c] = [1, 2, 3].map(B256::with_last_byte);
        assert_eq!(turns.order(vec![a, b, c]), [a, b, c]);
        turns.failed(a);
        assert_eq!(turns.order(vec![a, b, c]), [b, c, a]);
        assert_eq!(turns.order(vec![a, b, c]), [a, b, c], "it has let the others go");
        turns.failed(a);
        turns.failed(b);
        assert_eq!(turns.order(vec![a, b, c]), [c, a, b]);
        assert_eq!(turns.order(vec![a, b, c]), [b, c, a]);
        assert_eq!(turns.order(vec![a, b, c]), [a, b, c]);
        turns.failed(a);
        assert_eq!(turns.order(vec![b]), [b], "the others are gone");
        assert_eq!(turns.order(vec![a, b]), [a, b], "and begin anew");
    }

    #[tokio::test]
    async fn one_that_is_given_up_waiting_for_lets_the_others_go_first() {
        let turns = Turns::default();
        let [a, b] = [1, 2].map(B256::with_last_byte);
        let hangs = turns.take(a, std::future::pending::<Result<(), ()>>());
        assert!(hangs.now_or_never().is_none());
        assert_eq!(turns.order(vec![a, b]), [b, a]);
        turns.take(a, async { Err::<(), _>(()) }).await.unwrap_err();
        assert_eq!(turns.order(vec![a, b]), [b, a]);
        turns.take(a, async { Ok::<_, ()>(()) }).await.unwrap();
        assert_eq!(turns.order(vec![a, b]), [a, b]);
    }

    #[test]
    fn however_often_one_failed_its_turn_comes_before_those_that_came_later() {
        let turns = Turns::default();
        let freeze = B256::with_last_byte(1);
        for _ in 0..100 {
            turns.failed(freeze);
        }
        let is_first = (2..).map(|n| turns.order(vec![freeze, B256::with_last_byte(n)])[0] == freeze);
        assert_eq!(is_first.take_while(|is_first| !is_first).count(), 8);
    }

    #[test]
    fn many_that_fail_do_not_hide_one_that_would_not() {
        let turns = Turns::default();
        let all: Vec<_> = (1..=50).map(B256::with_last_byte).collect();
        let tried = (0..50).any(|_| {
            let mut next = turns.order(all.clone());
            next.truncate(8);
            for report in &next {
                turns.failed(*report);
            }
            next.contains(&all[49])
        });
        assert!(tried);
    }
}
