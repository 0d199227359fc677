//! What an attest can be about: PCRs, a loaded object, a created object (TPM 2.0 Part 2, §10.12).

use alloy_primitives::Bytes;
use serde::Serialize;

use super::{PcrSelection, attest::hex_text, selection::read_selections};
use crate::{Cursor, ParseError};

/// A quote's content: `TPMS_QUOTE_INFO` (§10.12.4), and what every attest carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Quote {
    /// Qualified name of the key that signed.
    pub qualified_signer: Bytes,
    /// What the caller of `TPM2_Quote` had it say: the qualifying data.
    pub extra_data: Bytes,
    /// The TPM's clock.
    pub clock: ClockInfo,
    /// Vendor-specific.
    #[serde(serialize_with = "hex_text")]
    pub firmware_version: u64,
    /// The PCRs it covers, by bank.
    pub selections: Vec<PcrSelection>,
    /// Digest of their values, concatenated by bank, then ascending, by the *signing scheme's* hash.
    pub pcr_digest: Bytes,
}

/// That an object, with its private part, was loaded in the signer's TPM: `TPMS_CERTIFY_INFO` (§10.12.3), and what every
/// attest carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Certification {
    /// Qualified name of the key that signed.
    pub qualified_signer: Bytes,
    /// What the caller of `TPM2_Certify` had it say.
    pub extra_data: Bytes,
    /// The TPM's clock.
    pub clock: ClockInfo,
    /// Vendor-specific.
    #[serde(serialize_with = "hex_text")]
    pub firmware_version: u64,
    /// The object's name: `nameAlg` ‖ digest of its public area.
    pub name: Bytes,
    /// The object's qualified name, which depends on its parents' too.
    pub qualified_name: Bytes,
}

/// That the signer's TPM created an object: `TPMS_CREATION_INFO` (§10.12.7), and what every attest carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Creation {
    /// Qualified name of the key that signed.
    pub qualified_signer: Bytes,
    /// What the caller of `TPM2_CertifyCreation` had it say.
    pub extra_data: Bytes,
    /// The TPM's clock.
    pub clock: ClockInfo,
    /// Vendor-specific.
    #[serde(serialize_with = "hex_text")]
    pub firmware_version: u64,
    /// The object's name: `nameAlg` ‖ digest of its public area.
    pub object_name: Bytes,
    /// Digest of its `TPMS_CREATION_DATA`.
    pub creation_hash: Bytes,
}

/// `TPMS_CLOCK_INFO` (§10.11.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClockInfo {
    /// Milliseconds the TPM was powered.
    pub clock: u64,
    /// TPM resets since the owner was cleared.
    pub reset_count: u32,
    /// Restarts and resumes since the last reset.
    pub restart_count: u32,
    /// No greater clock value was ever reported.
    pub safe: bool,
}

// Fields are read in the order they are written in: that of the wire.

impl Quote {
    pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Self, ParseError> {
        Ok(Self {
            qualified_signer: bytes(cursor, "qualifiedSigner")?,
            extra_data: bytes(cursor, "extraData")?,
            clock: ClockInfo::read(cursor)?,
            firmware_version: cursor.u64_be("firmwareVersion")?,
            selections: read_selections(cursor)?,
            pcr_digest: bytes(cursor, "pcrDigest")?,
        })
    }
}

impl Certification {
    pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Self, ParseError> {
        Ok(Self {
            qualified_signer: bytes(cursor, "qualifiedSigner")?,
            extra_data: bytes(cursor, "extraData")?,
            clock: ClockInfo::read(cursor)?,
            firmware_version: cursor.u64_be("firmwareVersion")?,
            name: bytes(cursor, "name")?,
            qualified_name: bytes(cursor, "qualifiedName")?,
        })
    }
}

impl Creation {
    pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Self, ParseError> {
        Ok(Self {
            qualified_signer: bytes(cursor, "qualifiedSigner")?,
            extra_data: bytes(cursor, "extraData")?,
            clock: ClockInfo::read(cursor)?,
            firmware_version: cursor.u64_be("firmwareVersion")?,
            object_name: bytes(cursor, "objectName")?,
            creation_hash: bytes(cursor, "creationHash")?,
        })
    }
}

impl ClockInfo {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, ParseError> {
        Ok(Self {
            clock: cursor.u64_be("clock")?,
            reset_count: cursor.u32_be("resetCount")?,
            restart_count: cursor.u32_be("restartCount")?,
            safe: {
                let at = cursor.clone();
                match cursor.u8("safe")? {
                    0 => false,
                    1 => true,
                    other => return Err(at.error("safe", format!("{other} is neither 0 nor 1"))),
                }
            },
        })
    }
}

/// The largest of digests, names and what a caller has a TPM say, in bytes: a `TPMT_HA` with the longest hash (Part 2,
/// §10.3.2). They are repeated in errors and checks.
const TPMT_HA: usize = 2 + 64;

/// A digest, a name or qualifying data (§10.4.2, §10.4.3, §10.5.3), copied.
pub(super) fn bytes(cursor: &mut Cursor<'_>, field: &'static str) -> Result<Bytes, ParseError> {
    let at = cursor.clone();
    let bytes = cursor.tpm2b(field)?;
    if bytes.len() > TPMT_HA {
        let problem = format!("{} bytes, at most {TPMT_HA} fit into a TPM's", bytes.len());
        return Err(at.error(field, problem));
    }
    Ok(Bytes::copy_from_slice(bytes))
}
