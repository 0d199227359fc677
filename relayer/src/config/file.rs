//! What is in the file, key by key.

use std::{net::SocketAddr, path::PathBuf};

use alloy::primitives::Address;
use serde::{Deserialize, Serialize};

use crate::{
    archive::ArchiveConfig, chain::RpcFile, cosign::Cosign, endorse::Sources, explorer, index::IndexConfig,
    post::PostFile, reappraise, store::StoreConfig, webhook,
};

use super::{KeySection, LimitSection, ShutdownSection, TaskSection};

/// The file's content.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigFile {
    /// Where the HTTP interface listens.
    pub listen: SocketAddr,
    /// JSON-RPC endpoint of the registry's chain. More of them in `[rpc]`.
    #[serde(default)]
    pub rpc_url: Option<String>,
    /// The endpoints, and how they are used.
    #[serde(default)]
    pub rpc: RpcFile,
    /// The registry.
    pub registry: Address,
    /// The policy file.
    pub policy: PathBuf,
    /// Folder for the database and the archive.
    pub data_dir: PathBuf,
    /// Most bundles waiting to be appraised; beyond it, intake answers 429. Operators that were never attested here take half.
    #[serde(default = "default_queue")]
    pub max_queue: u32,
    /// Milliseconds between looks at the chain.
    #[serde(default = "default_poll")]
    pub poll_ms: u64,
    /// Most bundles in one report.
    #[serde(default = "default_batch")]
    pub max_batch: u32,
    /// Seconds that a bundle fit to be attested waits for others, until there are `max_batch`.
    #[serde(default)]
    pub batch_wait_s: u64,
    /// Highest fee paid, in gwei per gas. Above it, transactions wait.
    #[serde(default = "default_fee")]
    pub max_fee_gwei: u64,
    /// The database.
    #[serde(default)]
    pub store: StoreConfig,
    /// The archive.
    #[serde(default)]
    pub archive: ArchiveConfig,
    /// Where the key is.
    #[serde(default)]
    pub key: KeySection,
    /// What clients may take.
    #[serde(default)]
    pub limits: LimitSection,
    /// How tasks are watched.
    #[serde(default)]
    pub tasks: TaskSection,
    /// How the service ends.
    #[serde(default)]
    pub shutdown: ShutdownSection,
    /// How the registry's log is followed.
    #[serde(default)]
    pub index: IndexConfig,
    /// The pages.
    #[serde(default)]
    pub explorer: explorer::Settings,
    /// How reports are brought on chain.
    #[serde(default)]
    pub post: PostFile,
    /// Where endorsements come from.
    #[serde(default)]
    pub endorsements: Sources,
    /// How what is on chain is appraised again.
    #[serde(default)]
    pub reappraise: reappraise::Settings,
    /// The other relayers.
    #[serde(default)]
    pub cosign: Cosign,
    /// How operators are told.
    #[serde(default)]
    pub webhooks: webhook::Settings,
}

/// Well below the age at which an appraisal is made anew.
const LONGEST_BATCH_WAIT: u64 = 600;

impl ConfigFile {
    /// What is wrong with values that are well formed, each with its key's path and what to do.
    pub(super) fn mistakes(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        if self.registry.is_zero() {
            mistakes.push("registry: there is none at the zero address; give the registry's own".into());
        }
        if self.poll_ms == 0 {
            mistakes.push("poll_ms: 0 would never rest; give at least 1".into());
        }
        if self.max_batch == 0 {
            mistakes.push("max_batch: 0 would post nothing; give at least 1".into());
        }
        if self.batch_wait_s > LONGEST_BATCH_WAIT {
            mistakes.push(format!(
                "batch_wait_s: after {LONGEST_BATCH_WAIT} s an appraisal is soon too old to be signed; give no more"
            ));
        }
        let (stage, request) = (self.cosign.stage_seconds, self.limits.request_timeout_s);
        if stage >= request && !self.cosign.peers.is_empty() {
            mistakes.push(format!(
                "cosign.stage_seconds is {stage}: a peer gives up its answer after limits.request_timeout_s, {request}; give less"
            ));
        }
        mistakes.extend(self.limits.mistakes());
        mistakes.extend(self.tasks.mistakes());
        mistakes.extend(self.post.mistakes());
        mistakes.extend(self.index.mistakes());
        mistakes.extend(self.endorsements.mistakes());
        mistakes.extend(self.reappraise.mistakes());
        mistakes.extend(self.webhooks.mistakes());
        mistakes
    }
}

fn default_queue() -> u32 {
    1_000
}

fn default_poll() -> u64 {
    1_000
}

fn default_batch() -> u32 {
    64
}

fn default_fee() -> u64 {
    200
}
