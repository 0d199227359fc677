//! What a relayer asks the chain. One endpoint decides alone; `/readyz` says so.

use alloy::{
    consensus::BlockHeader,
    eips::{BlockId, BlockNumberOrTag},
    network::{Ethereum, primitives::HeaderResponse},
    primitives::{Address, B256, Bytes},
    providers::{DynProvider, Provider, RootProvider},
    rpc::types::{TransactionReceipt, TransactionRequest},
};
use chassis_verifier::{AnchorClaim, bundle::Anchor};
use reqwest::Url;

use crate::{
    Error,
    registry::{IProofOfCloudRegistry, Registry},
};

/// A chain with a registry on it.
#[derive(Clone, Debug)]
pub struct Chain {
    provider: DynProvider,
    /// The chain's id.
    pub id: u64,
    /// The registry.
    pub registry: Registry,
}

/// A block, as far as anybody here cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
    /// Its time, Unix seconds.
    pub timestamp: u64,
    /// Wei per gas.
    pub base_fee: u64,
}

impl Chain {
    /// Connects, and makes sure that there is code at the registry's address.
    ///
    /// # Errors
    /// If the endpoint does not answer, or there is no contract.
    pub async fn connect(url: &Url, registry: Address) -> Result<Self, Error> {
        // No fillers: nonces and fees are chosen with care elsewhere, or a crash would double a post.
        let provider = RootProvider::<Ethereum>::new_http(url.clone()).erased();
        let id = provider.get_chain_id().await?;
        if provider.get_code_at(registry).await?.is_empty() {
            return Err(Error::Rpc(format!(
                "there is no contract at {registry} on chain {id}: check `registry`"
            )));
        }
        let registry = IProofOfCloudRegistry::new(registry, provider.clone());
        Ok(Self {
            provider,
            id,
            registry,
        })
    }

    /// The latest finalized block.
    ///
    /// # Errors
    /// If the endpoint does not answer.
    pub async fn finalized(&self) -> Result<Block, Error> {
        self.block(BlockNumberOrTag::Finalized)
            .await?
            .ok_or_else(|| Error::Rpc("no block is finalized yet".into()))
    }

    /// The latest block.
    ///
    /// # Errors
    /// If the endpoint does not answer.
    pub async fn latest(&self) -> Result<Block, Error> {
        self.block(BlockNumberOrTag::Latest)
            .await?
            .ok_or_else(|| Error::Rpc("there is no latest block".into()))
    }

    /// The canonical block with this number, if there is one.
    ///
    /// # Errors
    /// If the endpoint does not answer.
    pub async fn block(&self, number: BlockNumberOrTag) -> Result<Option<Block>, Error> {
        let block = self.provider.get_block_by_number(number).await?;
        Ok(block.map(|block| Block {
            number: block.header.number(),
            hash: block.header.hash(),
            timestamp: block.header.timestamp(),
            base_fee: block.header.base_fee_per_gas().unwrap_or(0),
        }))
    }

    /// What this relayer can say about the block that evidence names: the canonical block of that number if it is
    /// finalized, else the finalized one. If the two differ, the appraisal says so.
    ///
    /// # Errors
    /// If the endpoint does not answer.
    pub async fn anchor_claim(&self, anchor: &Anchor, finalized: Block) -> Result<AnchorClaim, Error> {
        let block = if anchor.block_number < finalized.number {
            self.block(anchor.block_number.into()).await?.unwrap_or(finalized)
        } else {
            finalized
        };
        Ok(AnchorClaim {
            chain_id: self.id,
            registry: *self.registry.address(),
            number: block.number,
            hash: block.hash,
            timestamp: block.timestamp,
        })
    }

    /// Gas that a call to the registry would use now.
    ///
    /// # Errors
    /// [`Error::Refused`] if the registry would revert; else if the endpoint does not answer.
    pub async fn estimate(&self, from: Address, calldata: &Bytes) -> Result<u64, Error> {
        let request = TransactionRequest::default()
            .from(from)
            .to(*self.registry.address())
            .input(calldata.clone().into());
        self.provider
            .estimate_gas(request)
            .block(BlockId::latest())
            .await
            .map_err(|error| match error.as_error_resp() {
                Some(reverted) if reverted.as_revert_data().is_some() => Error::Refused(reverted.to_string()),
                _ => error.into(),
            })
    }

    /// How many transactions of `account` are in blocks: its next nonce.
    ///
    /// # Errors
    /// If the endpoint does not answer.
    pub async fn mined_nonce(&self, account: Address) -> Result<u64, Error> {
        Ok(self.provider.get_transaction_count(account).await?)
    }

    /// The same as of the latest finalized block.
    ///
    /// # Errors
    /// If the endpoint does not answer.
    pub async fn finalized_nonce(&self, account: Address) -> Result<u64, Error> {
        Ok(self
            .provider
            .get_transaction_count(account)
            .block_id(BlockId::finalized())
            .await?)
    }

    /// Wei per gas that transactions add to the base fee.
    ///
    /// # Errors
    /// If the endpoint does not answer.
    pub async fn tip(&self) -> Result<u128, Error> {
        Ok(self.provider.get_max_priority_fee_per_gas().await?)
    }

    /// Hands signed bytes to the network. Knowing them already is success.
    ///
    /// # Errors
    /// If the endpoint does not take them.
    pub async fn send(&self, raw: &[u8]) -> Result<(), Error> {
        match self.provider.send_raw_transaction(raw).await {
            Ok(_) => Ok(()),
            Err(error) if is_known(&error.to_string()) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The receipt of a transaction that is in a block.
    ///
    /// # Errors
    /// If the endpoint does not answer.
    pub async fn receipt(&self, hash: B256) -> Result<Option<TransactionReceipt>, Error> {
        Ok(self.provider.get_transaction_receipt(hash).await?)
    }
}

/// Nodes spell it differently; a nonce too low means that one of our attempts was mined, which receipts will show.
fn is_known(message: &str) -> bool {
    let message = message.to_lowercase();
    [
        "already known",
        "already imported",
        "known transaction",
        "nonce too low",
    ]
    .iter()
    .any(|known| message.contains(known))
}

#[cfg(test)]
mod tests {
    use super::is_known;

    #[test]
    fn a_known_transaction_is_no_failure() {
        assert!(is_known(
            "server returned an error response: error code -32000: already known"
        ));
        assert!(is_known("nonce too low: next nonce 5, tx nonce 4"));
        assert!(!is_known("insufficient funds for gas * price + value"));
    }
}
