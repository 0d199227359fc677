//! Hashes that Rust and Solidity must compute alike.

use std::{collections::HashMap, sync::LazyLock};

use alloy_primitives::{B256, U256, keccak256};
use alloy_sol_types::{SolValue, sol};
use sha2::{Digest, Sha256};

use crate::{Check, CheckId, Outcome, appraisal::NO_FACTS};

sol! {
    /// What k relayers sign the EIP-712 struct hash of.
    #[derive(Debug)]
    struct AttestationResult {
        address operator;
        bytes32 platformId;
        bytes32 instanceId;
        bytes32 workloadId;
        bytes32 measurementsHash;
        bytes32 sessionKeyHash;
        bytes32 evidenceDigest;
        bytes32 checksRoot;
        bytes32 policyDigest;
        bytes32 endorsementsDigest;
        uint40 asOf;
        uint40 evidenceTime;
        uint40 expiry;
        uint16 provider;
        uint8 teeClass;
        uint8 binding;
        uint8 custody;
        uint8 tcb;
        uint8 flags;
    }
}

/// SHA-256, as documents are addressed by.
pub fn sha256(bytes: &[u8]) -> B256 {
    B256::from(<[u8; 32]>::from(Sha256::digest(bytes)))
}

/// An Intel platform's name on chain. The raw PPID never goes there.
pub fn platform_id(ppid: &[u8]) -> B256 {
    let scheme = keccak256("chassis/v1/platform");
    keccak256((scheme, "intel:ppid", ppid).abi_encode_params())
}

/// An instance's name on chain: its AK certificate's `SubjectPublicKeyInfo`.
pub fn instance_id(certified_spki: &[u8]) -> B256 {
    keccak256([b"chassis/v1/instance", certified_spki].concat())
}

/// Merkle root over the checks in id order, so that one check can be shown without the rest.
///
/// Leaf: `keccak256(keccak256(abi.encode(uint16 id, uint8 outcome, bytes32 factsHash)))`.
pub fn checks_root(checks: &[Check]) -> B256 {
    root(checks.iter().map(leaf_hash).collect())
}

/// Of most checks, which have no facts, it depends on nothing but id and outcome.
fn leaf_hash(check: &Check) -> B256 {
    static BARE: LazyLock<HashMap<(CheckId, Outcome), B256>> = LazyLock::new(|| {
        let outcomes = [Outcome::Pass, Outcome::Fail, Outcome::NotApplicable];
        let bare = |(id, outcome)| ((id, outcome), hash_twice(&leaf(id, outcome, NO_FACTS)));
        let all = CheckId::ALL
            .iter()
            .flat_map(|id| outcomes.map(|outcome| (*id, outcome)));
        all.map(bare).collect()
    });
    match BARE.get(&(check.id, check.outcome)) {
        Some(hash) if check.facts.is_empty() => *hash,
        _ => hash_twice(&leaf(check.id, check.outcome, check.facts_hash())),
    }
}

fn leaf(id: CheckId, outcome: Outcome, facts_hash: B256) -> Vec<u8> {
    (id as u16, U256::from(outcome as u8), facts_hash).abi_encode()
}

fn hash_twice(leaf: &[u8]) -> B256 {
    keccak256(keccak256(leaf))
}

/// Root of a Merkle tree as `OpenZeppelin`'s `MerkleProof` verifies it: leaves hashed twice, pairs hashed in ascending
/// order, an odd node carried up unchanged. Zero for no leaves.
pub fn merkle_root(leaves: impl Iterator<Item = Vec<u8>>) -> B256 {
    root(leaves.map(|leaf| hash_twice(&leaf)).collect())
}

fn root(mut level: Vec<B256>) -> B256 {
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| match pair {
                [a, b] => keccak256([a.min(b).0, a.max(b).0].as_flattened()),
                odd => odd[0],
            })
            .collect();
    }
    level.first().copied().unwrap_or_default()
}
