//! What the deployment file named by `CHASSIS_DEPLOYMENT` says stands for what command line and environment leave out.

use std::{env, fs};

use chassis_verifier::Deployment;
use clap::{Command, Parser, error::ErrorKind};

/// The command line; ends the program where it cannot be used, as `clap` does.
pub(crate) fn parse<T: Parser>() -> T {
    let mut command = T::command();
    if let Some(path) = env::var_os("CHASSIS_DEPLOYMENT") {
        let read = fs::read_to_string(&path).map_err(|error| error.to_string());
        let read = read.and_then(|text| Deployment::from_json(&text).map_err(|error| error.to_string()));
        command = match read {
            Ok(deployment) => filled(command, &deployment.options()),
            Err(error) => {
                let text = format!("CHASSIS_DEPLOYMENT: {}: {error}", path.display());
                command.error(ErrorKind::Io, text).exit()
            }
        };
    }
    let matches = command.get_matches();
    T::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

fn filled(command: Command, options: &[(&str, Vec<String>)]) -> Command {
    let given = |arg: &clap::Arg| {
        let mut options = options.iter().filter(|(_, values)| !values.is_empty());
        options.find(|(name, _)| arg.get_long() == Some(*name))
    };
    command
        .mut_args(|arg| match given(&arg) {
            Some((_, values)) => arg.required(false).default_values(values.clone()),
            None => arg,
        })
        .mut_subcommands(|command| filled(command, options))
}
