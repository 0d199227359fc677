//! What can be wrong with a log.

use std::fmt::Display;

use alloy::primitives::B256;

use super::RegistryLog;

/// A log that cannot be, at this place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("block {block}, transaction {transaction}, log {log_index}, {event}: {problem}")]
pub struct ReplayError {
    /// The block's number.
    pub block: u64,
    /// The block's hash.
    pub block_hash: B256,
    /// The transaction.
    pub transaction: B256,
    /// The log's index in its block.
    pub log_index: u64,
    /// The event's name, or what it claims to be.
    pub event: String,
    /// What is wrong with it.
    pub problem: Box<Problem>,
}

/// What is wrong with an event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The registry has no such event.
    #[error("unknown event")]
    Unknown,
    /// It is not encoded as the ABI has it.
    #[error("malformed: {0}")]
    Malformed(String),
    /// The registry's rules do not allow it after what came before: something is missing, or false.
    #[error("{what}: expected {expected}, found {found}")]
    Impossible {
        /// What is compared.
        what: &'static str,
        /// What the log so far demands.
        expected: String,
        /// What the event says.
        found: String,
    },
}

impl Problem {
    pub(super) fn impossible(what: &'static str, expected: impl Display, found: impl Display) -> Self {
        Self::Impossible {
            what,
            expected: expected.to_string(),
            found: found.to_string(),
        }
    }
}

impl ReplayError {
    pub(super) fn new(log: &RegistryLog, problem: Problem) -> Self {
        Self {
            block: log.at.block,
            block_hash: log.at.block_hash,
            transaction: log.at.transaction,
            log_index: log.at.log_index,
            event: log.event.name().into(),
            problem: Box::new(problem),
        }
    }
}

/// `found` must be `expected`.
pub(super) fn expect<T: PartialEq + Display>(
    what: &'static str,
    expected: T,
    found: T,
) -> Result<(), Problem> {
    if expected == found {
        Ok(())
    } else {
        Err(Problem::impossible(what, expected, found))
    }
}
