//! What a node must be able to say, one trait per source. Nothing here knows a device, a path or a cloud.

use alloy_primitives::Address;
use chassis_verifier::{
    bundle::{Anchor, Custody, PcrValue},
    challenge::{AkName, challenge, qualifying_data},
};

use crate::Error;

/// Makes TD quotes.
pub trait TdQuoter {
    /// A DCAP quote by this TD over `report_data`, or over what stands for it under a paravisor.
    ///
    /// # Errors
    /// If this machine is not a TD, or its quoting service does not answer.
    fn quote(&self, report_data: [u8; 64]) -> Result<TdEvidence, Error>;
}

/// What a TD says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TdEvidence {
    /// The DCAP quote.
    pub quote: Vec<u8>,
    /// Under Azure's paravisor: the report by which the quote speaks of the report data. There is no boot log then: RTMRs are
    /// zero.
    pub hcl_report: Option<Vec<u8>>,
}

/// Has what others say of this machine.
pub trait CustodyClaims {
    /// Signed claims about whose machine this is, to be carried in the evidence.
    ///
    /// # Errors
    /// If one that was named cannot be read.
    fn custody(&self) -> Result<Custody, Error>;
}

/// Makes TPM quotes by the key the infrastructure provider vouches for.
pub trait TpmQuoter {
    /// The attestation key and who vouches for it.
    ///
    /// # Errors
    /// If the TPM does not answer or holds no key that a provider vouches for.
    fn attestation_key(&self) -> Result<AttestationKey, Error>;

    /// A quote by `key` about `subject`, and the values it covers: PCRs 0–15 of the SHA-384 bank, a host's 17 and 18, or 0–23
    /// of the SHA-256 bank under a paravisor.
    ///
    /// # Errors
    /// If the TPM does not answer, its key is no longer `key`, or it has no such bank.
    fn quote(&self, key: &AttestationKey, subject: &Subject<'_>) -> Result<TpmQuote, Error>;
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
    /// Where the TPM is a bare-metal host's: what takes the place of certificates and boot log.
    pub host: Option<HostEvidence>,
}

/// What a bare-metal host says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostEvidence {
    /// The registrar's statement about the key (COSE).
    pub registrar_statement: Vec<u8>,
    /// The log of its dynamic launch, without padding.
    pub drtm_log: Vec<u8>,
}

/// What a TPM quote is about: the TD quote that it names, and whom and when that was made for.
///
/// Not the `extraData` itself: a host's agent takes none from its callers.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The finalized block.
    pub anchor: &'a Anchor,
    /// The address to be attested.
    pub operator: Address,
    /// The TD quote.
    pub td_quote: &'a [u8],
}

impl Subject<'_> {
    /// The `extraData` that a quote about it carries.
    pub fn extra_data(&self) -> [u8; 32] {
        qualifying_data(challenge(self.anchor, self.operator), self.td_quote)
    }
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
