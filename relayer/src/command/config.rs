//! `chassis config`.

use std::{path::PathBuf, process::ExitCode};

use clap::Subcommand;

use crate::config::{Config, TEMPLATE};

/// Make or check a relayer's configuration.
#[derive(Clone, Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print a commented configuration.
    Init,
    /// List everything that is wrong with a configuration.
    Check {
        /// The configuration.
        file: PathBuf,
    },
}

impl ConfigCommand {
    /// Prints.
    pub fn run(self) -> ExitCode {
        match self {
            Self::Init => {
                print!("{TEMPLATE}");
                ExitCode::SUCCESS
            }
            Self::Check { file } => match Config::load(&file) {
                Ok(config) => {
                    println!(
                        "{} is complete; the relayer is {}",
                        file.display(),
                        config.signer.address()
                    );
                    ExitCode::SUCCESS
                }
                Err(error) => {
                    eprintln!("error: {error}");
                    ExitCode::from(2)
                }
            },
        }
    }
}
