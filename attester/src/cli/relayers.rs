//! Relayers on the command line, and what is shown of what they do.

use std::time::Duration;

use chassis_attester::{Error, Progress, Registry, Relayer, Relayers, Rpc};
use chassis_program::date;
use clap::Args;

use super::{Output, args::ChainArgs};

#[derive(Debug, Args)]
pub(crate) struct RelayerArgs {
    /// A relayer's base URL; may be given several times. The bundle goes to all of them.
    #[arg(
        long = "relayer",
        env = "CHASSIS_RELAYER",
        value_name = "URL",
        value_delimiter = ',',
        required = true,
        hide_env_values = true
    )]
    urls: Vec<String>,
    /// How long a relayer has for one answer.
    #[arg(long, default_value_t = 30, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    relayer_timeout: u64,
    /// How long to wait until it is final. Finality alone takes about 15 minutes on Ethereum.
    #[arg(long, default_value_t = 3600, value_name = "SECONDS")]
    pub(crate) wait: u64,
}

impl RelayerArgs {
    pub(crate) fn open(&self, chain: &ChainArgs) -> Result<Relayers, Error> {
        let timeout = Duration::from_secs(self.relayer_timeout);
        let members = self.urls.iter().map(|url| Relayer::within(url, timeout));
        Ok(Relayers {
            members: members.collect::<Result<_, _>>()?,
            registry: Registry::new(Rpc::new(&chain.rpc_url)?, chain.registry),
        })
    }

    pub(crate) fn patience(&self) -> Duration {
        Duration::from_secs(self.wait)
    }
}

impl Output {
    pub(crate) fn progress(&self, progress: &Progress<'_>) {
        match progress {
            Progress::Said(relayer, status) => self.status(relayer.name(), status),
            Progress::Trouble(_, error) | Progress::Blind(error) => self.say(&format!("{error}")),
            Progress::Included(standing) => self.say(&format!(
                "on chain   expires {}; waiting for finality",
                date(standing.expiry)
            )),
        }
    }
}
