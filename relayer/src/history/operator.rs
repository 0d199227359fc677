//! An operator: when it was attested, as what, and who stopped it.

use alloy::primitives::B256;
use serde::Serialize;

use super::{Place, StatusChange};

/// What a grant says of an operator, and renewals leave as it is. Numbers as `IProofOfCloudRegistry.sol` has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// On which platform.
    pub platform: B256,
    /// Which reviewed workload; zero if none.
    pub workload: B256,
    /// In which instance; zero if none.
    pub instance: B256,
    /// Whose platform it is.
    pub provider: u16,
    /// 1 Quote, 2 `VirtualTpm`, 3 Chassis.
    pub binding: u8,
    /// 0 None, 1 Witnessed, 2 Automated.
    pub custody: u8,
    /// 1 `UpToDate` to 6 `OutOfDateConfigurationNeeded`.
    pub tcb: u8,
    /// 1 TDX.
    pub tee_class: u8,
    /// Bit 0: the operator's key lives in the TD.
    pub flags: u8,
}

/// A time in which an operator had a live lane, of one standing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Span {
    /// The grant with which it began.
    pub from: Place,
    /// When it ended, or will: until now the expiry of its lane. Not after `from.time`: it ended in the block in which it began.
    pub to: u64,
    /// As what.
    pub standing: Standing,
    /// The batch of the grant.
    pub first_batch: u64,
    /// The last batch that lengthened it.
    pub last_batch: u64,
    /// How many renewals and equal grants lengthened it.
    pub renewals: u64,
    /// Attested without a gap since, on this platform and as nothing less than this; over spans before.
    pub since: u64,
    /// Why it ended, or will.
    pub end: End,
}

/// Why a span ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum End {
    /// It ran out, or will: nobody has renewed it.
    Expiry,
    /// A grant of another standing took its place at once.
    Regrant,
    /// Its status changed, or its platform's.
    Status(Box<StatusChange>),
    /// Its platform was entered with less custody, for less long, or as another provider's.
    PlatformLowered {
        /// The entry.
        at: Place,
    },
}

/// An operator's history.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OperatorHistory {
    /// In order, and none reaches into the next.
    pub spans: Vec<Span>,
    /// Changes of its own status, but for those by a grant.
    pub changes: Vec<StatusChange>,
    /// How many grants and renewals of its were skipped.
    pub skipped: u64,
}

/// A time between spans.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Gap {
    /// When the span before it ended.
    pub from: u64,
    /// When the next one began. `None`: there is no next one yet.
    pub to: Option<u64>,
    /// Why the span before it ended.
    pub cause: End,
}

impl OperatorHistory {
    /// The span which holds a time.
    pub fn span_at(&self, time: u64) -> Option<&Span> {
        self.last_begun(time).filter(|span| time < span.to)
    }

    /// The span that was the last one when the log had come to a place.
    pub fn span_after(&self, place: Place) -> Option<&Span> {
        let begun = self.spans.partition_point(|span| span.from.key() <= place.key());
        self.spans.get(begun.checked_sub(1)?)
    }

    /// The last span that had begun by then.
    pub fn last_begun(&self, time: u64) -> Option<&Span> {
        let begun = self.spans.partition_point(|span| span.from.time <= time);
        self.spans.get(begun.checked_sub(1)?)
    }

    /// The times without a live lane since the first grant, as known at `now`.
    pub fn gaps(&self, now: u64) -> Vec<Gap> {
        let mut gaps = Vec::new();
        for (i, span) in self.spans.iter().enumerate() {
            let next = self.spans.get(i + 1).map(|next| next.from.time);
            let from = span.to.max(span.from.time);
            if next.is_some_and(|next| next > from) || next.is_none() && from <= now {
                gaps.push(Gap {
                    from,
                    to: next,
                    cause: span.end.clone(),
                });
            }
        }
        gaps
    }
}
