//! `[post]`: how reports are brought on chain, and what they may cost.

use alloy::primitives::{U256, utils::parse_ether};
use serde::{Deserialize, Serialize};

/// The section.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct PostFile {
    /// Most transactions at once that are in no block. Eight times as many may be under way.
    pub max_in_flight: u32,
    /// Highest tip paid to a block's proposer, in gwei per gas, whatever an endpoint asks for.
    pub max_tip_gwei: u64,
    /// Most gas of one transaction.
    pub max_gas: u64,
    /// Most that transactions may cost in 24 hours, in the chain's own coin (ether), as a decimal.
    pub max_spend_per_day: String,
    /// Seconds after which a transaction that is in no block makes the relayer unready.
    pub stuck_after: u64,
}

impl Default for PostFile {
    fn default() -> Self {
        Self {
            max_in_flight: 8,
            max_tip_gwei: 50,
            // EIP-7825: no transaction may use more.
            max_gas: 1 << 24,
            max_spend_per_day: "10".to_owned(),
            stuck_after: 600,
        }
    }
}

impl PostFile {
    /// What is wrong with values that are well formed.
    pub(crate) fn mistakes(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        if self.max_in_flight == 0 {
            mistakes.push("post.max_in_flight: 0 would post nothing; give at least 1".to_owned());
        }
        if self.max_tip_gwei == 0 {
            mistakes
                .push("post.max_tip_gwei: 0 leaves nothing for who makes blocks; give at least 1".to_owned());
        }
        if self.spend_per_day().is_none() {
            mistakes.push("post.max_spend_per_day: give a decimal number of ether, as \"0.5\"".to_owned());
        }
        mistakes
    }

    /// Wei that may be spent in 24 hours.
    pub(super) fn spend_per_day(&self) -> Option<u128> {
        let wei: U256 = parse_ether(&self.max_spend_per_day).ok()?;
        u128::try_from(wei).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tip_of_nothing_is_a_mistake() {
        let mistakes = |max_tip_gwei| {
            let file = PostFile {
                max_tip_gwei,
                ..PostFile::default()
            };
            file.mistakes().len()
        };
        assert_eq!((mistakes(0), mistakes(1)), (1, 0));
    }

    #[test]
    fn ether_is_read_to_the_wei() {
        let spend = |text: &str| {
            let file = PostFile {
                max_spend_per_day: text.to_owned(),
                ..PostFile::default()
            };
            assert_eq!(file.mistakes().is_empty(), file.spend_per_day().is_some());
            file.spend_per_day()
        };
        assert_eq!(spend("0.000000000000000001"), Some(1));
        assert_eq!(spend("10"), Some(10_000_000_000_000_000_000));
        assert_eq!(spend("ten"), None);
    }
}
