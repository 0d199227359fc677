//! The registry's log: which report gave an operator what it has.

use alloy::{
    rpc::types::Log,
    sol_types::{SolEvent, SolEventInterface},
};
use alloy_primitives::{Address, B256, U64};
use serde_json::json;

use super::{
    Registry,
    interface::IProofOfCloudRegistry::{BatchPosted, IProofOfCloudRegistryEvents as Event, OperatorGranted},
};
use crate::Error;

/// Blocks asked for at once. An endpoint that refuses so many is asked for fewer.
const PAGE: u64 = 1_000;
/// No endpoint refuses so few.
const LEAST_PAGE: u64 = 10;

/// One operator's part of a report that the registry applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Applied {
    /// Digest of the operator's `AttestationResult`.
    pub(crate) result: B256,
    /// SHA-256 of the manifest, which says which evidence that result is of.
    pub(crate) archive: B256,
}

impl Registry {
    /// What reports gave `operator`, whose lane is `lane`, in the blocks from `first` to `last`, in order.
    ///
    /// # Errors
    /// If the endpoint does not answer.
    pub(crate) async fn applied(
        &self,
        operator: Address,
        lane: u32,
        first: u64,
        last: u64,
    ) -> Result<Vec<Applied>, Error> {
        let (mut logs, mut from, mut page) = (Vec::new(), first, PAGE);
        while from <= last {
            let to = last.min(from + page - 1);
            match self.logs(from, to).await {
                Ok(some) => {
                    logs.extend(some);
                    from = to + 1;
                }
                Err(_) if page > LEAST_PAGE => page /= 10,
                Err(error) => return Err(error),
            }
        }
        Ok(applied(operator, lane, &logs))
    }

    async fn logs(&self, from: u64, to: u64) -> Result<Vec<Log>, Error> {
        let filter = json!([{
            "address": self.address,
            "fromBlock": U64::from(from),
            "toBlock": U64::from(to),
            "topics": [[BatchPosted::SIGNATURE_HASH, OperatorGranted::SIGNATURE_HASH]],
        }]);
        self.rpc.call("eth_getLogs", filter).await
    }
}

/// A batch's grants stand before it.
fn applied(operator: Address, lane: u32, logs: &[Log]) -> Vec<Applied> {
    let mut found = Vec::new();
    let mut granted = Vec::new();
    for log in logs {
        match Event::decode_log(&log.inner).map(|log| log.data) {
            Ok(Event::OperatorGranted(grant)) if grant.operator == operator => granted.push(grant.digest),
            Ok(Event::BatchPosted(batch)) => {
                let renewed = place(lane, &batch.renewals).and_then(|place| batch.digests.get(place));
                let results = granted.drain(..).chain(renewed.copied());
                found.extend(results.map(|result| Applied {
                    result,
                    archive: batch.archive,
                }));
            }
            _ => {}
        }
    }
    found
}

/// A lane's place among those that a batch renews: groups of 36 bytes, a slot's number and its eight lanes' words, of which
/// zeros are not renewed.
fn place(lane: u32, renewals: &[u8]) -> Option<usize> {
    let (groups, _) = renewals.as_chunks::<36>();
    let words = groups.iter().flat_map(|group| {
        let (words, _) = group.as_chunks::<4>();
        let first = u32::from_be_bytes(words[0]) << 3;
        words[1..]
            .iter()
            .zip(0..8)
            .map(move |(word, place)| (first | place, *word))
    });
    words
        .filter(|(_, word)| *word != [0; 4])
        .position(|(number, _)| number == lane)
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{Bytes, U256};

    use super::*;

    const OPERATOR: Address = Address::repeat_byte(1);
    const LANE: u32 = 11;

    fn grant(operator: Address, digest: u8) -> Log {
        log(&OperatorGranted {
            operator,
            platformId: B256::ZERO,
            workloadId: B256::ZERO,
            instanceId: B256::ZERO,
            digest: B256::repeat_byte(digest),
            operatorWord: U256::ZERO,
            laneWord: 1,
        })
    }

    fn batch(archive: u8, renewals: &[u8], digests: &[u8]) -> Log {
        log(&BatchPosted {
            batch: 0,
            policyDigest: B256::ZERO,
            origin: U256::ZERO,
            reportHash: B256::ZERO,
            archive: B256::repeat_byte(archive),
            applied: U256::ZERO,
            renewals: Bytes::copy_from_slice(renewals),
            digests: digests.iter().copied().map(B256::repeat_byte).collect(),
            head: B256::ZERO,
        })
    }

    fn log(event: &impl SolEvent) -> Log {
        Log {
            inner: alloy_primitives::Log {
                address: Address::ZERO,
                data: event.encode_log_data(),
            },
            ..Log::default()
        }
    }

    fn slot(number: u32, lanes: &[u32]) -> Vec<u8> {
        let words = (0..8).map(|place| u32::from(lanes.contains(&place)));
        std::iter::once(number)
            .chain(words)
            .flat_map(u32::to_be_bytes)
            .collect()
    }

    #[test]
    fn an_operators_results_are_told_from_others() {
        let renewals = [slot(0, &[3]), slot(1, &[0, 3, 7])].concat();
        let logs = [
            grant(Address::ZERO, 1),
            grant(OPERATOR, 2),
            batch(10, &[], &[]),
            batch(11, &renewals, &[3, 4, 5, 6]),
            batch(12, &slot(1, &[0, 7]), &[7, 8]),
            batch(13, &slot(u32::MAX, &[7]), &[9]),
        ];
        let told = |result, archive| Applied {
            result: B256::repeat_byte(result),
            archive: B256::repeat_byte(archive),
        };
        assert_eq!(applied(OPERATOR, LANE, &logs), [told(2, 10), told(5, 11)]);
    }
}
