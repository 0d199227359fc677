//! What a guest may ask its host's agent, and what it is told. One JSON document each.
//!
//! ```json
//! {"ak": {}}
//! {"quote": {"anchor": {…as in a bundle…}, "operator": "0x…", "tdQuote": "base64"}}
//!
//! {"ak": {"akPublic": "…", "registrarStatement": "…", "drtmLog": "…"}}
//! {"quote": {"attest": "…", "signature": "…", "pcrs": [{"index": 17, "value": "…"}, {"index": 18, "value": "…"}]}}
//! {"error": {"code": "tdQuote", "message": "…"}}
//! ```
//!
//! Nothing else is understood. In particular, no field takes `extraData`.

use alloy_primitives::Address;
use chassis_verifier::{
    Base64,
    bundle::{Anchor, PcrValue},
};
use serde::{Deserialize, Serialize};

/// Longest question: a TD quote in base64, and some words.
pub(super) const QUESTION_LIMIT: usize = 192 << 10;
/// Longest answer: a launch's log in base64, and some words.
pub(super) const ANSWER_LIMIT: usize = 1 << 20;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub(super) enum Question {
    Ak {},
    Quote {
        anchor: Anchor,
        operator: Address,
        td_quote: Base64,
    },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub(super) enum Answer {
    Ak {
        ak_public: Base64,
        registrar_statement: Base64,
        drtm_log: Base64,
    },
    Quote {
        attest: Base64,
        signature: Base64,
        pcrs: Vec<PcrValue>,
    },
    Error(Refusal),
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Refusal {
    pub(super) code: Code,
    pub(super) message: String,
}

/// What kind of reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Code {
    /// The question cannot be read, or is longer than any.
    Question,
    /// The host has no statement about its key, or one about another.
    NotEnrolled,
    /// The TD quote was not made on this host, or too long ago.
    TdQuote,
    /// The host launched something else than its key is sealed to.
    Launch,
    /// The TPM failed.
    Tpm,
}

impl Refusal {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

impl Answer {
    pub(super) fn to_json(&self) -> Vec<u8> {
        // Strings and numbers only: nothing that JSON could not hold.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn no_question_takes_qualifying_data() {
        let question = Question::Quote {
            anchor: Anchor {
                chain_id: 1,
                registry: Address::ZERO,
                block_number: 1,
                block_hash: B256::ZERO,
            },
            operator: Address::ZERO,
            td_quote: Base64(vec![1]),
        };
        let honest = serde_json::to_value(&question).unwrap();
        let mut forged = honest.clone();
        forged["quote"]["extraData"] = json!("00");
        let mut nested = honest.clone();
        nested["quote"]["anchor"]["extraData"] = json!("00");
        let read =
            |question: Value| serde_json::from_value::<Question>(question).map_err(|error| error.to_string());
        assert!(read(honest).is_ok());
        for question in [forged, nested, json!({"ak": {"extraData": "00"}})] {
            let error = read(question).unwrap_err();
            assert!(error.contains("unknown field `extraData`"), "{error}");
        }
    }
}
