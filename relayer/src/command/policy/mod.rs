//! `chassis policy`.

mod check;
mod explain;
mod learn;

use std::{path::PathBuf, process::ExitCode};

use clap::Subcommand;

use crate::{
    config::read_policy,
    render::{Format, finish},
};
use explain::Explain;
use learn::Learn;

/// Look at an appraisal policy.
#[derive(Clone, Debug, Subcommand)]
pub enum PolicyCommand {
    /// Print the digest by which the registry knows it. Comments and layout do not count.
    Digest {
        /// The policy: TOML, or JSON as relayers serve it.
        file: PathBuf,
    },
    /// List everything that is wrong with it, with the lines.
    ///
    /// Exit code 0: nothing; 1: something; 2: it cannot be read.
    Check {
        /// The policy: TOML, or JSON as relayers serve it; `-` for standard input.
        file: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Appraise a bundle, and say which line of the policy decided each check.
    ///
    /// Exit code as `chassis verify`.
    Explain(Explain),
    /// Write a workload entry for a machine one trusts, for a person to review.
    ///
    /// Nothing is verified: run `chassis verify` on the bundle too.
    Learn(Learn),
}

impl PolicyCommand {
    /// Prints.
    pub fn run(self) -> ExitCode {
        match self {
            Self::Digest { file } => digest(&file),
            Self::Check { file, json } => finish(check::answer(&file), Format::from_switch(json)),
            Self::Explain(explain) => explain.run(),
            Self::Learn(learn) => learn.run(),
        }
    }
}

fn digest(file: &std::path::Path) -> ExitCode {
    let digest = read_policy(file).and_then(|policy| policy.digest().map_err(|error| error.to_string()));
    match digest {
        Ok(digest) => {
            println!("{digest}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}
