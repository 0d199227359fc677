//! A line of the file.

use alloy::primitives::{Address, B256, Bytes, LogData};
use serde::{Deserialize, Serialize};

use crate::{
    Error,
    replay::{Position, RegistryLog},
};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Line {
    /// Whose log this is, and after which block it begins.
    Registry {
        version: u8,
        chain_id: u64,
        registry: Address,
        number: u64,
        hash: B256,
    },
    Log {
        block: u64,
        hash: B256,
        time: u64,
        transaction: B256,
        index: u64,
        topics: Vec<B256>,
        data: Bytes,
    },
    /// All logs up to this block are above.
    Until { number: u64, hash: B256, verified: bool },
}

impl Line {
    pub(super) fn of(log: &RegistryLog) -> Self {
        let (topics, data) = log.event.log_data().split();
        Self::Log {
            block: log.at.block,
            hash: log.at.block_hash,
            time: log.at.time,
            transaction: log.at.transaction,
            index: log.at.log_index,
            topics,
            data,
        }
    }

    /// `None`: it is another line.
    pub(super) fn log(self) -> Result<Option<RegistryLog>, Error> {
        let Self::Log {
            block,
            hash,
            time,
            transaction,
            index,
            topics,
            data,
        } = self
        else {
            return Ok(None);
        };
        let at = Position {
            block,
            block_hash: hash,
            time,
            transaction,
            log_index: index,
        };
        let data = LogData::new_unchecked(topics, data);
        let log = RegistryLog::decode(at, &data).map_err(|error| Error::Rpc(error.to_string()))?;
        Ok(Some(log))
    }
}
