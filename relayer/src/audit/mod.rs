//! `chassis audit`: is the registry what its log says?
//!
//! All logs are fetched, the whole state is rebuilt from them ([`crate::replay`]), and head and every slot are compared
//! with the registry's at the same finalized block. Nobody but the RPC endpoints is trusted, and of two neither alone.
//! Memory grows with what the registry stores, not with its log; a cache makes the next run read only what is new.

mod cache;
mod compare;
mod walk;

use std::{path::PathBuf, process::ExitCode};

use alloy::primitives::{Address, B256};
use clap::Args;
use reqwest::Url;
use serde::Serialize;

use crate::{
    Error,
    chain::{Chain, Rpc, RpcFile},
    render::{Cell, Document, Format, Mark, Refusal, View, finish},
    replay::State,
    store::BlockRef,
};

pub use compare::Method;

/// Rebuild the registry from its log, and compare every slot with the registry.
///
/// Exit code 0: they are the same; 1: they are not; 2: it cannot be said.
#[derive(Clone, Debug, Args)]
pub struct Audit {
    /// RPC endpoint of the registry's chain. With several, two must agree.
    #[arg(
        long,
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
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// The registry.
    pub registry: Address,
    /// Its chain.
    pub chain_id: u64,
    /// The last block that was compared.
    pub block: u64,
    /// Its hash.
    pub block_hash: B256,
    /// Whether head and every slot are the registry's.
    pub is_same: bool,
    /// How the slots were compared.
    pub compared: Option<Method>,
    /// What is different, the first first.
    pub differences: Vec<Difference>,
    /// The head that follows from the log.
    pub head: B256,
    /// Events in the log.
    pub events: u64,
    /// Batches posted.
    pub batches: u64,
    /// Operators ever granted, frozen or revoked.
    pub operators: usize,
    /// Platforms.
    pub platforms: usize,
    /// Slots that are not zero.
    pub slots: usize,
}

/// Something that is not as the log has it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// The last block after which all was the same, as far as that can be said.
    pub after: Option<u64>,
    /// The first block after which it was not.
    pub block: u64,
    /// The event, or the slot, and what is wrong with it.
    pub what: String,
}

impl Audit {
    /// Reads, compares and prints.
    pub fn run(self) -> ExitCode {
        let format = Format::from_switch(self.json);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let answer = runtime
            .map_err(|error| Refusal(format!("no runtime: {error}")))
            .and_then(|runtime| {
                runtime
                    .block_on(self.audit())
                    .map_err(|error| Refusal(error.to_string()))
            });
        finish(answer, format)
    }

    async fn audit(self) -> Result<Verdict, Error> {
        let rpc = Rpc {
            urls: self.rpc_url,
            file: RpcFile::default(),
        };
        let chain = Chain::connect(&rpc, self.registry).await?;
        let cache = self
            .cache
            .map(|path| cache::Cache::open(path, chain.id, self.registry))
            .transpose()?;
        let mut walk = walk::Walk::begin(chain.clone(), cache, self.start_block, self.max_range).await?;
        let finalized = chain.finalized().await?;
        let end = BlockRef {
            number: finalized.number,
            hash: finalized.hash,
        };
        if let Some(difference) = walk.to(end).await? {
            return Ok(walk.verdict(end, None, vec![difference]));
        }
        let (method, differences) = compare::compare(&chain, walk.state(), end).await?;
        Ok(walk.verdict(end, Some(method), differences))
    }
}

impl walk::Walk {
    fn verdict(&self, end: BlockRef, compared: Option<Method>, differences: Vec<Difference>) -> Verdict {
        let state: &State = self.state();
        Verdict {
            registry: self.registry(),
            chain_id: self.chain_id(),
            block: end.number,
            block_hash: end.hash,
            is_same: differences.is_empty(),
            compared,
            differences,
            head: state.head(),
            events: self.events(),
            batches: state.batches(),
            operators: state.operators().count(),
            platforms: state.platforms().count(),
            slots: state.slots().count(),
        }
    }
}

impl View for Verdict {
    fn document(&self) -> Document {
        let verdict = if self.is_same {
            Cell::marked("the registry is what its log says", Mark::Good)
        } else {
            Cell::marked("the registry is NOT what its log says", Mark::Bad)
        };
        let compared = match self.compared {
            Some(Method::StorageRoot) => "all slots at once, by the storage root",
            Some(Method::SlotBySlot) => "every slot that the log tells of, one by one",
            None => "the head",
        };
        let document = Document::new().heading(self.registry).fields(vec![
            ("verdict", verdict),
            (
                "as of block",
                format!("{} ({})", self.block, self.block_hash).into(),
            ),
            ("compared", compared.into()),
            ("head", self.head.to_string().into()),
            ("events", self.events.to_string().into()),
            ("batches", self.batches.to_string().into()),
            ("operators", self.operators.to_string().into()),
            ("platforms", self.platforms.to_string().into()),
            ("slots", self.slots.to_string().into()),
        ]);
        self.differences.iter().fold(document, |document, difference| {
            let since = difference
                .after
                .map_or(String::new(), |after| format!(" (the same up to {after})"));
            document.line(format!("block {}{since}: {}", difference.block, difference.what))
        })
    }

    fn holds(&self) -> bool {
        self.is_same
    }
}
