//! The command line: one file per subcommand, with its arguments and what it does.

#![expect(
    clippy::doc_markdown,
    reason = "these comments are shown on a terminal, where backticks are noise"
)]

mod args;
mod attest;
mod doctor;
mod evidence;
mod exit;
mod output;
mod register;

use std::process::ExitCode;

use chassis_attester::Error;
use clap::{Parser, Subcommand};

use attest::AttestArgs;
use doctor::DoctorArgs;
use evidence::EvidenceArgs;
use register::RegisterArgs;

pub(crate) use output::Output;

/// Proves a node to the Proof-of-Cloud registry, and keeps it proven.
///
/// The operator's key comes from --keystore, or from CHASSIS_OPERATOR_KEY.
///
/// Exit codes: 0 done, 1 other, 2 usage, 3 this machine lacks something, 4 an RPC endpoint or relayer failed,
/// 5 the bundle was rejected, 6 it is not final yet, 7 the operator's key cannot be used.
#[derive(Debug, Parser)]
#[command(name = "chassis-node", version, verbatim_doc_comment)]
pub(crate) struct Cli {
    /// Write JSON, one document a line, to standard output.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Look at this machine and say what it lacks to be attested.
    Doctor(DoctorArgs),
    /// Collect evidence and write the bundle to a file.
    Attest(AttestArgs),
    /// Collect evidence, hand it to a relayer and follow it until it is final on chain.
    Register(RegisterArgs),
}

impl Command {
    pub(crate) async fn run(self, output: &Output) -> Result<ExitCode, Error> {
        match self {
            Self::Doctor(args) => args.run(output).await,
            Self::Attest(args) => args.run(output).await,
            Self::Register(args) => args.run(output).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
