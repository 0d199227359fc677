//! `[explorer]`: the pages.

use serde::{Deserialize, Serialize};

/// The section as written.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Whether the pages are served.
    pub enabled: bool,
    /// Most pages that are kept up to date at once.
    pub live_connections: usize,
    /// Most of them by one client, as `[limits]` tells clients apart: an address, or a network of IPv6.
    pub live_per_client: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            live_connections: 128,
            live_per_client: 8,
        }
    }
}
