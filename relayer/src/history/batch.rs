//! Batches, and the relayers who signed them.

use alloy::primitives::B256;
use serde::Serialize;

use super::{By, Place};

/// A report that was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Batch {
    /// Its number, from 0.
    pub number: u64,
    /// Its `BatchPosted`.
    pub at: Place,
    /// Which set signed it.
    pub relayer_set: u32,
    /// Bit i: member i signed.
    pub signer_mask: u32,
    /// When the report says it was issued.
    pub issued_at: u64,
    /// Under which policy.
    pub policy: B256,
    /// The EIP-712 digest that was signed.
    pub report: B256,
    /// Hash of the manifest by which its evidence is found.
    #[serde(rename = "archive")]
    pub manifest: B256,
    /// Platform entries applied.
    pub platforms: u32,
    /// Grants applied.
    pub grants: u32,
    /// Renewals applied.
    pub renewals: u32,
    /// Items skipped.
    pub skipped: u32,
}

/// A member's place in a set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Seat {
    /// The set.
    pub set: u32,
    /// Its bit in signer masks.
    pub index: u32,
    /// When the set took office.
    pub from: Place,
    /// When the set's reports are refused; `None` if it is in office.
    pub to: Option<u64>,
    /// How the member was disabled, if it was.
    pub disabled: Option<Disabled>,
}

/// How a relayer was disabled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Disabled {
    /// When.
    pub at: Place,
    /// Who did it.
    pub by: By,
    /// Why, in the actor's own numbers.
    pub reason: u16,
    /// What it rests on.
    pub evidence: B256,
}

/// A relayer's history.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RelayerHistory {
    /// In which sets it was.
    pub seats: Vec<Seat>,
    /// How many batches it signed.
    pub signed: u64,
    /// The first one.
    pub first_batch: Option<u64>,
    /// The last one.
    pub last_batch: Option<u64>,
}

impl Seat {
    /// Whether its signature counted at a time.
    pub fn counts_at(&self, time: u64) -> bool {
        self.from.time <= time
            && self.to.is_none_or(|to| time < to)
            && self
                .disabled
                .as_ref()
                .is_none_or(|disabled| time < disabled.at.time)
    }
}
