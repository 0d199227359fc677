//! `[webhooks]`: how messages to operators are sent.

use serde::{Deserialize, Serialize};

/// How messages to operators are sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Seconds that an operator's server may take.
    pub timeout_s: u64,
    /// Pause after the first failure, seconds. It doubles with each further one, up to an hour.
    pub first_pause_s: u64,
    /// Tries after which a message is given up.
    pub max_tries: u32,
    /// Lets operators name loopback addresses, and `http`. For tests: with it, they can reach what listens on this machine.
    pub danger_allow_loopback: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            timeout_s: 5,
            first_pause_s: 10,
            max_tries: 20,
            danger_allow_loopback: false,
        }
    }
}

impl Settings {
    /// Everything wrong with the section.
    pub fn mistakes(&self) -> Vec<String> {
        let zero = [
            ("timeout_s", self.timeout_s),
            ("first_pause_s", self.first_pause_s),
            ("max_tries", self.max_tries.into()),
        ];
        let zero = zero.into_iter().filter(|(_, value)| *value == 0);
        zero.map(|(name, _)| format!("webhooks.{name} must be at least 1"))
            .collect()
    }
}
