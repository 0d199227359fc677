//! `chassis-node`: proves a node and keeps it attested.

mod cli;

use std::{io::IsTerminal as _, process::ExitCode};

use tracing_subscriber::EnvFilter;

use cli::{Cli, Output};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli: Cli = chassis_program::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .without_time()
        .init();
    let output = Output::new(cli.json);
    match cli.command.run(&output).await {
        Ok(code) => code,
        Err(error) => output.error(&error),
    }
}
