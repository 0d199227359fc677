//! What became of transactions.

use alloy::{
    primitives::{B256, Log},
    providers::Provider,
    rpc::types::TransactionReceipt,
};

use super::Chain;
use crate::Error;

impl Chain {
    /// What became of a transaction: a decision.
    ///
    /// # Errors
    /// If too few endpoints answer.
    pub async fn fate(&self, hash: B256) -> Result<Fate, Error> {
        let about = format!("the receipt of {hash}");
        let receipt = self
            .pool
            .agreed(&about, async |endpoint| {
                let receipt = endpoint.provider.get_transaction_receipt(hash).await?;
                Ok(receipt.and_then(|receipt| Receipt::new(hash, &receipt)))
            })
            .await?;
        Ok(match receipt {
            Some(Some(receipt)) => Fate::Mined(receipt),
            Some(None) => Fate::Absent,
            None => Fate::Undecided,
        })
    }
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is in a block, which may not be final.
    Mined(Receipt),
    /// It is in no block.
    Absent,
    /// No two endpoints say the same, as happens while a block spreads.
    Undecided,
}

/// What a transaction did. Only what every node says alike, so that two can be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The transaction's hash.
    pub hash: B256,
    /// The block it is in.
    pub block_hash: B256,
    /// That block's number.
    pub block_number: u64,
    /// `false`: it reverted.
    pub succeeded: bool,
    /// Gas used.
    pub gas_used: u64,
    /// Wei paid per gas.
    pub gas_price: u128,
    /// Its events.
    pub logs: Vec<Log>,
}

impl Receipt {
    /// `None` if it is about something else, or in no block.
    fn new(hash: B256, receipt: &TransactionReceipt) -> Option<Self> {
        (receipt.transaction_hash == hash).then_some(())?;
        Some(Self {
            hash,
            block_hash: receipt.block_hash?,
            block_number: receipt.block_number?,
            succeeded: receipt.status(),
            gas_used: receipt.gas_used,
            gas_price: receipt.effective_gas_price,
            logs: receipt.inner.logs().iter().map(|log| log.inner.clone()).collect(),
        })
    }
}
