//! Commands.

mod evidence;
mod frankenstein;
mod http;
mod manifest;
mod up;

use std::{io::IsTerminal as _, path::PathBuf};

use clap::{Parser, Subcommand};

/// A simulated cloud: Intel, a provider, and TDX machines with real software TPMs. Nothing here is worth anything but to
/// a policy that names its roots.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Boot machines and serve what a relayer fetches, until SIGTERM or ctrl-c.
    Up(up::Up),
    /// Join the TD of one running machine with the TPM of another, for `chassis-node` to attest.
    Frankenstein(frankenstein::Frankenstein),
    /// Write the documents of one honest appraisal, for a fuzzer to spoil.
    Evidence(evidence::Evidence),
}

/// The simulation's folder.
#[derive(clap::Args)]
struct Folder {
    /// The simulation's folder; `sim.json` in it says what runs.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
}

pub(crate) fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env()
                .unwrap_or_else(|_| "info,tss_esapi=warn".into()),
        )
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    match Cli::parse().command {
        Command::Up(up) => tokio::runtime::Runtime::new()?.block_on(up.run()),
        Command::Frankenstein(frankenstein) => frankenstein.run(),
        Command::Evidence(evidence) => evidence.run(),
    }
}
