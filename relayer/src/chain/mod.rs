//! What a relayer asks the chain, by any number of endpoints.
//!
//! Reads go to the endpoints in order. Transactions go to all. What is final, which block is canonical, whether a post
//! is still needed and what it costs are decisions: two endpoints must say the same, unless only one is configured.

mod account;
mod anchor;
mod block;
mod config;
mod decide;
mod health;
mod logs;
mod pool;
mod posted;
mod receipt;
mod send;
mod state;
mod transport;

use std::sync::{Arc, atomic::AtomicU64};

use alloy::{
    eips::BlockId,
    primitives::{Address, Bytes},
    providers::{DynProvider, Provider, RootProvider},
    rpc::{client::RpcClient, types::TransactionRequest},
    transports::TransportError,
};

pub use block::Block;
pub(crate) use config::{MOST_NEAR, NEAR_BLOCKS};
pub use config::{Rpc, RpcFile};
pub use logs::{Header, RawLog, Sealed};
pub use receipt::{Fate, Receipt};
pub use send::Sent;

use crate::{
    Error,
    registry::{IProofOfCloudRegistry, Registry},
};
use pool::{Pool, Questions};

/// How far honest endpoints may be from each other in what an account has sent.
const NEAR: u64 = 64;

/// And in the time of their latest blocks, seconds.
const NEAR_SECONDS: u64 = 768;

/// A chain with a registry on it.
#[derive(Clone, Debug)]
pub struct Chain {
    pool: Pool,
    provider: DynProvider,
    confirmations: u64,
    /// How far honest endpoints may be from each other, in blocks.
    near: u64,
    /// Blocks in one question for reports that others have posted.
    posted_span: Arc<AtomicU64>,
    /// The chain's id.
    pub id: u64,
    /// The registry. Its calls are reads: one endpoint answers.
    pub registry: Registry,
    /// The registry. Its calls are decisions: for what is signed.
    pub decided: Registry,
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
            near: rpc.file.near_blocks,
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
}

/// Why a call would revert, if that is what the error says.
fn revert(error: &TransportError) -> Option<String> {
    let error = error.as_error_resp()?;
    let reverts = error.as_revert_data().is_some() || error.message.to_lowercase().contains("revert");
    reverts.then(|| error.to_string())
}

#[cfg(test)]
pub(crate) mod tests;
