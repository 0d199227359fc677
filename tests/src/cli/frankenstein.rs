//! `chassis-sim frankenstein`.

use chassis_sim::machine::assemble;
use serde_json::json;

use super::{Folder, manifest::Manifest};

/// Joins the TD of one running machine with the TPM of another.
///
/// Prints `{"sysRoot", "tcti", "akIntermediates"}`. An attester that runs with these makes an honestly bound bundle of two machines.
#[derive(clap::Args)]
pub(super) struct Frankenstein {
    #[command(flatten)]
    folder: Folder,
    /// The machine whose TD quotes, and whose CCEL is shown.
    #[arg(long, value_name = "MACHINE")]
    td: String,
    /// The machine whose TPM quotes, and whose TPM log is shown.
    #[arg(long, value_name = "MACHINE")]
    tpm: String,
}

impl Frankenstein {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let manifest = Manifest::read(&self.folder.dir)?;
        let dir = self
            .folder
            .dir
            .canonicalize()?
            .join("frankenstein")
            .join(format!("{}+{}", self.td, self.tpm));
        let parts = assemble(&dir, &manifest.parts(&self.td)?, &manifest.parts(&self.tpm)?)?;
        let answer = json!({
            "sysRoot": parts.sys_root,
            "tcti": parts.tcti,
            "akIntermediates": parts.ak_intermediates,
        });
        println!("{answer}");
        Ok(())
    }
}
