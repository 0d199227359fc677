//! The registry's log. Each answer names the block it is about by hash.
//!
//! Logs come from one endpoint: whether they are all there is decided by the registry's head, and where they stand by the
//! blocks ([`Chain::sealed`]). `removed` flags mean nothing here, and neither does an empty answer.

use alloy::{
    consensus::Transaction as _,
    eips::BlockNumberOrTag,
    primitives::{B256, Bytes, LogData},
    providers::Provider,
    rpc::types::{Filter, Log},
};

use super::{Chain, pool::Endpoint};
use crate::Error;

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

/// A block, as far as placing logs in it needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Its hash.
    pub hash: B256,
    /// Its time, Unix seconds.
    pub time: u64,
    /// Its transactions, by hash.
    pub transactions: Vec<B256>,
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

    /// The canonical block with this number, and what is in it: a decision. By it, logs that one endpoint gave are placed.
    ///
    /// # Errors
    /// If too few endpoints answer, or they disagree.
    pub async fn sealed(&self, number: u64) -> Result<Option<Sealed>, Error> {
        let about = format!("what is in block {number}");
        let block = self
            .pool
            .agreed(&about, async |endpoint| {
                let block = endpoint.provider.get_block_by_number(number.into()).await?;
                Ok(block.map(|block| Sealed {
                    hash: block.header.hash,
                    time: block.header.timestamp,
                    transactions: block.transactions.hashes().collect(),
                }))
            })
            .await?;
        block.ok_or_else(|| Error::Rpc(format!("the endpoints disagree about {about}")))
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

fn wrong(what: &str) -> Error {
    Error::Rpc(format!("an endpoint answered a question for logs with {what}"))
}
