//! What the registry's log is compared with: its state after a block, which is named by hash. Decisions, but for its code.

use alloy::{
    eips::{BlockId, RpcBlockHash},
    primitives::{B256, U256},
    providers::Provider,
    transports::TransportError,
};

use super::Chain;
use crate::{Error, registry::IProofOfCloudRegistry::IProofOfCloudRegistryInstance};

impl Chain {
    /// The registry's head. `None` if it cannot be said: nodes keep old states for a while only.
    ///
    /// # Errors
    /// If too few endpoints answer.
    pub async fn head_at(&self, block: B256) -> Result<Option<B256>, Error> {
        let about = format!("the registry's head at {block}");
        let address = *self.registry.address();
        let head = self
            .pool
            .agreed(&about, async |endpoint| {
                let registry = IProofOfCloudRegistryInstance::new(address, endpoint.provider.clone());
                let call = registry.head().block(at(block)).call().await;
                match call {
                    Ok(head) => Ok(Some(head)),
                    Err(alloy::contract::Error::TransportError(error)) => refused(error),
                    Err(_) => Ok(None),
                }
            })
            .await?;
        Ok(head.flatten())
    }

    /// The root of the registry's storage. `None` if it cannot be said: endpoints give no proofs, or none so old, or
    /// different ones.
    ///
    /// # Errors
    /// If too few endpoints answer.
    pub async fn storage_root_at(&self, block: B256) -> Result<Option<B256>, Error> {
        let about = format!("the registry's storage root at {block}");
        let address = *self.registry.address();
        let root = self
            .pool
            .agreed(&about, async |endpoint| {
                let proof = endpoint.provider.get_proof(address, Vec::new());
                match proof.block_id(at(block)).await {
                    Ok(proof) => Ok(Some(proof.storage_hash)),
                    Err(error) => refused(error),
                }
            })
            .await?;
        Ok(root.flatten())
    }

    /// A slot of the registry's storage.
    ///
    /// # Errors
    /// If too few endpoints answer, or they disagree.
    pub async fn slot_at(&self, slot: B256, block: B256) -> Result<U256, Error> {
        let about = format!("the registry's slot {slot} at {block}");
        let address = *self.registry.address();
        self.pool
            .agreed(&about, async |endpoint| {
                let stored = endpoint.provider.get_storage_at(address, slot.into());
                stored.block_id(at(block)).await
            })
            .await?
            .ok_or_else(|| Error::Rpc(format!("the endpoints disagree about {about}")))
    }

    /// Whether the endpoints are a development chain's.
    ///
    /// # Errors
    /// If too few endpoints answer.
    pub async fn is_development(&self) -> Result<bool, Error> {
        let is_one = self.pool.agreed("what the endpoints run", async |endpoint| {
            let version = endpoint.provider.get_client_version().await?.to_lowercase();
            Ok(["anvil", "hardhat"].iter().any(|name| version.contains(name)))
        });
        Ok(is_one.await? == Some(true))
    }

    /// Whether there was code at the registry's address after this block. `None` if the endpoint cannot say. A read: where a
    /// log begins, its first transaction shows.
    ///
    /// # Errors
    /// If no endpoint answers.
    pub async fn has_code_at(&self, number: u64) -> Result<Option<bool>, Error> {
        let code = self.provider.get_code_at(*self.registry.address());
        let code = code.block_id(BlockId::number(number)).await;
        Ok(match code {
            Ok(code) => Some(!code.is_empty()),
            Err(error) => refused(error)?,
        })
    }
}

/// Canonical or not: the caller has the hash from a decision, and on a reorg wants to be told nothing about another block.
fn at(block: B256) -> BlockId {
    BlockId::Hash(RpcBlockHash::from_hash(block, None))
}

/// An endpoint that answers with an error has no such state, or will not say.
fn refused<T>(error: TransportError) -> Result<Option<T>, TransportError> {
    if error.as_error_resp().is_some() {
        Ok(None)
    } else {
        Err(error)
    }
}
