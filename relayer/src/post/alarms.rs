//! What keeps reports from being posted right now, for `/readyz` and `/metrics`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tracing::{info, warn};

/// What may hold transactions up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Alarm {
    /// Blocks cost more than may be paid.
    FeeCap,
    /// The day's money is spent.
    SpendCap,
    /// The account is empty.
    Funds,
    /// A transaction is in no block after a long time.
    Stuck,
}

impl Alarm {
    /// Those that the posting task raises.
    pub(super) const POSTING: [Self; 3] = [Self::FeeCap, Self::SpendCap, Self::Funds];
    const ALL: [Self; 4] = [Self::FeeCap, Self::SpendCap, Self::Funds, Self::Stuck];

    fn name(self) -> &'static str {
        match self {
            Self::FeeCap => "fee_cap",
            Self::SpendCap => "spend_cap",
            Self::Funds => "funds",
            Self::Stuck => "stuck",
        }
    }
}

/// Which alarms are on, and why. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Alarms(Arc<Mutex<Board>>);

#[derive(Debug, Default)]
struct Board {
    on: BTreeMap<Alarm, String>,
    /// Those for which there was a reason in this round.
    raised: BTreeSet<Alarm>,
}

impl Alarms {
    /// There is a reason.
    pub(super) fn raise(&self, alarm: Alarm, why: &str) {
        let mut board = self.board();
        board.raised.insert(alarm);
        if board.on.insert(alarm, why.to_owned()).is_none() {
            metrics::counter!("chassis_post_holds_total", "reason" => alarm.name()).increment(1);
            warn!(alarm = alarm.name(), why, "posting is held up");
        }
    }

    /// A round is over in which every one of `alarms` would have been raised if there were a reason.
    pub(super) fn settle(&self, alarms: &[Alarm]) {
        let mut board = self.board();
        for alarm in alarms {
            let has_reason = board.raised.remove(alarm);
            if !has_reason && board.on.remove(alarm).is_some() {
                info!(alarm = alarm.name(), "posting goes on");
            }
        }
    }

    pub(super) fn reasons(&self) -> Vec<String> {
        self.board().on.values().cloned().collect()
    }

    pub(super) fn publish(&self) {
        let board = self.board();
        for alarm in Alarm::ALL {
            let is_on = u8::from(board.on.contains_key(&alarm));
            metrics::gauge!("chassis_post_held", "reason" => alarm.name()).set(is_on);
        }
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_is_on_until_a_round_without_a_reason_and_clones_see_it() {
        let alarms = Alarms::default();
        let other = alarms.clone();
        alarms.raise(Alarm::Funds, "empty");
        alarms.settle(&[Alarm::FeeCap, Alarm::Funds]);
        assert_eq!(other.reasons(), ["empty"]);
        alarms.raise(Alarm::Funds, "still empty");
        other.settle(&[Alarm::Funds]);
        assert_eq!(alarms.reasons(), ["still empty"]);
        alarms.settle(&[Alarm::FeeCap]);
        assert_eq!(
            alarms.reasons(),
            ["still empty"],
            "that round was not about money"
        );
        alarms.settle(&[Alarm::Funds]);
        assert!(alarms.reasons().is_empty());
    }
}
