//! `chassis-node key`.

use std::{path::PathBuf, process::ExitCode};

use chassis_attester::{Error, OperatorKey, SEALED_TO, create_sealed_key};
use clap::{Args, Subcommand};
use serde_json::json;

use super::{
    Output,
    args::{KeyArgs, TpmArgs},
};

#[derive(Debug, Args)]
pub(crate) struct KeyCommandArgs {
    #[command(subcommand)]
    command: KeyCommand,
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    /// Make an operator's key in this TD and seal it to its TPM: only this machine opens it, and only booted as now.
    ///
    /// There is no copy: when the TPM or the boot changes, a new key has to be made and registered.
    New(NewArgs),
    /// Show whose key it is.
    Address(AddressArgs),
}

#[derive(Debug, Args)]
struct AddressArgs {
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    tpm: TpmArgs,
}

#[derive(Debug, Args)]
struct NewArgs {
    /// Where to write the sealed key. Nothing is overwritten.
    #[arg(long, value_name = "FILE")]
    sealed: PathBuf,
    #[command(flatten)]
    tpm: TpmArgs,
    /// The PCRs whose present values it is sealed to, in the SHA-384 bank.
    #[arg(long, value_delimiter = ',', default_values_t = SEALED_TO, value_name = "PCRS", value_parser = clap::value_parser!(u8).range(0..24))]
    pcrs: Vec<u8>,
}

impl KeyCommandArgs {
    pub(crate) async fn run(self, output: &Output) -> Result<ExitCode, Error> {
        let address = match self.command {
            KeyCommand::New(args) => create_sealed_key(&args.sealed, &args.tpm.tcti, &args.pcrs)?,
            KeyCommand::Address(args) => OperatorKey::open(&args.key.source(&args.tpm.tcti))
                .await?
                .address(),
        };
        output.result(&address.to_string(), &json!({"operator": address}));
        Ok(ExitCode::SUCCESS)
    }
}
