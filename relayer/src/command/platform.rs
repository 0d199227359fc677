//! `chassis platform`: one machine under the names that others give it.

mod alias;
mod import;

use clap::Subcommand;
use std::process::ExitCode;

/// Translate between the registry's names of platforms and others'.
#[derive(Clone, Debug, Subcommand)]
pub enum PlatformCommand {
    /// Print every name that the machine of a bundle, a quote or a PCK certificate goes by.
    Alias(alias::Alias),
    /// Turn the Proof of Cloud alliance's list, or its tokens, into a policy and the calls that propose it to governance.
    Import(import::Import),
}

impl PlatformCommand {
    /// Reads and prints.
    pub fn run(self) -> ExitCode {
        match self {
            Self::Alias(alias) => alias.run(),
            Self::Import(import) => import.run(),
        }
    }
}
