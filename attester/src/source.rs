//! What a node must be able to say, one trait per source. Nothing here knows a device, a path or a cloud.

use chassis_verifier::{bundle::PcrValue, challenge::AkName};

use crate::Error;

/// Makes TD quotes.
pub trait TdQuoter {
    /// A DCAP quote by this TD over `report_data`.
    ///
    /// # Errors
    /// If this machine is not a TD, or its quoting service does not answer.
    fn quote(&self, report_data: [u8; 64]) -> Result<Vec<u8>, Error>;
}

/// Makes TPM quotes by the key the infrastructure provider vouches for.
pub trait TpmQuoter {
    /// The attestation key and who vouches for it.
    ///
    /// # Errors
    /// If the TPM does not answer or holds no key that a provider vouches for.
    fn attestation_key(&self) -> Result<AttestationKey, Error>;

    /// A quote by `key` over PCRs 0–15 of the SHA-384 bank, with `extra_data`, and the values it covers.
    ///
    /// # Errors
    /// If the TPM does not answer, its key is no longer `key`, or it has no SHA-384 bank.
    fn quote(&self, key: &AttestationKey, extra_data: [u8; 32]) -> Result<TpmQuote, Error>;
}

/// Reads the measured-boot records.
pub trait EventLogs {
    /// The CCEL event log, which explains the RTMRs, without padding.
    ///
    /// # Errors
    /// If it cannot be read or is no TCG2 log.
    fn ccel(&self) -> Result<Vec<u8>, Error>;

    /// The TPM's TCG2 event log, which explains the PCRs, without padding.
    ///
    /// # Errors
    /// If it cannot be read or is no TCG2 log.
    fn tpm_log(&self) -> Result<Vec<u8>, Error>;
}

/// A key that signs TPM quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttestationKey {
    /// Its public area, `TPMT_PUBLIC`; `nameAlg` is SHA-256.
    pub public: Vec<u8>,
    /// Its certificate (DER), then every known intermediate up to, not including, the root.
    pub certificates: Vec<Vec<u8>>,
}

impl AttestationKey {
    /// The key's name, by which the TD quote names it.
    pub fn name(&self) -> AkName {
        AkName::of(&self.public)
    }
}

/// A TPM quote, in the TPM's own encoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TpmQuote {
    /// `TPMS_ATTEST`.
    pub attest: Vec<u8>,
    /// `TPMT_SIGNATURE`.
    pub signature: Vec<u8>,
    /// The quoted values, ascending by index. They are known to match the quote's `pcrDigest`.
    pub pcrs: Vec<PcrValue>,
}
