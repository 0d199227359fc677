//! `chassis`: a relayer's and an auditor's one tool.

use std::process::ExitCode;

use chassis_relayer::{
    audit::Audit,
    command::{
        ArchiveCommand, Completions, ConfigCommand, Explore, Man, PlatformCommand, PolicyCommand, Relay,
        Status,
    },
    inspect::Inspect,
    verify::Verify,
};
use clap::{CommandFactory, Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "chassis", version, about)]
struct Chassis {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Relay(Relay),
    Explore(Explore),
    Status(Status),
    Audit(Box<Audit>),
    Verify(Verify),
    Inspect(Inspect),
    #[command(subcommand)]
    Archive(ArchiveCommand),
    #[command(subcommand)]
    Policy(PolicyCommand),
    #[command(subcommand)]
    Platform(PlatformCommand),
    #[command(subcommand)]
    Config(ConfigCommand),
    Completions(Completions),
    Man(Man),
}

fn main() -> ExitCode {
    match chassis_program::parse::<Chassis>().command {
        Command::Relay(relay) => relay.run(),
        Command::Explore(explore) => explore.run(),
        Command::Status(status) => status.run(),
        Command::Audit(audit) => audit.run(),
        Command::Verify(verify) => verify.run(),
        Command::Inspect(inspect) => inspect.run(),
        Command::Archive(archive) => archive.run(),
        Command::Policy(policy) => policy.run(),
        Command::Platform(platform) => platform.run(),
        Command::Config(config) => config.run(),
        Command::Completions(completions) => completions.run(Chassis::command()),
        Command::Man(man) => man.run(Chassis::command()),
    }
}
