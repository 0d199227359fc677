//! What the registry's transactions have cost, by their receipts.

use std::fmt;

use alloy::{consensus::Transaction as _, eips::BlockId, network::TransactionResponse, providers::Provider};
use anyhow::{Context as _, ensure};

use crate::{BUNDLES, chain::Chain};

pub(crate) struct Costs {
    pub(crate) transactions: u64,
    pub(crate) gas: u64,
    pub(crate) calldata: usize,
}

impl Costs {
    /// All transactions to the registry since a block, each of which must have succeeded.
    pub(crate) async fn since(chain: &Chain, first: u64) -> anyhow::Result<Self> {
        let mut costs = Self {
            transactions: 0,
            gas: 0,
            calldata: 0,
        };
        for number in first..=chain.provider.get_block_number().await? {
            let block = chain.provider.get_block(BlockId::number(number)).full().await?;
            for transaction in block.context("a block is gone")?.transactions.txns() {
                if transaction.to() != Some(chain.registry) {
                    continue;
                }
                let hash = transaction.tx_hash();
                let receipt = chain.provider.get_transaction_receipt(hash).await?;
                let receipt = receipt.context("a receipt is gone")?;
                ensure!(receipt.status(), "{hash} reverted");
                costs.transactions += 1;
                costs.gas += receipt.gas_used;
                costs.calldata += transaction.input().len();
            }
        }
        Ok(costs)
    }
}

impl fmt::Display for Costs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each = |all: f64| all / BUNDLES as f64;
        write!(
            f,
            "{} transactions; for each operator {:.0} gas and {:.0} bytes",
            self.transactions,
            each(self.gas as f64),
            each(self.calldata as f64)
        )
    }
}
