//! The report behind a batch, and the place of a digest in it.

use alloy::{
    primitives::{Address, B256, U256, keccak256},
    sol_types::{SolCall, SolStruct as _, SolValue as _},
};

use super::Posted;
use crate::{
    Error,
    chain::Chain,
    history::Standing,
    registry::{
        IProofOfCloudRegistry::{BatchPosted, Report, postCall},
        domain,
    },
    replay::{Event, Position, RegistryLog},
};

/// What the chain says of a batch.
pub(super) struct Applied {
    pub(super) event: BatchPosted,
    pub(super) transaction: B256,
}

/// A batch's event, in a block that is final.
pub(super) async fn applied(chain: &Chain, batch: u64, block: u64) -> Result<Option<Applied>, Error> {
    let canonical = chain.canonical(block).await?;
    let is_final = chain.finalized().await?.number >= block;
    let Some(canonical) = canonical.filter(|_| is_final) else {
        return Ok(None);
    };
    for log in chain.logs(block, block, 0).await? {
        let at = Position {
            block,
            block_hash: log.block_hash,
            time: canonical.timestamp,
            transaction: log.transaction,
            log_index: log.log_index,
        };
        let log = RegistryLog::decode(at, &log.data);
        if let Ok(RegistryLog {
            event: Event::BatchPosted(event),
            ..
        }) = log
            && event.batch == batch
            && at.block_hash == canonical.hash
        {
            let transaction = at.transaction;
            return Ok(Some(Applied {
                event: *event,
                transaction,
            }));
        }
    }
    Ok(None)
}

/// The call that posted it, wherever in the calldata it stands.
pub(super) async fn posted(chain: &Chain, applied: &Applied) -> Result<Option<postCall>, Error> {
    let Some(input) = chain.calldata(applied.transaction).await? else {
        return Ok(None);
    };
    let places = input.windows(4).enumerate();
    let places = places.filter(|(_, bytes)| *bytes == postCall::SELECTOR);
    Ok(places
        .filter_map(|(at, _)| postCall::abi_decode(input.get(at..)?).ok())
        .find(|call| hash(chain, &call.report) == applied.event.reportHash))
}

/// What relayers sign.
pub(super) fn hash(chain: &Chain, report: &Report) -> B256 {
    report.eip712_signing_hash(&domain(chain.id, *chain.registry.address()))
}

impl Applied {
    pub(super) fn set(&self) -> u32 {
        (self.event.origin >> 72_usize).wrapping_to()
    }

    pub(super) fn mask(&self) -> u32 {
        self.event.origin.wrapping_to()
    }

    /// The digests that were applied, in the order of the batch's Merkle tree.
    pub(super) fn digests(&self, report: &Report) -> Vec<B256> {
        let is_applied = |i: usize| (self.event.applied >> (128 + i) & U256::ONE) == U256::ONE;
        let grants = report
            .grants
            .iter()
            .enumerate()
            .filter(|(i, _)| *i < 128 && is_applied(*i));
        grants
            .map(|(_, grant)| grant.digest)
            .chain(self.event.digests.iter().copied())
            .collect()
    }

    /// Who signed, by the set's members as the registry has them.
    pub(super) async fn signers(&self, chain: &Chain) -> Result<Vec<Address>, Error> {
        let set = chain.registry.relayerSet(self.set()).call().await?;
        let members = set
            .members
            .iter()
            .zip(0..32)
            .filter(|(_, i)| self.mask() >> i & 1 == 1);
        Ok(members.map(|(member, _)| *member).collect())
    }
}

/// What a report says of a digest; of a renewal it says nothing more.
pub(super) fn said(report: &Report, digest: B256, renewed: Address) -> Option<Posted> {
    let issued_at = report.issuedAt.to();
    let Some(grant) = report.grants.iter().find(|grant| grant.digest == digest) else {
        return report.digests.contains(&digest).then_some(Posted {
            operator: renewed,
            digest,
            issued_at,
            standing: None,
            expiry: None,
            evidence_time: None,
        });
    };
    let entry = report
        .platforms
        .iter()
        .find(|entry| entry.platformId == grant.platformId);
    Some(Posted {
        operator: grant.operator,
        digest,
        issued_at,
        standing: Some(Standing {
            platform: grant.platformId,
            workload: grant.workloadId,
            instance: grant.instanceId,
            // Without an entry the report does not say it.
            provider: entry.map_or(0, |entry| entry.provider),
            binding: grant.binding,
            custody: grant.custody,
            tcb: grant.tcb,
            tee_class: grant.teeClass,
            flags: grant.flags,
        }),
        expiry: Some(grant.expiry.to()),
        evidence_time: Some(grant.evidenceTime.to()),
    })
}

/// Leaf and siblings as `OpenZeppelin`'s `MerkleProof` takes them: pairs ascending, an odd node carried up.
pub(super) fn path(digests: &[B256], index: usize) -> Vec<B256> {
    let mut level: Vec<B256> = (0..).zip(digests).map(|(i, digest)| leaf(i, *digest)).collect();
    let (mut index, mut path) = (index, Vec::new());
    while level.len() > 1 {
        path.extend(level.get(index ^ 1).copied());
        level = level
            .chunks(2)
            .map(|pair| match pair {
                [a, b] => parent(*a, *b),
                odd => odd.first().copied().unwrap_or_default(),
            })
            .collect();
        index /= 2;
    }
    path
}

/// The root to which a path leads.
pub(super) fn climb(index: u64, digest: B256, path: &[B256]) -> B256 {
    path.iter()
        .fold(leaf(index, digest), |node, sibling| parent(node, *sibling))
}

fn leaf(index: u64, digest: B256) -> B256 {
    keccak256(keccak256((U256::from(index), digest).abi_encode()))
}

fn parent(a: B256, b: B256) -> B256 {
    keccak256([a.min(b).0, a.max(b).0].as_flattened())
}

#[cfg(test)]
mod tests {
    use chassis_verifier::merkle_root;

    use super::*;

    #[test]
    fn every_digest_has_a_path_to_the_batchs_root_and_no_other_has() {
        for count in 1..20_u64 {
            let digests: Vec<_> = (0..count).map(|n| keccak256(n.to_be_bytes())).collect();
            let leaves = (0_u64..)
                .zip(&digests)
                .map(|(i, digest)| (U256::from(i), *digest).abi_encode());
            let root = merkle_root(leaves);
            for (i, digest) in (0..).zip(&digests) {
                let path = path(&digests, usize::try_from(i).unwrap());
                assert_eq!(climb(i, *digest, &path), root, "{i} of {count}");
                assert_ne!(climb(i + 1, *digest, &path), root, "another place");
                assert_ne!(climb(i, B256::ZERO, &path), root, "another digest");
            }
        }
    }
}
