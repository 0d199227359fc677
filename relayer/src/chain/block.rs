//! Which blocks there are, and which are final.

use alloy::{eips::BlockNumberOrTag, primitives::B256};

use super::{Chain, NEAR_SECONDS, pool::Endpoint};
use crate::Error;

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
    /// The latest finalized block: a decision.
    ///
    /// # Errors
    /// If too few endpoints answer, or they disagree.
    pub async fn finalized(&self) -> Result<Block, Error> {
        let number = self.height(self.final_tag()).await?;
        self.canonical(number.saturating_sub(self.confirmations))
            .await?
            .ok_or_else(|| Error::Rpc("no block is finalized yet".into()))
    }

    /// The latest block that two endpoints have come to: a decision, for one alone could invent it.
    ///
    /// # Errors
    /// If too few endpoints answer, or they disagree.
    pub async fn latest(&self) -> Result<Block, Error> {
        let number = self.height(BlockNumberOrTag::Latest).await?;
        self.canonical(number)
            .await?
            .ok_or_else(|| Error::Rpc(format!("block {number} is gone again")))
    }

    pub(super) async fn height(&self, tag: BlockNumberOrTag) -> Result<u64, Error> {
        let about = format!("the {tag} block");
        let height = async |endpoint: Endpoint| Ok(endpoint.tagged(tag).await?.number);
        self.pool.reached(&about, self.near, height).await
    }

    /// The canonical block at a height, if there is one: a decision.
    ///
    /// # Errors
    /// If too few endpoints answer, or they disagree.
    pub async fn canonical(&self, number: u64) -> Result<Option<Block>, Error> {
        let about = format!("block {number}");
        self.pool
            .agreed(&about, async |endpoint| endpoint.block(number.into()).await)
            .await?
            .ok_or_else(|| Error::Rpc(format!("the endpoints disagree about {about}")))
    }

    /// The chain's time, Unix seconds, that two endpoints have come to: one alone cannot put it forward.
    ///
    /// # Errors
    /// If too few endpoints answer, or they disagree.
    pub async fn time(&self) -> Result<u64, Error> {
        let time = async |endpoint: Endpoint| Ok(endpoint.tagged(BlockNumberOrTag::Latest).await?.timestamp);
        self.pool.reached("the chain's time", NEAR_SECONDS, time).await
    }

    fn final_tag(&self) -> BlockNumberOrTag {
        match self.confirmations {
            0 => BlockNumberOrTag::Finalized,
            _ => BlockNumberOrTag::Latest,
        }
    }
}

impl From<alloy::rpc::types::Block> for Block {
    fn from(block: alloy::rpc::types::Block) -> Self {
        let header = block.header;
        Self {
            number: header.number,
            hash: header.hash,
            timestamp: header.timestamp,
            base_fee: header.base_fee_per_gas.unwrap_or(0),
        }
    }
}
