//! `chassis-node register`.

use std::process::ExitCode;

use chassis_attester::Error;
use clap::Args;

use super::{EvidenceArgs, Output, RelayerArgs};

#[derive(Debug, Args)]
pub(crate) struct RegisterArgs {
    #[command(flatten)]
    evidence: EvidenceArgs,
    #[command(flatten)]
    relayers: RelayerArgs,
}

impl RegisterArgs {
    pub(crate) async fn run(self, output: &Output) -> Result<ExitCode, Error> {
        let relayers = self.relayers.open(&self.evidence.chain)?;
        let bundle = self.evidence.bundle(output).await?;
        let errand = relayers.errand(&bundle).await?;
        let json = bundle.to_json()?;
        let standing = relayers
            .land(&errand, Some(json), self.relayers.patience(), &mut |progress| {
                output.progress(&progress);
            })
            .await?;
        output.landed(errand.operator, &standing);
        Ok(ExitCode::SUCCESS)
    }
}
