//! `chassis-node attest`.

use std::{path::PathBuf, process::ExitCode};

use chassis_attester::{Error, write_private};
use clap::Args;
use serde_json::json;

use super::{EvidenceArgs, Output};

#[derive(Debug, Args)]
pub(crate) struct AttestArgs {
    #[command(flatten)]
    evidence: EvidenceArgs,
    /// Where to write the bundle, for this user alone to read: it names project, zone and instance.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl AttestArgs {
    pub(crate) async fn run(self, output: &Output) -> Result<ExitCode, Error> {
        let bundle = self.evidence.bundle(output).await?;
        write_private(&self.out, &bundle.to_json()?).map_err(|source| Error::File {
            doing: "write the bundle to",
            path: self.out.clone(),
            source,
            hint: "",
        })?;
        output.result(
            &format!("written to {}", self.out.display()),
            &json!({
                "digest": bundle.digest,
                "operator": bundle.evidence.operator,
                "anchor": bundle.evidence.anchor,
                "out": self.out,
            }),
        );
        Ok(ExitCode::SUCCESS)
    }
}
