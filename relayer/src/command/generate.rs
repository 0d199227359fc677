//! `chassis completions` and `chassis man`: made from the command line itself, so that they never lag behind it.

use std::{
    io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Command};
use clap_complete::Shell;

/// Print completions for a shell.
///
/// As in `chassis completions bash > /etc/bash_completion.d/chassis`.
#[derive(Clone, Debug, Args)]
pub struct Completions {
    /// The shell.
    shell: Shell,
}

/// Write a man page for every command.
///
/// As in `chassis man --out /usr/local/share/man/man1`.
#[derive(Clone, Debug, Args)]
pub struct Man {
    /// The folder. It is made if it is not there.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Completions {
    /// Prints them for `command`.
    pub fn run(self, mut command: Command) -> ExitCode {
        clap_complete::generate(self.shell, &mut command, "chassis", &mut io::stdout());
        ExitCode::SUCCESS
    }
}

impl Man {
    /// Writes `chassis.1`, `chassis-relay.1`, and so on. Exit code 2: the folder cannot be written.
    pub fn run(self, command: Command) -> ExitCode {
        match write(&self.out, command) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {}: {error}", self.out.display());
                ExitCode::from(2)
            }
        }
    }
}

fn write(folder: &Path, command: Command) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    clap_mangen::generate_to(command.disable_help_subcommand(true), folder)
}
