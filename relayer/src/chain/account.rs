//! What an account has, and what transactions cost it.

use alloy::{
    eips::{BlockId, BlockNumberOrTag},
    primitives::Address,
    providers::Provider,
};

use super::{Chain, NEAR, pool::Endpoint};
use crate::Error;

impl Chain {
    /// How many transactions of `account` are in blocks: its next nonce. Two endpoints reach it. Below `used`, two must say
    /// the same: a chain that was restored from a backup has them do so, and a liar, while another one is slow, does not.
    ///
    /// # Errors
    /// If too few endpoints answer, or they disagree.
    pub async fn mined_nonce(&self, account: Address, used: u64) -> Result<u64, Error> {
        let count = async |endpoint: Endpoint| endpoint.provider.get_transaction_count(account).await;
        let about = format!("the nonce of {account}");
        let reached = self.pool.reached(&about, NEAR, count).await?;
        if reached >= used {
            return Ok(reached);
        }
        self.pool
            .agreed(&about, count)
            .await?
            .ok_or_else(|| Error::Rpc(format!("the endpoints disagree about {about}")))
    }

    /// The same as of the latest finalized block.
    ///
    /// # Errors
    /// If too few endpoints answer, or they disagree.
    pub async fn finalized_nonce(&self, account: Address) -> Result<u64, Error> {
        let block = match self.confirmations {
            0 => BlockId::finalized(),
            _ => BlockId::number(self.finalized().await?.number),
        };
        let about = format!("the finalized nonce of {account}");
        self.pool
            .reached(&about, NEAR, async |endpoint| {
                endpoint
                    .provider
                    .get_transaction_count(account)
                    .block_id(block)
                    .await
            })
            .await
    }

    /// Wei that an account has: of three endpoints, none decides it alone.
    ///
    /// # Errors
    /// If too few endpoints answer.
    pub async fn balance(&self, account: Address) -> Result<u128, Error> {
        self.pool
            .middle(async |endpoint| Ok(endpoint.provider.get_balance(account).await?.saturating_to()))
            .await
    }

    /// Wei per gas that a block burns: of three endpoints, none decides it alone.
    ///
    /// # Errors
    /// If too few endpoints answer.
    pub async fn base_fee(&self) -> Result<u128, Error> {
        self.pool
            .middle(async |endpoint| {
                let latest = endpoint.tagged(BlockNumberOrTag::Latest).await?;
                Ok(latest.base_fee.into())
            })
            .await
    }

    /// Wei per gas that transactions add to the base fee: of three endpoints, none decides it alone.
    ///
    /// # Errors
    /// If too few endpoints answer.
    pub async fn tip(&self) -> Result<u128, Error> {
        self.pool
            .middle(async |endpoint| endpoint.provider.get_max_priority_fee_per_gas().await)
            .await
    }
}
