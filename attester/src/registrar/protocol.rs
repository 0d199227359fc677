//! What a host and the registrar say to each other: `POST /v1/challenges`, then `POST /v1/statements`, both JSON.

use chassis_verifier::Base64;
use serde::{Deserialize, Serialize};

/// A host asks to be challenged.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ChallengeRequest {
    /// The endorsement key's certificate (DER), then its issuers.
    pub(crate) ek_certificates: Vec<Base64>,
    /// The attestation key's `TPMT_PUBLIC`.
    pub(crate) ak_public: Base64,
}

/// A secret that only the TPM with both keys gives back.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Challenge {
    /// Its name, 32 bytes. It can be answered once, within a minute.
    #[serde(rename = "challenge")]
    pub(crate) id: Base64,
    /// `TPMS_ID_OBJECT`.
    pub(crate) credential_blob: Base64,
    /// `TPMS_ECC_POINT`.
    pub(crate) encrypted_secret: Base64,
}

/// The answer to a challenge.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct StatementRequest {
    pub(crate) challenge: Base64,
    /// What `TPM2_ActivateCredential` gave.
    pub(crate) secret: Base64,
}

/// What the registrar states.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Statement {
    /// COSE.
    pub(crate) statement: Base64,
}

/// Why not.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Problem {
    pub(crate) error: String,
}
