//! `chassis relay`.

use std::{io::IsTerminal, path::PathBuf, process::ExitCode};

use clap::Args;
use tracing_subscriber::EnvFilter;

use crate::{Error, service::relay_from};

/// Run a relayer: take bundles, appraise them, sign and post what holds.
///
/// The relayer's key is in the environment variable `CHASSIS_RELAYER_KEY`.
#[derive(Clone, Debug, Args)]
pub struct Relay {
    /// The configuration; `chassis config init` prints a commented one.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

impl Relay {
    /// Runs until told to stop.
    pub fn run(self) -> ExitCode {
        serve_until_told(relay_from(self.config))
    }
}

/// Runs a service, its log on standard error.
pub(super) fn serve_until_told(service: impl Future<Output = Result<(), Error>>) -> ExitCode {
    log();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        // For disks and parsing. Each has a stack, and keeps memory of its own.
        .max_blocking_threads(BLOCKING_THREADS)
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    match runtime.block_on(service) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

const BLOCKING_THREADS: usize = 32;

/// For people on a terminal, JSON for everything else.
fn log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        builder.init();
    } else {
        builder.json().init();
    }
}

fn failed(error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::FAILURE
}
