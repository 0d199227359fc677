//! The bundle, version 1: what a node sends to be attested.
//!
//! One JSON document, `{"evidence": {…}, "consent": "0x…"}`. The evidence must arrive in canonical form (RFC 8785), so
//! that nobody can make a second document, with a second digest, of the same evidence.

mod parse;
#[cfg(test)]
mod tests;

use alloy_primitives::{Address, B256, Bytes};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::{Base64, json::at_most};

pub use crate::canonical::canonical_json;
pub use parse::DEFAULT_LIMIT;

/// Most further logs in a bundle. Each IMA list has the boot log replayed once more.
pub(crate) const FURTHER_LOGS_LIMIT: usize = 4;

/// As many PCRs as a TPM has.
const PCRS_LIMIT: usize = 24;

/// As long as a SHA-512 bank's value, in bytes.
const PCR_LIMIT: usize = 64;

/// More than any chain that verifies, so that one too long fails as a chain.
const CERTIFICATES_LIMIT: usize = 16;

/// A parsed bundle. Its evidence is known to have been canonical; nothing else about it is known yet.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// What the node claims.
    pub evidence: Evidence,
    /// EIP-712 `Enrolment(bytes32 evidenceDigest)` by the operator's key: 65 bytes, `r ‖ s ‖ v`, low s.
    pub consent: Bytes,
    /// SHA-256 of the canonical evidence. The archive is addressed by it.
    pub digest: B256,
}

/// Everything the operator signs over.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Evidence {
    /// Always 1.
    pub version: u8,
    /// The EVM address being attested: an externally owned account.
    pub operator: Address,
    /// Who may read this bundle in an archive.
    pub disclosure: Disclosure,
    /// The finalized block this evidence was made after.
    pub anchor: Anchor,
    /// SHA-256 of a `SubjectPublicKeyInfo` held in the TD; zero if none.
    #[serde(default, skip_serializing_if = "B256::is_zero")]
    pub session_key_hash: B256,
    /// What the TEE says.
    pub tee: Tee,
    /// What the TPM says. Without it, binding is at most `Quote`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tpm: Option<Tpm>,
    /// Signed claims by the provider.
    #[serde(default, skip_serializing_if = "Custody::is_empty")]
    pub custody: Custody,
    /// Further logs that explain PCRs extended after boot.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "at_most::<FURTHER_LOGS_LIMIT, _, _>"
    )]
    pub logs: Vec<FurtherLog>,
}

/// Who may read an archived bundle. Digests, checks and verdicts are always public.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Disclosure {
    /// Everybody.
    Public,
    /// Whoever holds an archive; relayers show it to nobody who asks.
    Auditors,
}

/// The freshness source: a finalized block that nobody could know before it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Anchor {
    /// The chain the registry lives on.
    #[serde(with = "crate::json::integer")]
    pub chain_id: u64,
    /// The registry.
    pub registry: Address,
    /// The block's number.
    #[serde(with = "crate::json::integer")]
    pub block_number: u64,
    /// The block's hash.
    pub block_hash: B256,
}

/// The TEE's part.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "lowercase",
    rename_all_fields = "camelCase",
    from = "TeeDocument"
)]
pub enum Tee {
    /// Intel TDX.
    Tdx {
        /// DCAP quote, version 4 or 5.
        quote: Base64,
        /// The CCEL event log. Absent on Azure.
        #[serde(skip_serializing_if = "Option::is_none")]
        ccel: Option<Base64>,
        /// Azure's HCL report, in place of a CCEL.
        #[serde(skip_serializing_if = "Option::is_none")]
        hcl_report: Option<Base64>,
    },
}

/// [`Tee`] as it is read. To read a tagged enum, serde would first buffer all of it, at up to 64 bytes for two of JSON.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TeeDocument {
    kind: TeeKind,
    quote: Base64,
    #[serde(default)]
    ccel: Option<Base64>,
    #[serde(default)]
    hcl_report: Option<Base64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum TeeKind {
    Tdx,
}

impl From<TeeDocument> for Tee {
    fn from(document: TeeDocument) -> Self {
        let TeeKind::Tdx = document.kind;
        Self::Tdx {
            quote: document.quote,
            ccel: document.ccel,
            hcl_report: document.hcl_report,
        }
    }
}

/// The TPM's part.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tpm {
    /// The attestation key's public area, `TPMT_PUBLIC`.
    pub ak_public: Base64,
    /// The quote, `TPMS_ATTEST`.
    pub attest: Base64,
    /// Its signature, `TPMT_SIGNATURE`.
    pub signature: Base64,
    /// The quoted PCR values, ascending by index, in the quoted bank.
    #[serde(deserialize_with = "at_most::<PCRS_LIMIT, _, _>")]
    pub pcrs: Vec<PcrValue>,
    /// The TCG2 event log. For a host TPM `drtmLog` takes its place; Azure's vTPM keeps none that could be compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_log: Option<Base64>,
    /// The AK's certificate (DER), then every intermediate up to, not including, the root. With `iakCertification`, the
    /// IAK's.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "at_most::<CERTIFICATES_LIMIT, _, _>"
    )]
    pub ak_certificates: Vec<Base64>,
    /// For a host TPM whose AK has no certificate: that an IAK, which has one, certifies the AK.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iak_certification: Option<IakCertification>,
    /// For a host TPM: the registrar's statement (COSE).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registrar_statement: Option<Base64>,
    /// For a host TPM: the DRTM log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drtm_log: Option<Base64>,
}

/// `TPM2_Certify` or `TPM2_CertifyCreation` of the AK by an initial attestation key (TCG *TPM 2.0 Keys for Device
/// Identity and Attestation*, §5).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IakCertification {
    /// The IAK's public area, `TPMT_PUBLIC`.
    pub iak_public: Base64,
    /// What it signed, `TPMS_ATTEST`.
    pub attest: Base64,
    /// Its signature, `TPMT_SIGNATURE`.
    pub signature: Base64,
}

/// One PCR's value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PcrValue {
    /// 0 to 23.
    pub index: u8,
    /// As long as the bank's hash.
    #[serde(deserialize_with = "pcr_value")]
    pub value: Base64,
}

/// A value is repeated in checks, so it ends where the longest hash does.
fn pcr_value<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Base64, D::Error> {
    let value = Base64::deserialize(deserializer)?;
    if value.len() > PCR_LIMIT {
        let problem = format_args!("a PCR of {} bytes, at most {PCR_LIMIT}", value.len());
        return Err(D::Error::custom(problem));
    }
    Ok(value)
}

/// Signed provider claims. Unsigned sources are fetched by each relayer, never carried here.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Custody {
    /// Intel Platform Ownership Endorsement (COSE).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poe: Option<Base64>,
    /// A Proof of Cloud alliance token (Ed25519 JWT).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alliance_token: Option<String>,
}

impl Custody {
    fn is_empty(&self) -> bool {
        self.poe.is_none() && self.alliance_token.is_none()
    }
}

/// A log that explains PCRs extended after boot.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FurtherLog {
    /// The log's format.
    pub kind: FurtherLogKind,
    /// The log.
    pub data: Base64,
}

/// The format of a further log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FurtherLogKind {
    /// Linux IMA's binary measurement list, PCR 10.
    Ima,
    /// TCG2 events, any PCR from 8 up.
    Tcg2,
}
