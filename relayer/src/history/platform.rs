//! A platform: whose it was, who vouched for the place, who stopped it, and who was on it.

use std::collections::BTreeSet;

use alloy::primitives::Address;
use serde::Serialize;

use super::{Place, StatusChange};

/// A time in which a platform was entered alike. It begins with an entry and ends with the next one or with a freeze.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tenure {
    /// The entry with which it began.
    pub from: Place,
    /// Whose platform it is.
    pub provider: u16,
    /// 0 None, 1 Witnessed, 2 Automated.
    pub custody: u8,
    /// When custody expires, by the last entry.
    pub custody_expiry: u64,
    /// The batch of its first entry.
    pub first_batch: u64,
    /// The batch of its last entry.
    pub last_batch: u64,
    /// How many entries said the same.
    pub entries: u64,
}

/// A platform's history.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlatformHistory {
    /// In order.
    pub tenures: Vec<Tenure>,
    /// Freezes, revocations and their lifting.
    pub changes: Vec<StatusChange>,
    /// Everybody who was ever granted on it. When they were there, their spans say.
    pub operators: BTreeSet<Address>,
}

impl PlatformHistory {
    /// The change of status that was in force at a time: no entry came after it.
    pub fn stopped_at(&self, time: u64) -> Option<&StatusChange> {
        let change = self.changes.iter().rev().find(|change| change.at.time <= time)?;
        let entry = self.tenures.iter().rev().find(|tenure| tenure.from.time <= time);
        entry
            .is_none_or(|entry| entry.from.key() < change.at.key())
            .then_some(change)
    }

    /// As what it was entered last, by then.
    pub fn tenure_at(&self, time: u64) -> Option<&Tenure> {
        self.tenures.iter().rev().find(|tenure| tenure.from.time <= time)
    }
}
