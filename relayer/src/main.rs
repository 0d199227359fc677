//! `chassis`: an auditor's and a relayer's one tool.

use std::process::ExitCode;

use chassis_relayer::inspect::Inspect;
use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(version, about)]
struct Chassis {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Inspect(Inspect),
}

fn main() -> ExitCode {
    match Chassis::parse().command {
        Command::Inspect(inspect) => inspect.run(),
    }
}
