//! `[reappraise]`: how often, how fast, and what is so bad that it is stopped.

use chassis_verifier::CheckId;
use serde::{Deserialize, Serialize};

/// How bundles on chain are appraised again.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Seconds between two rounds through all operators.
    pub interval_s: u64,
    /// Most operators looked at per second.
    pub per_second: u32,
    /// What operators are frozen for. Nothing by default.
    pub freeze_on: Vec<Trigger>,
    /// Seconds that a host must not be listed before its operator is frozen: a provider's server may be out of order.
    pub unlisted_for_s: u64,
}

/// What may be so bad that an attestation must not run out by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// Intel calls the platform's TCB revoked.
    TcbRevoked,
    /// Intel has revoked the platform's certificate.
    PckRevoked,
    /// The provider has revoked the TPM key's certificate, or one above it.
    AkRevoked,
    /// The provider's registry no longer lists the CPU.
    HostUnlisted,
}

impl Trigger {
    /// As configured.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::TcbRevoked => "tcb_revoked",
            Self::PckRevoked => "pck_revoked",
            Self::AkRevoked => "ak_revoked",
            Self::HostUnlisted => "host_unlisted",
        }
    }

    /// The check that found it: a freeze's reason on chain is its id.
    pub(crate) fn check(self) -> CheckId {
        match self {
            Self::TcbRevoked => CheckId::TdTcb,
            Self::PckRevoked => CheckId::TdQuote,
            Self::AkRevoked => CheckId::AkChain,
            Self::HostUnlisted => CheckId::HostRegistry,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            interval_s: 60,
            per_second: 20,
            freeze_on: Vec::new(),
            unlisted_for_s: 600,
        }
    }
}

impl Settings {
    /// Everything wrong with the section.
    pub fn mistakes(&self) -> Vec<String> {
        let zero = [
            ("interval_s", self.interval_s),
            ("per_second", self.per_second.into()),
        ];
        let zero = zero.into_iter().filter(|(_, value)| *value == 0);
        zero.map(|(name, _)| format!("reappraise.{name} must be at least 1"))
            .collect()
    }
}
