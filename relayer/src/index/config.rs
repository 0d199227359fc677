//! `[index]`: how the registry's log is followed.

use serde::{Deserialize, Serialize};

/// The section as written.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct IndexConfig {
    /// The block that holds the registry's creation, or one before it. Without it, it is searched for, which takes an
    /// archive node.
    pub start_block: Option<u64>,
    /// Most blocks in one question for logs. It adapts to what endpoints allow.
    pub max_range: u64,
    /// Most blocks read ahead of finality.
    pub max_tail: u64,
    /// Go on signing though the registry is not what its log says.
    pub danger_sign_while_diverged: bool,
}

impl Default for IndexConfig {
    fn default() -> Self {
        Self {
            start_block: None,
            max_range: 10_000,
            max_tail: 2_048,
            danger_sign_while_diverged: false,
        }
    }
}

impl IndexConfig {
    pub(crate) fn mistakes(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        if self.max_range == 0 {
            mistakes.push("index.max_range: 0 blocks would read nothing; give at least 1".into());
        }
        mistakes
    }
}
