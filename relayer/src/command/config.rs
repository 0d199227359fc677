//! `chassis config`.

use std::{
    fs::OpenOptions,
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Subcommand;

use crate::{
    Error,
    config::{Config, InForce, Origin, TEMPLATE},
    render::{Cell, Document, Format, Refusal, View, finish},
};

/// Make, check or show a relayer's configuration.
#[derive(Clone, Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print a commented configuration, or write it to a file that is not there yet.
    Init {
        /// The file. Standard output, if not given.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// List everything that is wrong with a configuration and the environment over it.
    Check {
        /// The configuration.
        file: PathBuf,
    },
    /// Show the effective settings and where each one comes from: default, file, or environment. Never a secret.
    Show {
        /// The configuration.
        file: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

impl ConfigCommand {
    /// Does it. Exit code 2: the configuration cannot be used, or not be written.
    pub fn run(self) -> ExitCode {
        match self {
            Self::Init { out } => init(out.as_deref()),
            Self::Check { file } => check(&file),
            Self::Show { file, json } => {
                let shown = InForce::read(&file).map_err(|error| Refusal(listed(&error)));
                finish(shown, Format::from_switch(json))
            }
        }
    }
}

fn init(out: Option<&Path>) -> ExitCode {
    let Some(path) = out else {
        print!("{TEMPLATE}");
        return ExitCode::SUCCESS;
    };
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .and_then(|mut file| file.write_all(TEMPLATE.as_bytes()));
    match written {
        Ok(()) => {
            println!(
                "{} is written; edit it, then run `chassis config check`",
                path.display()
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {}: {error}; nothing is ever overwritten", path.display());
            ExitCode::from(2)
        }
    }
}

fn check(file: &Path) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let loaded = match runtime {
        Ok(runtime) => runtime.block_on(Config::load(file)),
        Err(source) => Err(Error::Io {
            doing: "start".into(),
            source,
        }),
    };
    match loaded {
        Ok(config) => {
            println!(
                "{} is complete; the relayer is {}",
                file.display(),
                config.signer.address()
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {}", listed(&error));
            ExitCode::from(2)
        }
    }
}

/// One mistake to a line.
fn listed(error: &Error) -> String {
    match error {
        Error::Config { path, mistakes } => {
            let head = format!("{}, {} to fix:", path.display(), mistakes.len());
            std::iter::once(&head)
                .chain(mistakes)
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join("\n  ")
        }
        other => other.to_string(),
    }
}

impl View for InForce {
    fn document(&self) -> Document {
        let rows = self.settings.iter().map(|setting| {
            let origin = match &setting.origin {
                Origin::Default => "default".to_owned(),
                Origin::File => "file".to_owned(),
                Origin::Environment(name) => name.clone(),
            };
            let value = if setting.value.is_null() {
                "not set".to_owned()
            } else {
                setting.value.to_string()
            };
            vec![Cell::from(setting.key.clone()), value.into(), origin.into()]
        });
        Document::new().table(&["key", "value", "from"], rows.collect())
    }
}
