//! The relayer set in force.

use std::time::{Duration, Instant};

use alloy::primitives::Address;

use super::Inner;
use crate::{Error, chain::Block};

/// A relayer set, as the registry has it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Set {
    pub(super) id: u32,
    /// In the registry's order, which numbers them in a signer mask.
    pub(super) members: Vec<Address>,
    /// `k`.
    pub(super) threshold: usize,
    /// How many signatures freeze.
    freeze_threshold: usize,
    /// Bit i: member i has been disabled.
    disabled: u32,
}

impl Set {
    /// A member's number in the signer mask.
    pub(super) fn index(&self, member: Address) -> Option<u8> {
        let index = self.members.iter().position(|other| *other == member)?;
        u8::try_from(index).ok().filter(|index| *index < 32)
    }

    pub(super) fn is_disabled(&self, index: u8) -> bool {
        self.disabled >> index & 1 == 1
    }

    /// The same members, of whom as many must sign as freeze.
    pub(super) fn for_freezes(self) -> Self {
        Self {
            threshold: self.freeze_threshold,
            ..self
        }
    }

    /// Whether this member's signatures count.
    pub(super) fn counts(&self, member: Address) -> bool {
        self.index(member).is_some_and(|index| !self.is_disabled(index))
    }

    /// Chooses `k` signatures of members that count: the mask, and the signatures in ascending order of member. `None` if
    /// there are too few.
    pub(super) fn assemble(&self, signatures: &[(Address, [u8; 64])]) -> Option<(u32, Vec<u8>)> {
        let mut chosen: Vec<_> = signatures
            .iter()
            .filter(|(signer, _)| self.counts(*signer))
            .filter_map(|(signer, signature)| Some((self.index(*signer)?, signature)))
            .collect();
        chosen.sort_unstable_by_key(|(index, _)| *index);
        chosen.dedup_by_key(|(index, _)| *index);
        let chosen = chosen.get(..self.threshold)?;
        let mask = chosen.iter().fold(0, |mask, (index, _)| mask | 1 << index);
        Some((
            mask,
            chosen
                .iter()
                .flat_map(|(_, signature)| signature.iter().copied())
                .collect(),
        ))
    }
}

/// How long a look at the registry's control is good for, where the registry itself decides in the end: a peer that was
/// disabled is heard no longer than this.
const CONTROL_TIME: Duration = Duration::from_secs(10);

/// How long a look at the finalized block is good for: members' messages come many a second.
const BLOCK_TIME: Duration = Duration::from_millis(250);

impl Inner {
    /// The set that signs now.
    pub(super) async fn set_in_force(&self) -> Result<Set, Error> {
        let id = self.chain.decided.control().call().await?.relayerSetId;
        let set = self.look_up(id).await?;
        self.memory().in_force = Some((id, Instant::now()));
        Ok(set)
    }

    /// The set in force, as it was a few seconds ago at most.
    pub(super) async fn known_set(&self) -> Result<Set, Error> {
        let known = fresh(self.memory().in_force, CONTROL_TIME);
        match known {
            Some(id) => self.set(id).await,
            None => self.set_in_force().await,
        }
    }

    /// A set by its id, as it was a few seconds ago at most; one that was replaced has an hour of grace at most.
    pub(super) async fn set(&self, id: u32) -> Result<Set, Error> {
        let known = fresh(self.memory().sets.get(&id).cloned(), CONTROL_TIME);
        match known {
            Some(set) => Ok(set),
            None => self.look_up(id).await,
        }
    }

    async fn look_up(&self, id: u32) -> Result<Set, Error> {
        let set = self.chain.decided.relayerSet(id).call().await?;
        let set = Set {
            id,
            members: set.members,
            threshold: set.threshold.into(),
            freeze_threshold: set.freezeThreshold.into(),
            disabled: set.disabled,
        };
        let mut memory = self.memory();
        memory.sets.retain(|_, (_, at)| at.elapsed() < CONTROL_TIME);
        memory.sets.insert(id, (set.clone(), Instant::now()));
        Ok(set)
    }

    /// Whether this relayer's policy is registered, as it was a few seconds ago at most.
    pub(super) async fn has_policy(&self) -> Result<bool, Error> {
        if let Some(known) = fresh(self.memory().has_policy, CONTROL_TIME) {
            return Ok(known);
        }
        let has = self
            .chain
            .decided
            .policyInForce(self.policy_digest)
            .call()
            .await?;
        self.memory().has_policy = Some((has, Instant::now()));
        Ok(has)
    }

    /// The latest finalized block, as it was a moment ago at most.
    pub(super) async fn finalized(&self) -> Result<Block, Error> {
        if let Some(known) = fresh(self.memory().finalized, BLOCK_TIME) {
            return Ok(known);
        }
        let block = self.chain.finalized().await?;
        self.memory().finalized = Some((block, Instant::now()));
        Ok(block)
    }
}

fn fresh<T>(known: Option<(T, Instant)>, time: Duration) -> Option<T> {
    known.and_then(|(value, at)| (at.elapsed() < time).then_some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(threshold: usize, disabled: u32) -> Set {
        Set {
            id: 1,
            members: (1..=4).map(Address::repeat_byte).collect(),
            threshold,
            freeze_threshold: 1,
            disabled,
        }
    }

    fn signatures(members: &[u8]) -> Vec<(Address, [u8; 64])> {
        let signature = |member: &u8| (Address::repeat_byte(*member), [*member; 64]);
        members.iter().map(signature).collect()
    }

    #[test]
    fn exactly_k_signatures_in_the_registrys_order() {
        let (mask, bytes) = set(2, 0).assemble(&signatures(&[4, 2, 3])).unwrap();
        assert_eq!(mask, 0b0110);
        assert_eq!(bytes, [[2; 64], [3; 64]].concat());
    }

    #[test]
    fn strangers_the_disabled_and_repetitions_do_not_count() {
        assert_eq!(set(2, 0).assemble(&signatures(&[2, 9])), None);
        assert_eq!(set(2, 0b10).assemble(&signatures(&[2, 1])), None);
        assert_eq!(set(2, 0).assemble(&signatures(&[2, 2])), None);
        assert_eq!(set(2, 0b10).assemble(&signatures(&[2, 1, 4])).unwrap().0, 0b1001);
    }

    #[test]
    fn a_set_of_thirty_two_has_a_number_for_everybody() {
        let set = Set {
            members: (1..=33).map(Address::repeat_byte).collect(),
            disabled: 1 << 31,
            ..set(1, 0)
        };
        assert_eq!(set.index(Address::repeat_byte(32)), Some(31));
        assert!(set.is_disabled(31));
        assert_eq!(set.index(Address::repeat_byte(33)), None);
    }
}
