//! The sections of the file that limit, pace and end the service. The template explains each key.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::PathBuf,
};

use serde::{Deserialize, Serialize};

/// `[key]`: where the relayer's key is. With nothing here, in the environment.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeySection {
    /// An encrypted keystore file (Web3 Secret Storage).
    pub keystore: Option<PathBuf>,
    /// The file with its password, which only its owner may read.
    pub password_file: Option<PathBuf>,
    /// Id or ARN of a key in AWS KMS.
    pub kms: Option<String>,
}

/// `[limits]`: what one client, one operator, and all of them together may take.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitSection {
    /// Largest bundle, bytes.
    pub bundle_bytes: usize,
    /// Bytes of bundles held in memory at once. Who comes later waits without being read.
    pub intake_bytes: usize,
    /// Seconds that a client waits to be read.
    pub intake_wait_s: u64,
    /// Seconds within which a bundle must have arrived, once it is read.
    pub body_timeout_s: u64,
    /// Seconds that any request may take.
    pub request_timeout_s: u64,
    /// Seconds within which a request's head must have arrived.
    pub header_timeout_s: u64,
    /// Connections at once.
    pub connections: usize,
    /// Of these, how many one client may have; a proxy, any number. 0: any number.
    pub client_connections: usize,
    /// Bundles parsed at once; 0: one per processor.
    pub parsers: usize,
    /// Requests per second and client, an IPv4 address or an IPv6 /64. 0: any number.
    pub client_per_second: u32,
    /// Requests that a client may save up.
    pub client_burst: u32,
    /// Bundles of one operator in 24 hours. 0: any number.
    pub operator_per_day: u32,
    /// MiB of bundles in 24 hours of operators that were never attested here, an hour's share of it at once. 0: any number.
    pub newcomers_mib_per_day: u32,
    /// Header in which a proxy tells a client's address; of several, the last counts.
    pub client_header: Option<String>,
    /// The proxies that are believed.
    pub proxies: Vec<IpAddr>,
}

impl Default for LimitSection {
    fn default() -> Self {
        Self {
            bundle_bytes: chassis_verifier::bundle::DEFAULT_LIMIT,
            intake_bytes: 16 << 20,
            intake_wait_s: 10,
            body_timeout_s: 15,
            request_timeout_s: 30,
            header_timeout_s: 10,
            connections: 1024,
            client_connections: 128,
            parsers: 0,
            client_per_second: 50,
            client_burst: 200,
            operator_per_day: 500,
            newcomers_mib_per_day: 16_384,
            client_header: None,
            proxies: vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
        }
    }
}

impl LimitSection {
    pub(super) fn mistakes(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        let at_least_one = [
            ("bundle_bytes", self.bundle_bytes as u64),
            ("intake_wait_s", self.intake_wait_s),
            ("body_timeout_s", self.body_timeout_s),
            ("request_timeout_s", self.request_timeout_s),
            ("header_timeout_s", self.header_timeout_s),
            ("connections", self.connections as u64),
            ("client_burst", u64::from(self.client_burst)),
        ];
        for (name, value) in at_least_one {
            if value == 0 {
                mistakes.push(format!("limits.{name}: 0 lets nothing through; give at least 1"));
            }
        }
        if self.bundle_bytes > chassis_verifier::bundle::DEFAULT_LIMIT {
            mistakes.push(format!(
                "limits.bundle_bytes: the verifier reads at most {}; give no more",
                chassis_verifier::bundle::DEFAULT_LIMIT
            ));
        }
        if self.intake_bytes < self.bundle_bytes {
            mistakes
                .push("limits.intake_bytes: not even one bundle of `bundle_bytes` fits; give more".into());
        }
        if let Some(header) = &self.client_header
            && axum::http::HeaderName::try_from(header.as_str()).is_err()
        {
            mistakes.push(format!("limits.client_header: `{header}` is no header's name"));
        }
        mistakes
    }
}

/// `[tasks]`: when a task counts as dead, and how it comes back.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct TaskSection {
    /// Seconds after which a step is abandoned and taken again.
    pub stuck_after_s: u64,
    /// Longest pause after failures, seconds.
    pub max_backoff_s: u64,
    /// Beats that a task may miss before `/readyz` tells of it: so many pauses between
    /// looks for work, each counted as one to five seconds.
    pub missed_beats: u32,
}

impl Default for TaskSection {
    fn default() -> Self {
        Self {
            stuck_after_s: 300,
            max_backoff_s: 15,
            missed_beats: 60,
        }
    }
}

impl TaskSection {
    pub(super) fn mistakes(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        if self.stuck_after_s == 0 {
            mistakes.push("tasks.stuck_after_s: 0 abandons every step; give at least 1".into());
        }
        if self.missed_beats == 0 {
            mistakes.push("tasks.missed_beats: 0 calls every task dead; give at least 1".into());
        }
        mistakes
    }
}

/// `[shutdown]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ShutdownSection {
    /// Seconds to bring on chain what is signed.
    pub grace_s: u64,
}

impl Default for ShutdownSection {
    fn default() -> Self {
        Self { grace_s: 30 }
    }
}
