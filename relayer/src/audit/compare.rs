//! The rebuilt state against the registry's, at one block.

use alloy::primitives::{B256, U256};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;

use super::Difference;
use crate::{Error, chain::Chain, replay::State, store::BlockRef};

/// Questions at once.
const AT_ONCE: usize = 16;
/// Differences named.
const MOST: usize = 20;

/// How slots were compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Method {
    /// All at once, known and unknown, by `eth_getProof`.
    StorageRoot,
    /// Each that the log tells of, by `eth_getStorageAt`.
    SlotBySlot,
}

/// Head, then all slots.
pub(super) async fn compare(
    chain: &Chain,
    state: &State,
    end: BlockRef,
) -> Result<(Method, Vec<Difference>), Error> {
    let difference = |what| Difference {
        after: None,
        block: end.number,
        what,
    };
    let head = chain.head_at(end.hash).await?;
    let head =
        head.ok_or_else(|| Error::Rpc(format!("no two endpoints tell the head at block {}", end.number)))?;
    if head != state.head() {
        let what = format!("the head is {head}, by the log it is {}", state.head());
        return Ok((Method::SlotBySlot, vec![difference(what)]));
    }
    let root = chain.storage_root_at(end.hash).await?;
    if root == Some(state.storage_root()) {
        return Ok((Method::StorageRoot, Vec::new()));
    }
    let wrong: Vec<_> = stream::iter(state.slots())
        .map(|(slot, word)| async move {
            let stored = chain.slot_at(slot, end.hash).await?;
            Ok::<_, Error>((slot, word, stored))
        })
        .buffer_unordered(AT_ONCE)
        .try_filter(|(_, word, stored)| std::future::ready(word != stored))
        .take(MOST)
        .try_collect()
        .await?;
    let mut differences: Vec<_> = wrong
        .into_iter()
        .map(|(slot, word, stored)| difference(describe(slot, word, stored)))
        .collect();
    // A development chain's root also covers slots that were read and are zero, so there it says nothing.
    if differences.is_empty() && root.is_some() && !chain.is_development().await? {
        let what = "the registry has slots that its log does not tell of: its storage root is another";
        differences.push(difference(what.into()));
    }
    Ok((Method::SlotBySlot, differences))
}

fn describe(slot: B256, word: U256, stored: U256) -> String {
    format!("slot {slot} is {stored:#x}, by the log it is {word:#x}")
}
