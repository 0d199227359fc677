//! What can be wrong with a quote that could be read.

use super::{HashAlg, PcrSelection, Scheme};

/// Why a quote fails one of its checks. The text is for people and is never hashed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QuoteFault {
    /// Not made by a TPM.
    #[error("magic is {0:#010x}, not 0xff544347: a TPM did not make this")]
    Magic(u32),
    /// Not a quote.
    #[error("type is {0:#06x}, not 0x8018: the TPM attests something else than PCRs")]
    Kind(u16),
    /// Signed with SHA-1.
    #[error("signature is {0}; SHA-256 or better is required")]
    WeakHash(Scheme),
    /// The key is fixed to one scheme, the signature is of another.
    #[error("signature is {signature}, but the key is fixed to {key}")]
    Scheme {
        /// The key's own.
        key: Scheme,
        /// The signature's.
        signature: Scheme,
    },
    /// An RSA signature by an ECC key, or the reverse.
    #[error("signature is {signature}, which a {key} cannot make")]
    KeyType {
        /// The key.
        key: String,
        /// The signature's scheme.
        signature: Scheme,
    },
    /// A combination that is not verified here.
    #[error("{0} is not supported for this key")]
    Unsupported(Scheme),
    /// The signature is not over these bytes, or not by this key.
    #[error("signature is not the {key}'s over this attest")]
    Signature {
        /// The key.
        key: String,
    },
    /// The selection is of another number of banks than one.
    #[error("{0} banks are selected, exactly one is required")]
    Banks(usize),
    /// The selection is not the wanted one.
    #[error("{selected} is quoted, {wanted} is required")]
    Selection {
        /// What the quote covers.
        selected: PcrSelection,
        /// What it must cover.
        wanted: PcrSelection,
    },
    /// The given values are of other PCRs than selected, or not ascending.
    #[error("values are given for PCRs {given:?}, required are {wanted:?}, ascending")]
    Indices {
        /// As given.
        given: Vec<u8>,
        /// As selected.
        wanted: Vec<u8>,
    },
    /// The selection is of a bank whose digests have no known length.
    #[error("bank {0:#06x} is not known")]
    Bank(u16),
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
    /// The values are not those quoted.
    #[error("the PCR values' {hash} digest is {computed}, {quoted} is quoted")]
    PcrDigest {
        /// The signing scheme's hash.
        hash: HashAlg,
        /// Over the given values, hex.
        computed: String,
        /// In the quote, hex.
        quoted: String,
    },
}
