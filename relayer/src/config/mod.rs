//! The configuration: one commented TOML file, environment variables over it. Secrets are never in it.

mod file;
mod layers;
mod paths;
mod sections;
mod show;

use std::path::Path;

use chassis_program::Key;
use chassis_verifier::Policy;

use crate::{Error, archive::ArchivePlace, chain::Rpc, key, store::StoreUrl};

pub use file::ConfigFile;
pub use sections::{KeySection, LimitSection, ShutdownSection, TaskSection};
pub use show::{InForce, Origin, Setting};

use layers::Layers;

/// The commented template that `chassis config init` prints.
pub const TEMPLATE: &str = include_str!("../../relayer.toml");

/// A checked configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// What file and environment say.
    pub file: ConfigFile,
    /// The RPC endpoints.
    pub rpc: Rpc,
    /// The policy under which bundles are appraised.
    pub policy: Policy,
    /// What signs reports and pays for them.
    pub signer: Key,
    /// The database.
    pub store: StoreUrl,
    /// The archive.
    pub archive: ArchivePlace,
}

impl Config {
    /// Reads and checks the file, the environment, the policy it names, and opens the key.
    ///
    /// # Errors
    /// With every mistake there is, not just the first.
    pub async fn load(path: &Path) -> Result<Self, Error> {
        let fail = |mistakes| Error::Config {
            path: path.to_owned(),
            mistakes,
        };
        let file = layers(path)
            .map_err(|error| vec![error])
            .and_then(|layers| layers.decode())
            .map_err(fail)?;
        let mut mistakes = file.mistakes();
        let rpc = Rpc::check(file.rpc_url.as_deref(), &file.rpc, &mut mistakes);
        let policy = keep(read_policy(&file.policy), &mut mistakes);
        let store = keep(file.store.in_force(&file.data_dir), &mut mistakes);
        let archive = keep(file.archive.in_force(&file.data_dir), &mut mistakes);
        let signer = keep(key::open(&file.key).await, &mut mistakes);
        mistakes.extend(store.as_ref().and_then(|store| left_behind(store, path)));
        mistakes.extend(file.cosign.mistakes(signer.as_ref().map(Key::address)));
        match (rpc, policy, signer, store, archive) {
            (Some(rpc), Some(policy), Some(signer), Some(store), Some(archive)) if mistakes.is_empty() => {
                Ok(Self {
                    file,
                    rpc,
                    policy,
                    signer,
                    store,
                    archive,
                })
            }
            _ => Err(fail(mistakes)),
        }
    }
}

fn layers(path: &Path) -> Result<Layers, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    // Absolute, so that an error names the file that was looked for.
    let file = std::path::absolute(path).map_err(|error| error.to_string())?;
    let folder = file.parent().unwrap_or(&file);
    Layers::read(&text, folder, std::env::vars_os().filter_map(utf8))
}

/// Relative paths were below the working directory once. A database that is still there is not to be followed by an empty one,
/// in which nothing of what this key has signed is known.
fn left_behind(store: &StoreUrl, config: &Path) -> Option<String> {
    let (new, config) = (store.file()?, std::path::absolute(config).ok()?);
    let old = paths::below_another(new, config.parent()?, &std::env::current_dir().ok()?)?;
    // What cannot be looked at may be there.
    let may_be = |path: &Path| path.try_exists().unwrap_or(true);
    (!may_be(new) && may_be(&old)).then(|| {
        let (new, old) = (new.display(), old.display());
        format!(
            "data_dir: there is no {new}, but there is {old}, and relative paths are below the configuration's folder now: \
             move the data there; if {old} is another relayer's, start this one in another folder"
        )
    })
}

/// Variables that are no text are not ours.
fn utf8((name, value): (std::ffi::OsString, std::ffi::OsString)) -> Option<(String, String)> {
    Some((name.into_string().ok()?, value.into_string().ok()?))
}

/// Reads a policy file.
///
/// # Errors
/// If it cannot be read, or is no policy.
pub fn read_policy(path: &Path) -> Result<Policy, String> {
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("policy {}: {error}", path.display()))?;
    Policy::from_toml(&text).map_err(|error| format!("{}: {error}", path.display()))
}

fn keep<T>(result: Result<T, String>, mistakes: &mut Vec<String>) -> Option<T> {
    result.map_err(|mistake| mistakes.push(mistake)).ok()
}

#[cfg(test)]
mod tests;
