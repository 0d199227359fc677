//! What a relayer answers. Fields it may add later are ignored; text in it is untrusted.

use std::fmt;

use alloy_primitives::B256;
use serde::{Deserialize, Deserializer, Serialize};

use crate::http::printable;

/// What has become of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The evidence digest.
    pub digest: B256,
    /// How far it is.
    pub state: State,
    /// What was checked, once it was appraised.
    #[serde(default, deserialize_with = "null_as_default")]
    pub checks: Vec<CheckReport>,
    /// Why it was rejected, given up, or put back.
    #[serde(default, deserialize_with = "text")]
    pub reason: String,
    /// The transaction that carries it, once there is one.
    #[serde(default)]
    pub transaction: Option<B256>,
    /// The block of that transaction.
    #[serde(default)]
    pub block_number: Option<u64>,
}

/// A bundle's life, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum State {
    /// Archived and acknowledged.
    Received,
    /// Every check ran.
    Appraised,
    /// Relayers are appraising it independently.
    Cosigning,
    /// Waiting for a transaction.
    Queued,
    /// In a transaction.
    Posted,
    /// In a block.
    Included,
    /// In a finalized block.
    Final,
    /// Appraised, and not good enough.
    Rejected,
    /// Given up; the reason says why.
    Failed,
    /// Something a later relayer says.
    #[serde(other)]
    Unknown,
}

impl State {
    /// How far along it is; what is unknown comes first.
    pub(super) fn rank(self) -> u8 {
        match self {
            Self::Unknown => 0,
            state => 1 + state as u8,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Received => "received",
            Self::Appraised => "appraised",
            Self::Cosigning => "cosigning",
            Self::Queued => "queued",
            Self::Posted => "posted",
            Self::Included => "included",
            Self::Final => "final",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Unknown => "in a state that this version does not know",
        })
    }
}

/// One check's outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckReport {
    /// Its number.
    pub id: u16,
    /// Its name.
    #[serde(default, deserialize_with = "text")]
    pub name: String,
    /// `pass`, `fail` or `notApplicable`.
    #[serde(default, deserialize_with = "text")]
    pub outcome: String,
    /// What was found, in prose.
    #[serde(default, deserialize_with = "text")]
    pub detail: String,
}

impl CheckReport {
    /// Whether it failed.
    pub fn failed(&self) -> bool {
        self.outcome.eq_ignore_ascii_case("fail")
    }
}

/// Why a relayer refused, from the body of its answer: `error`, `message` or `detail` of a JSON object, or its text.
pub(super) fn reason(body: &[u8]) -> String {
    const LONGEST: usize = 300;
    let json: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let named = ["error", "message", "detail"]
        .iter()
        .find_map(|key| json.get(key));
    let reason = match named {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::from_utf8_lossy(body).into_owned(),
    };
    printable(&reason).chars().take(LONGEST).collect()
}

pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Option::<String>::deserialize(deserializer).map(|text| printable(&text.unwrap_or_default()))
}

pub(super) fn null_as_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_states_of_later_relayers_are_tolerated() {
        let json = format!(
            r#"{{"digest":"{}","state":"teleported","new":1,"checks":null,"transaction":null}}"#,
            B256::ZERO
        );
        let status: Status = serde_json::from_str(&json).unwrap();
        assert_eq!((status.state, status.checks.len()), (State::Unknown, 0));
    }

    #[test]
    fn a_relayer_cannot_write_to_the_terminal() {
        let json = r#"{"id":1,"outcome":"Fail","detail":"a\u001b[2Jb","extra":true}"#;
        let check: CheckReport = serde_json::from_str(json).unwrap();
        assert!(check.failed());
        assert_eq!(check.detail, "a [2Jb");
        let long = serde_json::json!({"id": 1, "detail": format!("\u{202e}{}", "x".repeat(1 << 20))});
        let check: CheckReport = serde_json::from_value(long).unwrap();
        assert_eq!((check.detail.len(), &check.detail[..2]), (2000, " x"));
        assert_eq!(reason(b"{\"error\":\"too\\u0007 many\"}"), "too  many");
    }
}
