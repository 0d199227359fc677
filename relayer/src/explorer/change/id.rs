//! A change's name.

use std::{
    fmt::{self, Display},
    str::FromStr,
};

use alloy::primitives::Address;

use crate::history::Place;

/// Names a change, the same on every server, for ever. In the order in which changes come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ChangeId {
    /// Unix seconds.
    time: u64,
    source: Source,
}

/// Of changes of one time, expiries come first: at its expiry a lane is over already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    /// No event tells of it.
    Expired(Address),
    /// An event, which may change several; from 0.
    Event { block: u64, log_index: u64, number: u64 },
}

impl ChangeId {
    /// Before any change.
    pub(in crate::explorer) const FIRST: Self = Self {
        time: 0,
        source: Source::Expired(Address::ZERO),
    };

    pub(super) fn of_expiry(operator: Address, time: u64) -> Self {
        Self {
            time,
            source: Source::Expired(operator),
        }
    }

    /// `last`: the change before it, perhaps by the same event.
    pub(super) fn of(at: Place, last: Option<Self>) -> Self {
        let number = match last.map(|last| last.source) {
            Some(Source::Event {
                block,
                log_index,
                number,
            }) if (block, log_index) == at.key() => number + 1,
            _ => 0,
        };
        Self {
            time: at.time,
            source: Source::Event {
                block: at.block,
                log_index: at.log_index,
                number,
            },
        }
    }
}

impl Display for ChangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.time;
        match self.source {
            Source::Expired(operator) => write!(f, "{time:010x}-expired-{operator}"),
            Source::Event {
                block,
                log_index,
                number: 0,
            } => write!(f, "{time:010x}-{block:x}-{log_index:x}"),
            Source::Event {
                block,
                log_index,
                number,
            } => write!(f, "{time:010x}-{block:x}-{log_index:x}-{number}"),
        }
    }
}

/// It is not the id of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoChangeId;

impl FromStr for ChangeId {
    type Err = NoChangeId;

    fn from_str(text: &str) -> Result<Self, NoChangeId> {
        let hex = |part: &str| u64::from_str_radix(part, 16).map_err(|_| NoChangeId);
        // The number parsers' own liberty.
        if text.contains('+') {
            return Err(NoChangeId);
        }
        let parts: Vec<_> = text.split('-').collect();
        let (time, source) = match parts[..] {
            [time, "expired", operator] => (time, Source::Expired(operator.parse().map_err(|_| NoChangeId)?)),
            [time, block, log_index] | [time, block, log_index, _] => {
                let number = parts.get(3).map_or(Ok(0), |number| number.parse());
                let number = number.map_err(|_| NoChangeId)?;
                let (block, log_index) = (hex(block)?, hex(log_index)?);
                let source = Source::Event {
                    block,
                    log_index,
                    number,
                };
                (time, source)
            }
            _ => return Err(NoChangeId),
        };
        Ok(Self {
            time: hex(time)?,
            source,
        })
    }
}

impl<'de> serde::Deserialize<'de> for ChangeId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map_err(|NoChangeId| serde::de::Error::custom(format!("`{text}` is not the id of a change")))
    }
}

impl serde::Serialize for ChangeId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::B256;

    use super::*;

    fn at(time: u64, block: u64, log_index: u64) -> Place {
        Place {
            block,
            log_index,
            time,
            transaction: B256::ZERO,
        }
    }

    #[test]
    fn ids_come_back_as_they_went_and_are_in_order() {
        let expired = ChangeId::of_expiry(Address::repeat_byte(0xab), 1_800_000_000);
        let first = ChangeId::of(at(1_800_000_000, 0xff, 3), Some(expired));
        let second = ChangeId::of(at(1_800_000_000, 0xff, 3), Some(first));
        let third = ChangeId::of(at(1_800_000_000, 0x100, 0), Some(second));
        let all = [ChangeId::FIRST, expired, first, second, third];
        assert!(all.is_sorted_by(|a, b| a < b), "{all:?}");
        for id in all {
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        assert_eq!(second.to_string(), "006b49d200-ff-3-1");
        for text in [
            "",
            "x",
            "006b49d200-ff",
            "006b49d200-ff-3-x",
            "006b49d200-ff-3-1-1",
            "006b49d200-+f-3",
            "006b49d200-expired-0x",
        ] {
            assert_eq!(text.parse::<ChangeId>(), Err(NoChangeId), "{text}");
        }
    }
}
