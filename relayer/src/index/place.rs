//! Logs of finalized blocks, read, and where they stand.

use std::collections::{BTreeMap, HashSet};

use alloy::primitives::B256;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::{
    Error,
    chain::{Chain, RawLog},
    replay::{Position, RegistryLog},
};

/// Blocks asked for at once.
const AT_ONCE: usize = 16;

/// A block's hash, its time, and those of its transactions that logs name.
type Block = (B256, u64, HashSet<B256>);

/// Reads logs. Neither the head nor any slot tells when something was paused, or in which transaction: each log's block is
/// asked for, and two endpoints must say the same of it. The inner error: what was answered is not the registry's log.
pub(crate) async fn placed(
    chain: &Chain,
    raw: Vec<RawLog>,
) -> Result<Result<Vec<RegistryLog>, String>, Error> {
    let mut wanted: BTreeMap<u64, HashSet<B256>> = BTreeMap::new();
    for log in &raw {
        wanted.entry(log.block).or_default().insert(log.transaction);
    }
    let blocks: BTreeMap<u64, Option<Block>> = stream::iter(wanted)
        .map(|(number, wanted)| async move {
            let block = chain.sealed(number).await?;
            let block = block.map(|block| {
                let transactions = block.transactions.into_iter();
                let transactions = transactions.filter(|hash| wanted.contains(hash));
                (block.hash, block.time, transactions.collect())
            });
            Ok::<_, Error>((number, block))
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    let place = |log: RawLog| {
        let block = blocks.get(&log.block).and_then(Option::as_ref);
        let Some((hash, time, transactions)) = block.filter(|block| block.0 == log.block_hash) else {
            return Err(format!(
                "a log of block {}, which is not canonical",
                log.block_hash
            ));
        };
        if !transactions.contains(&log.transaction) {
            return Err(format!(
                "a log of transaction {}, which is not in block {hash}",
                log.transaction
            ));
        }
        let at = Position {
            block: log.block,
            block_hash: *hash,
            time: *time,
            transaction: log.transaction,
            log_index: log.log_index,
        };
        RegistryLog::decode(at, &log.data).map_err(|error| error.to_string())
    };
    Ok(raw.into_iter().map(place).collect())
}
