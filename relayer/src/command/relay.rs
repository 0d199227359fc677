//! `chassis relay`.

use std::{io::IsTerminal, path::PathBuf, process::ExitCode};

use clap::Args;
use tracing::{Level, enabled, error};
use tracing_subscriber::EnvFilter;

use crate::{Error, service::relay_from};

/// Run a relayer: take bundles, appraise them, sign and post what holds.
///
/// The relayer's key is in the environment variable `CHASSIS_RELAYER_KEY`, in a keystore, or in AWS KMS: see `[key]` in the
/// configuration. Environment variables override the file: `CHASSIS_LISTEN` is `listen`, `CHASSIS_LIMITS__CONNECTIONS` is
/// `connections` in `[limits]`. `chassis config show` prints the effective settings and where each one comes from.
///
/// The log goes to standard error, as JSON unless that is a terminal; `RUST_LOG` filters it. When the program fails, its last
/// line has an error code that docs/RUNBOOK.md explains.
#[derive(Clone, Debug, Args)]
pub struct Relay {
    /// The configuration; `chassis config init` prints a commented one. Relative paths in it are relative to its folder.
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
        Err(source) => {
            let doing = "start".into();
            return failed(&Error::Io { doing, source });
        }
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

/// The last line of the log, with the code that the runbook explains.
fn failed(error: &Error) -> ExitCode {
    if enabled!(Level::ERROR) {
        error!(code = error.code(), %error, "ended");
    } else {
        eprintln!("error: {}: {error}", error.code());
    }
    ExitCode::FAILURE
}
