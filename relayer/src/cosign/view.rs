//! The registry as of one block.

use std::collections::{BTreeMap, BTreeSet};

use alloy::{
    eips::BlockId,
    primitives::{Address, B256},
};
use futures::stream::{self, StreamExt, TryStreamExt};

use super::Inner;
use crate::{
    Error,
    chain::Block,
    report::{Carried, View},
};

/// Questions put to the endpoints at once.
const AT_ONCE: usize = 8;

impl Inner {
    /// Reads what a report about these bundles rests on, as of a block by its hash: whoever reads it reads the same.
    /// What is signed rests on it, so no endpoint is believed alone.
    pub(super) async fn view(&self, block: Block, carried: &[Carried]) -> Result<View, Error> {
        let registry = &self.chain.decided;
        let at = BlockId::hash(block.hash);
        let operators: BTreeSet<Address> = carried.iter().map(|one| one.operator).collect();
        let platforms: BTreeSet<_> = carried.iter().map(|one| one.fields.platform_id).collect();
        let instances: BTreeSet<_> = carried.iter().map(|one| one.fields.instance_id).collect();
        let holders = instances.into_iter().filter(|id| !id.is_zero()).map(|id| {
            let registry = registry.clone();
            async move { Ok::<_, Error>((id, registry.instanceHolder(id).block(at).call().await?)) }
        });
        let holders: BTreeMap<B256, Address> = all(holders).await?;
        // Of those who hold an instance, it matters where they are.
        let operators: BTreeSet<_> = operators.into_iter().chain(holders.values().copied()).collect();
        let operators = operators.into_iter().map(|operator| {
            let registry = registry.clone();
            async move { Ok::<_, Error>((operator, registry.attestationOf(operator).block(at).call().await?)) }
        });
        let platforms = platforms.into_iter().map(|id| {
            let registry = registry.clone();
            async move { Ok::<_, Error>((id, registry.platform(id).block(at).call().await?)) }
        });
        let (operators, platforms) = (all(operators).await?, all(platforms).await?);
        Ok(View {
            block,
            operators,
            platforms,
            holders,
        })
    }
}

/// Asks a few at a time.
async fn all<K: Ord, V>(
    questions: impl Iterator<Item = impl Future<Output = Result<(K, V), Error>>>,
) -> Result<BTreeMap<K, V>, Error> {
    stream::iter(questions)
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}
