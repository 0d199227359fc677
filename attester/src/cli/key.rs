//! `chassis-node key`.

use std::{path::PathBuf, process::ExitCode};

use chassis_attester::{Error, OperatorKey, create_sealed_key};
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
    /// Have this TD's TPM make an operator's key: only this machine opens it, and only booted as now.
    ///
    /// There is no copy: when the TPM or the boot changes, a new key has to be made and registered.
    New(NewArgs),
    /// Print the key's address.
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
}

impl KeyCommandArgs {
    pub(crate) async fn run(self, output: &Output) -> Result<ExitCode, Error> {
        let address = match self.command {
            KeyCommand::New(args) => create_sealed_key(&args.sealed, &args.tpm.tcti)?,
            KeyCommand::Address(args) => OperatorKey::open(&args.key.source(&args.tpm.tcti))
                .await?
                .address(),
        };
        output.result(&address.to_string(), &json!({"operator": address}));
        Ok(ExitCode::SUCCESS)
    }
}
