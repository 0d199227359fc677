//! The command line: one file per subcommand, with its arguments and what it does.

#![expect(
    clippy::doc_markdown,
    reason = "these comments are shown on a terminal, where backticks are noise"
)]

mod args;
mod attest;
mod deregister;
mod doctor;
mod enroll;
mod evidence;
mod exit;
mod fetch_issuers;
mod findings;
mod host_agent;
mod host_doctor;
mod key;
mod output;
mod register;
mod registrar;
mod relayers;
mod renew;
mod signals;

use std::process::ExitCode;

use chassis_attester::Error;
use clap::{Parser, Subcommand};

use attest::AttestArgs;
use deregister::DeregisterArgs;
use doctor::DoctorArgs;
use enroll::EnrollArgs;
use evidence::EvidenceArgs;
use fetch_issuers::FetchIssuersArgs;
use host_agent::HostAgentArgs;
use host_doctor::HostDoctorArgs;
use key::KeyCommandArgs;
use register::RegisterArgs;
use registrar::RegistrarCommand;
use relayers::RelayerArgs;
use renew::RenewArgs;

pub(crate) use output::Output;

/// Proves a node to the Proof-of-Cloud registry, and keeps it proven.
///
/// The operator's key comes from --keystore, --sealed-key or --kms, or from CHASSIS_OPERATOR_KEY.
///
/// Exit codes: 0 done, 1 other, 2 usage, 3 this machine lacks something, 4 an RPC endpoint, relayer, host agent or
/// registrar failed, 5 the bundle was rejected or the registry keeps the operator out, 6 it is not final yet, or would change
/// nothing on chain, 7 the operator's key cannot be used.
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
    /// Collect evidence, hand it to relayers and follow it until the registry itself has it as final.
    Register(RegisterArgs),
    /// Keep the operator attested, as a service: renew in time, after a reboot, and when a relayer warns.
    Renew(RenewArgs),
    /// Take the operator out of the registry, by its own transaction.
    Deregister(DeregisterArgs),
    /// Make an operator's key in this TD, or show whose key one is.
    Key(KeyCommandArgs),
    /// Fetch the certificates between this machine's attestation key and its provider's root, from one host.
    FetchIssuers(FetchIssuersArgs),
    /// On a bare-metal host: have the registrar state which key is in this host's TPM.
    Enroll(EnrollArgs),
    /// On a bare-metal host: quote the host's TPM for the TDs on it.
    HostAgent(HostAgentArgs),
    /// On a bare-metal host: look at it and say what its agent lacks.
    HostDoctor(HostDoctorArgs),
    /// The provider's registrar of bare-metal hosts.
    #[command(subcommand)]
    Registrar(RegistrarCommand),
}

impl Command {
    pub(crate) async fn run(self, output: &Output) -> Result<ExitCode, Error> {
        match self {
            Self::Doctor(args) => args.run(output).await,
            Self::Attest(args) => args.run(output).await,
            Self::Register(args) => args.run(output).await,
            Self::Renew(args) => args.run().await,
            Self::Deregister(args) => args.run(output).await,
            Self::Key(args) => args.run(output).await,
            Self::FetchIssuers(args) => args.run(output).await,
            Self::Enroll(args) => args.run(output).await,
            Self::HostAgent(args) => args.run(output).await,
            Self::HostDoctor(args) => args.run(output).await,
            Self::Registrar(command) => command.run(output).await,
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
