//! What the deployment file named by `CHASSIS_DEPLOYMENT` says stands for what command line and environment leave out.

use std::{env, fs};

use chassis_verifier::Deployment;
use clap::{ArgMatches, Command, Parser, error::ErrorKind, parser::ValueSource};

/// The command line; ends the program where it cannot be used, as `clap` does. A file that cannot be read hinders only
/// those who left something to it.
pub fn parse<T: Parser>() -> T {
    let mut command = T::command();
    if let Some(path) = env::var_os("CHASSIS_DEPLOYMENT") {
        let read = fs::read_to_string(&path).map_err(|error| error.to_string());
        let read = read.and_then(|text| Deployment::from_json(&text).map_err(|error| error.to_string()));
        command = match read {
            Ok(deployment) => filled(command, &deployment.options()),
            Err(error) => {
                let is_needed = match command.clone().try_get_matches() {
                    Ok(matches) => leaves_out(&command, &matches),
                    Err(other) => other.kind() == ErrorKind::MissingRequiredArgument,
                };
                if is_needed {
                    let text = format!("CHASSIS_DEPLOYMENT: {}: {error}", path.display());
                    command.error(ErrorKind::Io, text).exit()
                }
                command
            }
        };
    }
    let matches = command.get_matches();
    T::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

/// Whether the command has an option for which deployment files have values, and nobody gave one.
fn leaves_out(command: &Command, matches: &ArgMatches) -> bool {
    if let Some((name, matches)) = matches.subcommand() {
        let command = command.find_subcommand(name);
        return command.is_some_and(|command| leaves_out(command, matches));
    }
    command.get_arguments().any(|arg| {
        let is_filled = arg
            .get_long()
            .is_some_and(|name| Deployment::OPTIONS.contains(&name));
        let source = matches.value_source(arg.get_id().as_str());
        is_filled && source.is_none_or(|source| source == ValueSource::DefaultValue)
    })
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
