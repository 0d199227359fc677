//! Where a registry's log comes from, and the history that follows from it.

use std::path::{Path, PathBuf};

use alloy::primitives::Address;
use clap::Args;
use reqwest::Url;
use tempfile::NamedTempFile;

use super::{
    Verdict,
    cache::{Cache, Trust},
    compare,
    walk::Walk,
};
use crate::{
    Error,
    chain::{Chain, MOST_NEAR, NEAR_BLOCKS, Rpc},
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
    /// Blocks that honest endpoints may be from each other in what is final. Finality moves by hundreds on an L2.
    #[arg(
        long,
        value_name = "BLOCKS",
        default_value_t = NEAR_BLOCKS,
        value_parser = clap::value_parser!(u64).range(1..=MOST_NEAR)
    )]
    near_blocks: u64,
    /// The registry's address.
    #[arg(long, env = "CHASSIS_REGISTRY", value_name = "ADDRESS")]
    registry: Address,
    /// The block of the registry's creation, or one before it. Without it, it is searched for: that takes an archive node.
    #[arg(long, value_name = "BLOCK")]
    start_block: Option<u64>,
    /// Cache file; the next run resumes from it.
    #[arg(long, value_name = "FILE")]
    cache: Option<PathBuf>,
    /// Maximum block range per `eth_getLogs` call.
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
    /// The log, to go through once more.
    pub(super) log: Cache,
    /// Where it waits, if it is not to be kept.
    _passing: Option<NamedTempFile>,
}

/// A log that was read and compared.
pub(super) struct Read {
    chain: Chain,
    walk: Walk,
    passing: Option<NamedTempFile>,
    pub(super) verdict: Verdict,
}

impl Source {
    /// Connects to the chain.
    pub(super) async fn connect(&self) -> Result<Chain, Error> {
        let rpc = Rpc::reading(self.rpc_url.clone(), self.near_blocks);
        Chain::connect(&rpc, self.registry).await
    }

    /// Reads the whole log and compares.
    pub(super) async fn verdict(self) -> Result<Verdict, Error> {
        let chain = self.connect().await?;
        let cache = self.cache.clone();
        Ok(self.walk(&chain, cache.as_deref()).await?.1)
    }

    /// The same, and keeps the log at least for now.
    pub(super) async fn read(self) -> Result<Read, Error> {
        let chain = self.connect().await?;
        // The log is larger than what follows from it, so it waits in a file.
        let passing = match self.cache {
            Some(_) => None,
            None => Some(NamedTempFile::new().map_err(|source| Error::Io {
                doing: "keep the log for a while".into(),
                source,
            })?),
        };
        let path = passing.as_ref().map(NamedTempFile::path);
        let (walk, verdict) = self.walk(&chain, path.or(self.cache.as_deref())).await?;
        Ok(Read {
            chain,
            walk,
            passing,
            verdict,
        })
    }

    /// Reads the whole log, compares, and makes the history; `see` gets each happening after it has been written down.
    ///
    /// # Errors
    /// Also if the registry is not what its log says: a timeline would be a guess.
    pub(super) async fn known(self, see: impl FnMut(&History, Happening)) -> Result<Known, Error> {
        self.read().await?.known(see).await
    }

    async fn walk(&self, chain: &Chain, cache: Option<&Path>) -> Result<(Walk, Verdict), Error> {
        let finalized = chain.finalized().await?;
        let end = BlockRef {
            number: finalized.number,
            hash: finalized.hash,
        };
        let mut trust = Trust::All;
        loop {
            let cache = cache.map(|path| Cache::open(path.to_owned(), chain.id, self.registry));
            let mut walk = Walk::begin(
                chain.clone(),
                cache.transpose()?,
                trust,
                self.start_block,
                self.max_range,
            )
            .await?;
            let (method, differences) = if let Some(difference) = walk.to(end).await? {
                (None, vec![difference])
            } else {
                let (method, differences) = compare::compare(chain, walk.state(), end).await?;
                (Some(method), differences)
            };
            // What was kept and never compared may be what is wrong.
            if !differences.is_empty() && walk.is_doubtful() {
                trust = Trust::Verified;
                continue;
            }
            let verdict = walk.verdict(end, method, differences);
            return Ok((walk, verdict));
        }
    }
}

impl Read {
    /// The history that follows.
    ///
    /// # Errors
    /// Also if the registry is not what its log says.
    pub(super) async fn known(self, mut see: impl FnMut(&History, Happening)) -> Result<Known, Error> {
        let (chain, verdict) = (self.chain, self.verdict);
        if let Some(difference) = verdict.differences.first() {
            return Err(Error::Question(format!(
                "the registry is not what its log says, so its history cannot be told: block {}: {}",
                difference.block, difference.what
            )));
        }
        let log = self.walk.into_cache();
        let mut log = log.ok_or_else(|| Error::Rpc("the log was not kept".into()))?;
        let mut telling = log.again()?;
        while let Some(happenings) = telling.next()? {
            for happening in happenings {
                see(telling.history(), happening);
            }
        }
        let history = telling.into_history();
        let end = chain.canonical(verdict.block).await?;
        let end = end.filter(|end| end.hash == verdict.block_hash);
        let end =
            end.ok_or_else(|| Error::Rpc(format!("block {} was final, and is not there", verdict.block)))?;
        Ok(Known {
            chain,
            history,
            time: end.timestamp,
            block: end.number,
            log,
            _passing: self.passing,
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::chain::tests::node;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        source: Source,
    }

    #[tokio::test]
    async fn how_far_endpoints_may_be_from_each_other_is_an_option() {
        let (_, a) = node::serve(|node| (node.head, node.finalized) = (10_000, 9_000)).await;
        let (_, b) = node::serve(|node| (node.head, node.finalized) = (10_000, 8_000)).await;
        let (a, b, registry) = (a.to_string(), b.to_string(), Address::ZERO.to_string());
        let least = ["", "--rpc-url", &a, "--rpc-url", &b, "--registry", &registry];
        let finalized = async |arguments: &[&str]| {
            let line = Line::try_parse_from([&least, arguments].concat()).unwrap();
            line.source.connect().await.unwrap().finalized().await
        };
        let error = finalized(&[]).await.unwrap_err();
        assert!(error.to_string().contains("disagree"), "{error}");
        let block = finalized(&["--near-blocks", "1000"]).await.unwrap();
        assert_eq!(block.number, 8_000);
    }
}
