//! Who else may speak about a CPU: issuers of platform ownership endorsements, and the alliance's witnesses.

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

use super::HexBytes;
use crate::Base64;

/// Who may endorse the ownership of platforms (Intel POE). Gives `Automated`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoeIssuer {
    /// For people.
    pub name: String,
    /// The provider whose machines it endorses, by its number in this policy.
    pub provider: u16,
    /// DER of its roots.
    pub roots: Vec<Base64>,
    /// The owners whose machines are that provider's, as endorsements name them. Compared exactly: an issuer may endorse the
    /// machines of others too.
    pub owners: Vec<String>,
    /// Whether a CRL must be at hand for every issuer in the chain.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub require_crl: bool,
    /// Endorsements that were taken back, by [`Poe::id`](crate::claims::Poe::id): they are issued for years.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revoked: Vec<B256>,
}

/// A Proof of Cloud alliance. Never gives more than `Witnessed`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alliance {
    /// For people.
    pub name: String,
    /// The Ed25519 key that signs its tokens.
    pub key: HexBytes<32>,
    /// Machines whose tokens are taken back, by [`platform_id`](crate::platform_id): tokens carry no end of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revoked: Vec<B256>,
}
