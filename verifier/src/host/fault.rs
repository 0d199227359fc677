//! What can be wrong with a host's evidence that could be read.

use crate::tpm::{HashAlg, QuoteFault};

/// Why a host's evidence fails one of its checks. The text is for people and is never hashed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostFault {
    /// A bank whose digests can be collided.
    #[error("the {0} bank proves nothing: quote the SHA-256 bank or a better one")]
    WeakBank(HashAlg),
    /// A value is not a digest of its bank.
    #[error("PCR {pcr} has {len} bytes, a {bank} value has {}", bank.digest_len())]
    Length {
        /// Its index.
        pcr: u8,
        /// Its length.
        len: usize,
        /// The bank.
        bank: HashAlg,
    },
    /// All ones.
    #[error("PCR {0} is all ones: no dynamic launch has happened since power-on")]
    NotLaunched(u8),
    /// All zeros.
    #[error("PCR {0} is all zeros: nothing was measured into it since it was reset")]
    NothingMeasured(u8),
    /// The log says nothing about the bank.
    #[error("the DRTM log has no {0} digests")]
    LogBank(HashAlg),
    /// A record of a register that a dynamic launch leaves alone.
    #[error("record {index} of the DRTM log is of PCR {pcr}; a dynamic launch resets 17 to 22 only")]
    ForeignPcr {
        /// Its place in the log, header not counted.
        index: usize,
        /// The register.
        pcr: u32,
    },
    /// A register without records.
    #[error("the DRTM log has no record of PCR {0}")]
    Unexplained(u8),
    /// The log explains another value.
    #[error("PCR {pcr} is {given}, the DRTM log replays to {replayed}")]
    Replay {
        /// Its index.
        pcr: u8,
        /// From the log, hex.
        replayed: String,
        /// As given, hex.
        given: String,
    },
    /// A password is enough.
    #[error(
        "the attestation key has userWithAuth set: its password is enough to use it, whatever was launched"
    )]
    UserWithAuth,
    /// The policy is hashed by something else than SHA-256.
    #[error("the attestation key's nameAlg is {0:#06x}, so its policy is not a SHA-256 one")]
    NameAlg(u16),
    /// There is none.
    #[error("the attestation key has no policy: it is not bound to what was launched")]
    NoPolicy,
    /// It is another.
    #[error("the attestation key's policy is {found}, PCR 17 and 18 in the {bank} bank need {wanted}")]
    Policy {
        /// In its public area, hex.
        found: String,
        /// Computed from the PCRs, hex.
        wanted: String,
        /// Their bank.
        bank: HashAlg,
    },
    /// Nothing a TPM made.
    #[error(transparent)]
    Attest(#[from] QuoteFault),
    /// An attest about something else than a key.
    #[error("type is {0:#06x}, not 0x8017 or 0x801a: this certifies no key")]
    NotCertification(u16),
    /// Another key is certified.
    #[error("the key named {certified} is certified, the attestation key is {ak}")]
    OtherKey {
        /// Its name, hex.
        certified: String,
        /// The AK's name, hex.
        ak: String,
    },
}
