//! Whether a given key signed an attest.

use chassis_verifier::tpm::Signature;
use serde::Serialize;

use super::super::ak_public::signing_key;
use crate::render::{Cell, Mark, Refusal};

/// A decoded signature, and what was asked of it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SignatureView {
    scheme: String,
    key: String,
    verifies: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl SignatureView {
    /// By `ak`, over `attest`?
    pub(super) fn of(signature: &[u8], ak: &[u8], attest: &[u8]) -> Result<Self, Refusal> {
        let signature = Signature::parse(signature)?;
        let ak = signing_key(ak)?;
        let verified = signature.verify(&ak, attest);
        Ok(Self {
            scheme: signature.scheme().to_string(),
            key: ak.key.to_string(),
            verifies: verified.is_ok(),
            reason: verified.err().map(|fault| fault.to_string()),
        })
    }

    pub(super) fn verifies(&self) -> bool {
        self.verifies
    }

    pub(super) fn rows(&self) -> Vec<(&'static str, Cell)> {
        let verdict = match &self.reason {
            None => Cell::marked("yes", Mark::Good),
            Some(reason) => Cell::marked(format_args!("no: {reason}"), Mark::Bad),
        };
        vec![
            ("scheme", (&self.scheme).into()),
            ("key", (&self.key).into()),
            ("verifies", verdict),
        ]
    }
}
