//! What a relayer asks the chain, by any number of endpoints.
//!
//! Reads go to the endpoints in order. Transactions go to all. What is final, which block is canonical, whether a post
//! is still needed and what it costs are decisions: two endpoints must say the same, unless only one is configured.

mod config;
mod decide;
mod health;
mod logs;
mod pool;
mod posted;
mod send;
mod state;
mod transport;

use std::{
    cmp::Ordering,
    sync::{Arc, atomic::AtomicU64},
};

use alloy::{
    eips::{BlockId, BlockNumberOrTag},
    primitives::{Address, B256, Bytes, Log},
    providers::{DynProvider, Provider, RootProvider},
    rpc::{
        client::RpcClient,
        types::{TransactionReceipt, TransactionRequest},
    },
    transports::TransportError,
};
use chassis_program::unix_now;
use chassis_verifier::{AnchorClaim, bundle::Anchor};

pub use config::{Rpc, RpcFile};
pub use logs::{Header, RawLog, Sealed};
pub use send::Sent;

use crate::{
    Error,
    registry::{IProofOfCloudRegistry, Registry},
};
use pool::{Endpoint, Pool, Questions};

/// How far honest endpoints may be from each other, in blocks: two epochs, for finality moves by one at a time.
const NEAR: u64 = 64;

/// The same, in seconds of the chain's time.
const NEAR_SECONDS: u64 = NEAR * 12;

/// Endpoints whose latest block is so many seconds old have not caught up with the chain.
const BEHIND: u64 = 900;

/// A chain with a registry on it.
#[derive(Clone, Debug)]
pub struct Chain {
    pool: Pool,
    provider: DynProvider,
    confirmations: u64,
    /// Blocks in one question for reports that others have posted.
    posted_span: Arc<AtomicU64>,
    /// The chain's id.
    pub id: u64,
    /// The registry. Its calls are reads: one endpoint answers.
    pub registry: Registry,
    /// The registry. Its calls are decisions: for what is signed.
    pub decided: Registry,
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
    /// If no endpoint answers, they are on different chains, or there is no contract.
    pub async fn connect(rpc: &Rpc, registry: Address) -> Result<Self, Error> {
        let pool = Pool::connect(rpc).await?;
        let id = pool.chain;
        // No fillers: nonces and fees are chosen with care elsewhere, or a crash would double a post.
        let provider = RootProvider::new(RpcClient::new(Questions::reads(pool.clone()), false)).erased();
        if provider.get_code_at(registry).await?.is_empty() {
            return Err(Error::Rpc(format!(
                "there is no contract at {registry} on chain {id}: check `registry`"
            )));
        }
        let two = RootProvider::new(RpcClient::new(Questions::decisions(pool.clone()), false)).erased();
        let decided = IProofOfCloudRegistry::new(registry, two);
        let registry = IProofOfCloudRegistry::new(registry, provider.clone());
        Ok(Self {
            pool,
            provider,
            confirmations: rpc.file.confirmations,
            posted_span: Arc::new(AtomicU64::new(posted::SPAN)),
            id,
            registry,
            decided,
        })
    }

    /// Looks at every endpoint's health.
    pub async fn probe(&self) {
        self.pool.probe().await;
    }

    /// What is wrong with endpoints, for people. Nothing of it stops the relayer by itself.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = self.pool.problems();
        match self.pool.endpoints.len() {
            1 => warnings.push("one RPC endpoint decides alone what is finalized".to_owned()),
            2 => warnings
                .push("of two RPC endpoints none may fail: a third would keep decisions going".to_owned()),
            _ => {}
        }
        warnings
    }

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

    async fn height(&self, tag: BlockNumberOrTag) -> Result<u64, Error> {
        let about = format!("the {tag} block");
        let height = async |endpoint: Endpoint| Ok(endpoint.tagged(tag).await?.number);
        self.pool.reached(&about, NEAR, height).await
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

    /// What this relayer can say about the block that evidence names: the canonical block of that number if it is
    /// finalized, else the finalized one. If the two differ, the appraisal says so.
    ///
    /// # Errors
    /// If too few endpoints answer, or they disagree; also as [`Chain::not_final`] says.
    pub async fn anchor_claim(&self, anchor: &Anchor, finalized: Block) -> Result<AnchorClaim, Error> {
        let number = anchor.block_number;
        match number.cmp(&finalized.number) {
            Ordering::Less => Ok(self.claim(self.canonical(number).await?.unwrap_or(finalized))),
            Ordering::Equal => Ok(self.claim(finalized)),
            Ordering::Greater => self.not_final(number, finalized, self.latest().await?),
        }
    }

    /// The same for a block beyond the finalized one, as of the latest.
    ///
    /// # Errors
    /// Unless it is sure that there is no such block. The node's endpoint may have been faster than these, or these are just
    /// catching up: a rejection would be for ever.
    pub fn not_final(&self, number: u64, finalized: Block, latest: Block) -> Result<AnchorClaim, Error> {
        let is_behind = latest.timestamp.saturating_add(BEHIND) < unix_now();
        if is_behind || number <= latest.number.saturating_add(NEAR) {
            return Err(Error::Rpc(format!(
                "block {number}, which evidence names, is not finalized here yet: block {} is, and block {} is the latest",
                finalized.number, latest.number
            )));
        }
        Ok(self.claim(finalized))
    }

    /// What this relayer says of a block that is final.
    pub fn claim(&self, block: Block) -> AnchorClaim {
        AnchorClaim {
            chain_id: self.id,
            registry: *self.registry.address(),
            number: block.number,
            hash: block.hash,
            timestamp: block.timestamp,
        }
    }

    /// Gas that a call to the registry would use now: a decision about whether it is still needed.
    ///
    /// # Errors
    /// [`Error::Refused`] if the registry would revert; else if too few endpoints answer, or they disagree.
    pub async fn estimate(&self, from: Address, calldata: &Bytes) -> Result<u64, Error> {
        let request = TransactionRequest::default()
            .from(from)
            .to(*self.registry.address())
            .input(calldata.clone().into());
        let about = "whether the registry takes a report";
        // Gas differs from node to node. Whether it reverts does not.
        let estimated = self
            .pool
            .estimated(about, async |endpoint| {
                let estimate = endpoint.provider.estimate_gas(request.clone());
                match estimate.block(BlockId::latest()).await {
                    Ok(gas) => Ok(Ok(gas)),
                    Err(error) => revert(&error).ok_or(error).map(Err),
                }
            })
            .await?;
        match estimated {
            Some(Ok(gas)) => Ok(gas),
            Some(Err(reason)) => Err(Error::Refused(reason)),
            None => Err(Error::Rpc(format!("the endpoints disagree about {about}"))),
        }
    }

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

    fn final_tag(&self) -> BlockNumberOrTag {
        match self.confirmations {
            0 => BlockNumberOrTag::Finalized,
            _ => BlockNumberOrTag::Latest,
        }
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

/// Why a call would revert, if that is what the error says.
fn revert(error: &TransportError) -> Option<String> {
    let error = error.as_error_resp()?;
    let reverts = error.as_revert_data().is_some() || error.message.to_lowercase().contains("revert");
    reverts.then(|| error.to_string())
}

#[cfg(test)]
pub(crate) mod tests;
