//! What keeps reports from being posted right now, for `/readyz` and `/metrics`.

use std::{
    collections::BTreeMap,
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
pub(super) struct Alarms(Arc<Mutex<BTreeMap<Alarm, String>>>);

impl Alarms {
    pub(super) fn raise(&self, alarm: Alarm, why: &str) {
        if self.on().insert(alarm, why.to_owned()).is_none() {
            metrics::counter!("chassis_post_holds_total", "reason" => alarm.name()).increment(1);
            warn!(alarm = alarm.name(), why, "posting is held up");
        }
    }

    pub(super) fn clear(&self, alarm: Alarm) {
        if self.on().remove(&alarm).is_some() {
            info!(alarm = alarm.name(), "posting goes on");
        }
    }

    /// Nothing waits, so nothing holds it up.
    pub(super) fn clear_waiting(&self) {
        for alarm in [Alarm::FeeCap, Alarm::SpendCap, Alarm::Funds] {
            self.clear(alarm);
        }
    }

    pub(super) fn reasons(&self) -> Vec<String> {
        self.on().values().cloned().collect()
    }

    pub(super) fn publish(&self) {
        let on = self.on();
        for alarm in Alarm::ALL {
            let is_on = u8::from(on.contains_key(&alarm));
            metrics::gauge!("chassis_post_held", "reason" => alarm.name()).set(is_on);
        }
    }

    fn on(&self) -> MutexGuard<'_, BTreeMap<Alarm, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_is_on_until_it_is_cleared_and_clones_see_it() {
        let alarms = Alarms::default();
        let other = alarms.clone();
        alarms.raise(Alarm::Funds, "empty");
        alarms.raise(Alarm::Funds, "still empty");
        assert_eq!(other.reasons(), ["still empty"]);
        other.clear(Alarm::Funds);
        assert!(alarms.reasons().is_empty());
    }
}
