//! `chassis explore`.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use alloy::primitives::Address;
use clap::Args;
use reqwest::Url;

use super::relay::serve_until_told;
use crate::service;

/// Serve pages about a registry: operators, platforms, batches, relayers, and their history.
///
/// The state is rebuilt from the registry's own log and compared with the registry; no relayer is trusted. An archive only
/// adds details of appraisals, and the pages mark them as such.
#[derive(Clone, Debug, Args)]
pub struct Explore {
    /// RPC endpoint of the registry's chain. With several, two must agree.
    #[arg(
        long,
        visible_alias = "rpc",
        env = "CHASSIS_RPC_URL",
        value_name = "URL",
        required = true,
        hide_env_values = true
    )]
    rpc_url: Vec<Url>,
    /// The registry's address.
    #[arg(long, env = "CHASSIS_REGISTRY", value_name = "ADDRESS")]
    registry: Address,
    /// Where the appraisals behind the digests are: a relayer's URL, or an archive's folder. They are asked in this order.
    #[arg(
        long,
        env = "CHASSIS_ARCHIVE",
        value_name = "URL|FOLDER",
        hide_env_values = true
    )]
    archive: Vec<String>,
    /// Where to serve the pages. Put a TLS proxy in front to make them public.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8646")]
    listen: SocketAddr,
    /// Cache folder; the next run resumes from it.
    #[arg(long, value_name = "FOLDER")]
    cache: Option<PathBuf>,
    /// The block of the registry's creation, or one before it. Without it, it is searched for: that takes an archive node.
    #[arg(long, value_name = "BLOCK")]
    start_block: Option<u64>,
}

impl Explore {
    /// Runs until told to stop.
    pub fn run(self) -> ExitCode {
        serve_until_told(service::explore(service::Explore {
            rpc: self.rpc_url,
            registry: self.registry,
            archives: self.archive,
            listen: self.listen,
            cache: self.cache,
            start_block: self.start_block,
        }))
    }
}
