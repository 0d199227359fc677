//! What a relayer says about an operator: only its warnings, for the registry itself says the rest better.

use serde::{Deserialize, Serialize};

use super::status::{null_as_default, text};

/// A bundle on chain that would not be attested so today. What a relayer says may be wrong: it is a reason to renew
/// early, never to do less.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Warning {
    /// When the attestation ends, Unix seconds.
    #[serde(default)]
    pub deadline: u64,
    /// The checks that would fail, or mean less.
    #[serde(default, deserialize_with = "null_as_default")]
    pub reasons: Vec<Reason>,
}

/// A check that would fail, or mean less.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The check's number; 0 where no check failed but a level fell.
    #[serde(default)]
    pub id: u16,
    /// The check's name, or the level's.
    #[serde(default, deserialize_with = "text")]
    pub name: String,
    /// What is found now.
    #[serde(default, deserialize_with = "text")]
    pub detail: String,
}

/// The one part of `/v1/operators/{address}` that is read.
#[derive(Deserialize)]
pub(super) struct OperatorView {
    #[serde(default, deserialize_with = "null_as_default")]
    pub(super) warnings: Vec<Warning>,
}
