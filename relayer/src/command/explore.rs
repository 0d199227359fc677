//! `chassis explore`.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use alloy::primitives::Address;
use clap::Args;
use reqwest::Url;

use super::relay::serve_until_told;
use crate::{
    chain::{MOST_NEAR, NEAR_BLOCKS, Rpc},
    service,
};

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
        serve_until_told(service::explore(self.asked()))
    }

    fn asked(self) -> service::Explore {
        service::Explore {
            rpc: Rpc::reading(self.rpc_url, self.near_blocks),
            registry: self.registry,
            archives: self.archive,
            listen: self.listen,
            cache: self.cache,
            start_block: self.start_block,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        explore: Explore,
    }

    fn near(arguments: &[&str]) -> Result<u64, clap::Error> {
        let registry = Address::ZERO.to_string();
        let least = ["", "--rpc-url", "http://127.0.0.1:1", "--registry", &registry];
        let line = Line::try_parse_from([&least, arguments].concat())?;
        Ok(line.explore.asked().rpc.file.near_blocks)
    }

    #[test]
    fn how_far_endpoints_may_be_from_each_other_is_an_option() {
        assert_eq!(near(&[]).unwrap(), 64);
        assert_eq!(near(&["--near-blocks", "1000"]).unwrap(), 1_000);
        for wrong in ["0", "100001"] {
            let error = near(&["--near-blocks", wrong]).unwrap_err();
            assert!(error.to_string().contains("--near-blocks"), "{error}");
        }
    }
}
