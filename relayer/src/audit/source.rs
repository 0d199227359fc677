//! Where a registry's log comes from, and the history that follows from it.

use std::path::PathBuf;

use alloy::primitives::Address;
use clap::Args;
use reqwest::Url;

use super::{Verdict, cache::Cache, compare, walk::Walk};
use crate::{
    Error,
    chain::{Chain, Rpc, RpcFile},
    history::{Happening, History},
    store::BlockRef,
};

/// Where to read.
#[derive(Clone, Debug, Args)]
pub(super) struct Source {
    /// RPC endpoint of the registry's chain. With several, two must agree.
    #[arg(
        long,
        alias = "rpc",
        env = "CHASSIS_RPC_URL",
        value_name = "URL",
        required = true,
        hide_env_values = true
    )]
    rpc_url: Vec<Url>,
    /// The registry's address.
    #[arg(long, env = "CHASSIS_REGISTRY", value_name = "ADDRESS")]
    registry: Address,
    /// The block of the registry's creation, or one before it. Without it, it is searched for: that takes an archive node.
    #[arg(long, value_name = "BLOCK")]
    start_block: Option<u64>,
    /// Keep what was read in this file, and go on from there next time.
    #[arg(long, value_name = "FILE")]
    cache: Option<PathBuf>,
    /// Most blocks in one question for logs.
    #[arg(long, value_name = "BLOCKS", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    max_range: u64,
}

/// A registry that is what its log says, and its history.
pub(super) struct Known {
    pub(super) chain: Chain,
    pub(super) history: History,
    /// The last block's time.
    pub(super) time: u64,
    /// The last block.
    pub(super) block: u64,
}

impl Source {
    /// Connects to the chain.
    pub(super) async fn connect(&self) -> Result<Chain, Error> {
        let rpc = Rpc {
            urls: self.rpc_url.clone(),
            file: RpcFile::default(),
        };
        Chain::connect(&rpc, self.registry).await
    }

    /// Reads the whole log and compares.
    pub(super) async fn verdict(self) -> Result<Verdict, Error> {
        let chain = self.connect().await?;
        let cache = self.cache.clone();
        Ok(self.walk(&chain, cache).await?.1)
    }

    /// Reads the whole log, compares, and makes the history; `see` gets each happening after it has been written down.
    ///
    /// # Errors
    /// Also if the registry is not what its log says: a timeline would be a guess.
    pub(super) async fn known(self, mut see: impl FnMut(&History, Happening)) -> Result<Known, Error> {
        let chain = self.connect().await?;
        let io = |source| Error::Io {
            doing: "keep the log for a while".into(),
            source,
        };
        // The log is larger than what follows from it, so it waits in a file.
        let passing = match self.cache {
            Some(_) => None,
            None => Some(tempfile::NamedTempFile::new().map_err(io)?),
        };
        let path = passing.as_ref().map(|file| file.path().to_owned());
        let path = path.or_else(|| self.cache.clone());
        let (mut walk, verdict) = self.walk(&chain, path).await?;
        if let Some(difference) = verdict.differences.first() {
            return Err(Error::Rpc(format!(
                "the registry is not what its log says, so its history cannot be told: block {}: {}",
                difference.block, difference.what
            )));
        }
        let mut history = History::new(*chain.registry.address());
        if let Some(cache) = walk.cache() {
            cache.read(|logs| {
                let happenings = history.take(&logs);
                let happenings = happenings.map_err(|error| Error::Rpc(error.to_string()))?;
                for happening in happenings {
                    see(&history, happening);
                }
                Ok(())
            })?;
        }
        let end = chain.header(verdict.block).await?;
        let end = end.filter(|end| end.hash == verdict.block_hash);
        let end =
            end.ok_or_else(|| Error::Rpc(format!("block {} was final, and is not there", verdict.block)))?;
        Ok(Known {
            chain,
            history,
            time: end.time,
            block: end.number,
        })
    }

    async fn walk(&self, chain: &Chain, cache: Option<PathBuf>) -> Result<(Walk, Verdict), Error> {
        let cache = cache
            .map(|path| Cache::open(path, chain.id, self.registry))
            .transpose()?;
        let mut walk = Walk::begin(chain.clone(), cache, self.start_block, self.max_range).await?;
        let finalized = chain.finalized().await?;
        let end = BlockRef {
            number: finalized.number,
            hash: finalized.hash,
        };
        if let Some(difference) = walk.to(end).await? {
            let verdict = walk.verdict(end, None, vec![difference]);
            return Ok((walk, verdict));
        }
        let (method, differences) = compare::compare(chain, walk.state(), end).await?;
        let verdict = walk.verdict(end, Some(method), differences);
        Ok((walk, verdict))
    }
}
