//! What can be wrong with a claim that could be read.

use super::{Algorithm, KeyKind};
use crate::{ParseError, ak::AkError};

/// Why a claim does not hold. Times are Unix seconds; the text is never hashed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimFault {
    /// The signing certificate has no path to a pinned root.
    #[error("the claim's signing certificate: {0}")]
    Chain(#[from] AkError),
    /// The certificate may not sign documents.
    #[error("keyUsage of the claim's signing certificate lacks digitalSignature ({0})")]
    KeyUsage(String),
    /// The certified key is of a kind that signs no claims.
    #[error("the claim's signing certificate: {0}")]
    CertifiedKey(ParseError),
    /// None of the pinned keys made the signature, or the claim names a key that is not pinned.
    #[error("the claim is signed by none of the {pinned} keys the policy pins for it")]
    NotPinned {
        /// How many there are.
        pinned: usize,
    },
    /// The document says it is signed in a way that this key cannot sign.
    #[error("the claim says {algorithm}, its signer's key is {key}")]
    Algorithm {
        /// In the protected header.
        algorithm: Algorithm,
        /// The key's.
        key: KeyKind,
    },
    /// The signature is not over these bytes, or not by this key.
    #[error("the claim's signature is not its signer's over this document")]
    Signature,
    /// The claim has expired, or a certificate that came with it.
    #[error("the claim holds until {not_after}, before {at}")]
    Expired {
        /// Its last second.
        not_after: u64,
        /// The time asked about.
        at: u64,
    },
    /// The claim does not hold yet.
    #[error("the claim holds from {not_before}, after {at}")]
    NotYetValid {
        /// Its first second.
        not_before: u64,
        /// The time asked about.
        at: u64,
    },
    /// A zone that no Google zone is named like, so that its JSON would be a guess.
    #[error("zone {0:?} is not of a-z, 0-9 and -")]
    Zone(String),
    /// `MR_OWNER` is not the instance's.
    #[error("MR_OWNER is {quoted}, the AK certificate's instance makes it {computed}")]
    Pzid {
        /// In the TD quote, hex.
        quoted: String,
        /// From the certificate, hex.
        computed: String,
    },
}
