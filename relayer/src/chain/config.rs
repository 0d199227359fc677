//! `[rpc]`: by what the chain is read, and how much one endpoint is believed.

use std::time::Duration;

use reqwest::Url;
use serde::{Deserialize, Serialize};

/// Beyond it, nothing would be far from anything: hours of blocks on the fastest chains.
pub(crate) const MOST_NEAR: u64 = 100_000;
/// Of a chain whose finality moves by an epoch of 32 blocks.
pub(crate) const NEAR_BLOCKS: u64 = 64;

/// The section as written. Endpoints may also stand at the file's top, as `rpc_url`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct RpcFile {
    /// JSON-RPC endpoints, in the order in which they are asked.
    pub urls: Vec<String>,
    /// The chain's id. Without it, what most endpoints say at the start counts.
    pub chain_id: Option<u64>,
    /// Milliseconds that a call may take.
    pub timeout_ms: u64,
    /// Most bytes of an answer.
    pub max_response_bytes: usize,
    /// Milliseconds between looks at every endpoint's health.
    pub probe_ms: u64,
    /// Milliseconds that an endpoint is left out after three failures, before it is probed again.
    pub skip_ms: u64,
    /// Blocks behind the others from which on an endpoint is stale, and no longer asked for decisions.
    pub max_lag_blocks: u64,
    /// Blocks that honest endpoints may be from each other in what is final: as many as finality moves at a time, twice.
    pub near_blocks: u64,
    /// Blocks on top of one that make it final, for a chain without a `finalized` tag. 0: the tag decides.
    pub confirmations: u64,
}

impl Default for RpcFile {
    fn default() -> Self {
        Self {
            urls: Vec::new(),
            chain_id: None,
            timeout_ms: 10_000,
            max_response_bytes: 16 << 20,
            probe_ms: 5_000,
            skip_ms: 15_000,
            max_lag_blocks: 16,
            near_blocks: NEAR_BLOCKS,
            confirmations: 0,
        }
    }
}

/// The section, checked.
#[derive(Clone, Debug)]
pub struct Rpc {
    /// At least one, distinct.
    pub urls: Vec<Url>,
    /// What the file says of the rest.
    pub file: RpcFile,
}

impl Rpc {
    /// Checks the section, with the endpoint at the file's top first. Adds to the mistakes.
    pub fn check(top: Option<&str>, file: &RpcFile, mistakes: &mut Vec<String>) -> Option<Self> {
        let mut urls: Vec<Url> = Vec::new();
        for text in top.into_iter().chain(file.urls.iter().map(String::as_str)) {
            match text.parse::<Url>() {
                Ok(url) if !["http", "https"].contains(&url.scheme()) => {
                    mistakes.push("rpc_url: an endpoint is no http(s) URL".to_owned());
                }
                Ok(url) if urls.contains(&url) => {
                    mistakes.push(
                        "rpc.urls: an endpoint stands there twice, and would agree with itself".to_owned(),
                    );
                }
                Ok(url) => urls.push(url),
                Err(error) => mistakes.push(format!("rpc_url: {error}")),
            }
        }
        if urls.is_empty() {
            mistakes.push("rpc.urls: no endpoint to read the chain by".to_owned());
        }
        for (name, value) in [
            ("timeout_ms", file.timeout_ms),
            ("probe_ms", file.probe_ms),
            ("skip_ms", file.skip_ms),
            ("near_blocks", file.near_blocks),
        ] {
            if value == 0 {
                mistakes.push(format!("rpc.{name}: must be at least 1"));
            }
        }
        if file.near_blocks > MOST_NEAR {
            mistakes.push(format!("rpc.near_blocks: must be at most {MOST_NEAR}"));
        }
        let file = file.clone();
        (!urls.is_empty()).then_some(Self { urls, file })
    }

    /// For a program without a configuration file.
    pub(crate) fn reading(urls: Vec<Url>, near_blocks: u64) -> Self {
        let file = RpcFile {
            near_blocks,
            ..RpcFile::default()
        };
        Self { urls, file }
    }

    /// One endpoint, which decides alone.
    pub fn alone(url: Url) -> Self {
        Self {
            urls: vec![url],
            file: RpcFile::default(),
        }
    }

    pub(super) fn timeout(&self) -> Duration {
        Duration::from_millis(self.file.timeout_ms)
    }

    pub(super) fn skip(&self) -> Duration {
        Duration::from_millis(self.file.skip_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(top: Option<&str>, urls: &[&str]) -> Vec<String> {
        let file = RpcFile {
            urls: urls.iter().map(|url| (*url).to_owned()).collect(),
            ..RpcFile::default()
        };
        let mut mistakes = Vec::new();
        Rpc::check(top, &file, &mut mistakes);
        mistakes
    }

    #[test]
    fn an_endpoint_stands_at_the_top_or_in_the_section() {
        assert_eq!(mistakes(Some("http://a"), &[]), [""; 0]);
        assert_eq!(mistakes(None, &["http://a", "https://b"]), [""; 0]);
        assert_eq!(mistakes(None, &[]).len(), 1);
    }

    #[test]
    fn one_endpoint_twice_is_not_two() {
        assert_eq!(mistakes(Some("http://a"), &["http://a/"]).len(), 1);
        assert_eq!(mistakes(None, &["ftp://a"]).len(), 2);
    }
}
