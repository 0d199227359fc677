//! The registry's log, and what it is compared with. Each answer names the block it is about by hash.
//!
//! Logs come from one endpoint: whether they are all there is decided by the registry's head. `removed` flags mean nothing
//! here, and neither does an empty answer.

use alloy::{
    consensus::Transaction as _,
    eips::{BlockId, BlockNumberOrTag, RpcBlockHash},
    primitives::{B256, Bytes, LogData, U256},
    providers::Provider,
    rpc::types::{Filter, Log},
    transports::TransportError,
};

use super::{Chain, pool::Endpoint};
use crate::{Error, registry::IProofOfCloudRegistry::IProofOfCloudRegistryInstance};

/// A block's header, as far as following a log needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
    /// The hash of the block before it.
    pub parent: B256,
    /// Its time, Unix seconds.
    pub time: u64,
}

/// A log of the registry's, not yet read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawLog {
    /// The block's number.
    pub block: u64,
    /// The block's hash.
    pub block_hash: B256,
    /// The transaction.
    pub transaction: B256,
    /// The log's index in its block.
    pub log_index: u64,
    /// The block's time, if the endpoint tells it with each log.
    pub time: Option<u64>,
    /// Topics and data.
    pub data: LogData,
}

impl Chain {
    /// How many endpoints may be asked for logs.
    pub fn log_sources(&self) -> usize {
        self.pool.deciders().len().max(1)
    }

    /// The registry's logs in a range of blocks, both ends included, as endpoint number `source` (modulo how many there
    /// are) has them.
    ///
    /// # Errors
    /// If it does not answer, finds the range too large, or its answer is not about this range.
    pub async fn logs(&self, from: u64, to: u64, source: usize) -> Result<Vec<RawLog>, Error> {
        let filter = self.filter().from_block(from).to_block(to);
        let logs = self.source(source)?.provider.get_logs(&filter).await?;
        let logs = self.read(logs)?;
        match logs.iter().find(|log| !(from..=to).contains(&log.block)) {
            Some(log) => Err(wrong(&format!("a log of block {} for {from} to {to}", log.block))),
            None => Ok(logs),
        }
    }

    /// A transaction's calldata, as one endpoint has it: it proves itself by what is in it, or not.
    ///
    /// # Errors
    /// If no endpoint answers.
    pub async fn calldata(&self, transaction: B256) -> Result<Option<Bytes>, Error> {
        let found = self.provider.get_transaction_by_hash(transaction).await?;
        Ok(found.map(|found| found.inner.input().clone()))
    }

    /// The registry's logs in one block, by its hash.
    ///
    /// # Errors
    /// If the endpoint does not answer, does not know the block, or its answer is not about it.
    pub async fn logs_of(&self, header: &Header, source: usize) -> Result<Vec<RawLog>, Error> {
        let filter = self.filter().at_block_hash(header.hash);
        let logs = self.source(source)?.provider.get_logs(&filter).await?;
        let logs = self.read(logs)?;
        match logs
            .iter()
            .find(|log| (log.block, log.block_hash) != (header.number, header.hash))
        {
            Some(log) => Err(wrong(&format!(
                "a log of block {} for {}",
                log.block_hash, header.hash
            ))),
            None => Ok(logs),
        }
    }

    /// The canonical header with this number, as one endpoint sees it.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn header(&self, number: u64) -> Result<Option<Header>, Error> {
        let number = BlockNumberOrTag::Number(number);
        let block = self.provider.get_block_by_number(number).await?;
        Ok(block.map(|block| Header {
            number: block.header.number,
            hash: block.header.hash,
            parent: block.header.parent_hash,
            time: block.header.timestamp,
        }))
    }

    /// The registry's head after this block: a decision. `None` if it cannot be said: nodes keep old states for a while
    /// only.
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

    /// Whether there was code at the registry's address after this block. `None` if the endpoint cannot say.
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

    /// The root of the registry's storage after this block. `None` if the endpoint gives no proofs, or none so old.
    ///
    /// # Errors
    /// If no endpoint answers.
    pub async fn storage_root_at(&self, block: B256) -> Result<Option<B256>, Error> {
        let proof = self.provider.get_proof(*self.registry.address(), Vec::new());
        match proof.block_id(at(block)).await {
            Ok(proof) => Ok(Some(proof.storage_hash)),
            Err(error) => Ok(refused(error)?),
        }
    }

    /// A slot of the registry's storage after this block.
    ///
    /// # Errors
    /// If no endpoint answers.
    pub async fn slot_at(&self, slot: B256, block: B256) -> Result<U256, Error> {
        let stored = self
            .provider
            .get_storage_at(*self.registry.address(), slot.into());
        Ok(stored.block_id(at(block)).await?)
    }

    /// Whether the endpoint is a development chain.
    ///
    /// # Errors
    /// If no endpoint answers.
    pub async fn is_development(&self) -> Result<bool, Error> {
        let version = self.provider.get_client_version().await?.to_lowercase();
        Ok(["anvil", "hardhat"].iter().any(|name| version.contains(name)))
    }

    fn filter(&self) -> Filter {
        Filter::new().address(*self.registry.address())
    }

    fn source(&self, number: usize) -> Result<Endpoint, Error> {
        let mut sources = self.pool.deciders();
        if sources.is_empty() {
            return Err(Error::Rpc("no endpoint may be asked for logs now".into()));
        }
        let number = number % sources.len();
        Ok(sources.swap_remove(number))
    }

    /// In order, each once, all of them the registry's and in blocks.
    fn read(&self, logs: Vec<Log>) -> Result<Vec<RawLog>, Error> {
        let mut read = Vec::with_capacity(logs.len());
        for log in logs {
            if log.inner.address != *self.registry.address() {
                return Err(wrong(&format!("a log of {}", log.inner.address)));
            }
            let (Some(block), Some(block_hash), Some(transaction), Some(log_index)) = (
                log.block_number,
                log.block_hash,
                log.transaction_hash,
                log.log_index,
            ) else {
                return Err(wrong("a log that is in no block"));
            };
            let log = RawLog {
                block,
                block_hash,
                transaction,
                log_index,
                time: log.block_timestamp,
                data: log.inner.data,
            };
            if read.last().is_some_and(|last: &RawLog| !last.is_before(&log)) {
                return Err(wrong(&format!("log {log_index} of block {block} out of order")));
            }
            read.push(log);
        }
        Ok(read)
    }
}

impl RawLog {
    /// Of one block there is one hash.
    fn is_before(&self, other: &Self) -> bool {
        (self.block, self.log_index) < (other.block, other.log_index)
            && (self.block != other.block || self.block_hash == other.block_hash)
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

fn wrong(what: &str) -> Error {
    Error::Rpc(format!("an endpoint answered a question for logs with {what}"))
}
