//! `chassis policy`.

use std::{path::PathBuf, process::ExitCode};

use clap::Subcommand;

use crate::config::read_policy;

/// Look at an appraisal policy.
#[derive(Clone, Debug, Subcommand)]
pub enum PolicyCommand {
    /// Print the digest by which the registry knows it. Comments and layout do not count.
    Digest {
        /// The policy (TOML).
        file: PathBuf,
    },
    /// List everything that is wrong with it.
    Check {
        /// The policy (TOML).
        file: PathBuf,
    },
}

impl PolicyCommand {
    /// Prints.
    pub fn run(self) -> ExitCode {
        let (Self::Digest { file } | Self::Check { file }) = &self;
        let answer = read_policy(file).and_then(|policy| match self {
            Self::Digest { .. } => policy
                .digest()
                .map(|digest| digest.to_string())
                .map_err(|e| e.to_string()),
            Self::Check { .. } => Ok(format!(
                "`{}`: {} provider(s), {} workload(s)",
                policy.name,
                policy.providers.len(),
                policy.workloads.len()
            )),
        });
        match answer {
            Ok(text) => {
                println!("{text}");
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::from(2)
            }
        }
    }
}
