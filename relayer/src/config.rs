//! The configuration: one commented TOML file. Secrets are never in it.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use alloy::{primitives::Address, signers::local::PrivateKeySigner};
use chassis_verifier::Policy;
use serde::Deserialize;

use crate::{
    Error,
    chain::{Rpc, RpcFile},
    endorse::Sources,
    store::{StoreConfig, StoreUrl},
};

/// The commented template that `chassis config init` prints.
pub const TEMPLATE: &str = include_str!("../relayer.toml");

/// The environment variable that holds the relayer's key, in hex.
pub const KEY_VARIABLE: &str = "CHASSIS_RELAYER_KEY";

/// A checked configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// What the file says.
    pub file: ConfigFile,
    /// The RPC endpoints.
    pub rpc: Rpc,
    /// The policy under which bundles are appraised.
    pub policy: Policy,
    /// What signs reports and pays for them.
    pub signer: PrivateKeySigner,
    /// The database.
    pub store: StoreUrl,
}

/// The file's content.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigFile {
    /// Where the HTTP interface listens.
    pub listen: SocketAddr,
    /// JSON-RPC endpoint of the registry's chain. More of them in `[rpc]`.
    #[serde(default)]
    pub rpc_url: Option<String>,
    /// The endpoints, and how they are used.
    #[serde(default)]
    pub rpc: RpcFile,
    /// The registry.
    pub registry: Address,
    /// The policy file.
    pub policy: PathBuf,
    /// Folder for the database and the archive.
    pub data_dir: PathBuf,
    /// Most bundles waiting to be appraised; beyond it, intake answers 429.
    #[serde(default = "default_queue")]
    pub max_queue: u32,
    /// Milliseconds between looks at the chain.
    #[serde(default = "default_poll")]
    pub poll_ms: u64,
    /// Most bundles in one report.
    #[serde(default = "default_batch")]
    pub max_batch: u32,
    /// Highest fee paid, in gwei per gas. Above it, transactions wait.
    #[serde(default = "default_fee")]
    pub max_fee_gwei: u64,
    /// The database.
    #[serde(default)]
    pub store: StoreConfig,
    /// Where endorsements come from.
    pub endorsements: Sources,
}

impl Config {
    /// Reads and checks the file, the policy it names, and the key in the environment.
    ///
    /// # Errors
    /// With every mistake there is, not just the first.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let mut mistakes = Vec::new();
        let fail = |mistakes| Error::Config {
            path: path.to_owned(),
            mistakes,
        };
        let text = std::fs::read_to_string(path).map_err(|error| fail(vec![error.to_string()]))?;
        let file: ConfigFile = toml::from_str(&text).map_err(|error| fail(vec![error.to_string()]))?;
        let rpc = Rpc::check(file.rpc_url.as_deref(), &file.rpc, &mut mistakes);
        let policy = keep(read_policy(&file.policy), &mut mistakes);
        let signer = keep(read_key(), &mut mistakes);
        let store = keep(file.store.in_force(&file.data_dir), &mut mistakes);
        mistakes.extend(file.endorsements.mistakes());
        match (rpc, policy, signer, store) {
            (Some(rpc), Some(policy), Some(signer), Some(store)) if mistakes.is_empty() => Ok(Self {
                file,
                rpc,
                policy,
                signer,
                store,
            }),
            _ => Err(fail(mistakes)),
        }
    }
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

fn read_key() -> Result<PrivateKeySigner, String> {
    let key = std::env::var(KEY_VARIABLE)
        .map_err(|_| format!("the environment variable {KEY_VARIABLE} does not hold the relayer's key"))?;
    key.parse()
        .map_err(|_| format!("{KEY_VARIABLE} is not a private key in hex"))
}

fn keep<T>(result: Result<T, String>, mistakes: &mut Vec<String>) -> Option<T> {
    result.map_err(|mistake| mistakes.push(mistake)).ok()
}

fn default_queue() -> u32 {
    1_000
}

fn default_poll() -> u64 {
    1_000
}

fn default_batch() -> u32 {
    64
}

fn default_fee() -> u64 {
    200
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_parses() {
        let file: ConfigFile = toml::from_str(TEMPLATE).unwrap();
        assert_eq!(file.max_queue, default_queue());
    }

    #[test]
    fn every_mistake_is_listed_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("relayer.toml");
        let text = TEMPLATE
            .replace("rpc_url = \"http", "rpc_url = \"://")
            .replace("{ppid}", "")
            .replace("https://registry.example", "ftp://registry.example");
        std::fs::write(&path, text).unwrap();
        let Err(Error::Config { mistakes, .. }) = Config::load(&path) else {
            panic!("loaded")
        };
        for part in ["rpc_url", "policy", "{ppid}", "ftp://"] {
            assert!(
                mistakes.iter().any(|mistake| mistake.contains(part)),
                "{part} in {mistakes:?}"
            );
        }
    }

    #[test]
    fn an_unknown_key_is_a_mistake() {
        let error = toml::from_str::<ConfigFile>(&format!("max_quue = 1\n{TEMPLATE}")).unwrap_err();
        assert!(error.to_string().contains("max_quue"));
    }
}
