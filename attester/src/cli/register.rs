//! `chassis-node register`.

use std::{process::ExitCode, time::Duration};

use chassis_attester::{Error, Relayer};
use clap::Args;

use super::{EvidenceArgs, Output};

#[derive(Debug, Args)]
pub(crate) struct RegisterArgs {
    #[command(flatten)]
    evidence: EvidenceArgs,
    /// The relayer's base URL.
    #[arg(long, env = "CHASSIS_RELAYER", value_name = "URL", hide_env_values = true)]
    relayer: String,
    /// How long to wait until it is final. Finality alone takes about 15 minutes on Ethereum.
    #[arg(long, default_value_t = 3600, value_name = "SECONDS")]
    wait: u64,
}

impl RegisterArgs {
    pub(crate) async fn run(self, output: &Output) -> Result<ExitCode, Error> {
        let relayer = Relayer::new(&self.relayer)?;
        let bundle = self.evidence.bundle(output).await?;
        let first = relayer.submit(&bundle).await?;
        let patience = Duration::from_secs(self.wait);
        relayer
            .follow(first, patience, |status| output.status(status))
            .await?;
        output.attested(&bundle);
        Ok(ExitCode::SUCCESS)
    }
}
