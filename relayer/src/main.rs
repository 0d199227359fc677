//! `chassis`: an auditor's and a relayer's one tool.

use std::process::ExitCode;

use chassis_relayer::{inspect::Inspect, verify::Verify};
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
    Verify(Verify),
}

fn main() -> ExitCode {
    match Chassis::parse().command {
        Command::Inspect(inspect) => inspect.run(),
        Command::Verify(verify) => verify.run(),
    }
}
