//! What can be wrong with a certificate that could be read.

use crate::ParseError;

/// Why an AK's certificate fails one of its checks. Times are Unix seconds; the text is never hashed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AkError {
    /// More intermediates than any provider uses.
    #[error("{count} intermediate certificates, at most {limit} are looked at")]
    TooManyIntermediates {
        /// As given.
        count: usize,
        /// Allowed.
        limit: usize,
    },
    /// A root given by the policy cannot be used.
    #[error("root {index}: {problem}")]
    Root {
        /// Its place in the list.
        index: usize,
        /// What is wrong.
        problem: String,
    },
    /// A CRL cannot be used.
    #[error("CRL {index}: {problem}")]
    Crl {
        /// Its place in the list.
        index: usize,
        /// What is wrong.
        problem: String,
    },
    /// A CRL of an issuer on the path is out of date.
    #[error("an issuer's CRL was to be replaced by {next_update}, before {at}")]
    CrlExpired {
        /// Its `nextUpdate`.
        next_update: u64,
        /// The time asked about.
        at: u64,
    },
    /// A certificate on the path has expired.
    #[error("a certificate expired at {not_after}, before {at}")]
    Expired {
        /// Its `notAfter`.
        not_after: u64,
        /// The time asked about.
        at: u64,
    },
    /// A certificate on the path is not valid yet.
    #[error("a certificate is valid from {not_before}, after {at}")]
    NotYetValid {
        /// Its `notBefore`.
        not_before: u64,
        /// The time asked about.
        at: u64,
    },
    /// No path leads to a pinned root.
    #[error("no path to a root in the policy: an intermediate is missing, or it is another provider's")]
    UnknownIssuer,
    /// A certificate on the path may not issue certificates.
    #[error("`{0}` is an issuer, but its keyUsage lacks keyCertSign")]
    IssuerKeyUsage(String),
    /// The path does not verify for another reason.
    #[error("certificate chain: {0}")]
    Chain(String),
    /// A certificate on the path is revoked.
    #[error("the certificate or one of its issuers is revoked")]
    Revoked,
    /// The certificate is not a signing key's: an endorsement key's looks just like it.
    #[error("keyUsage lacks digitalSignature ({0}): this is not an attestation key's certificate")]
    KeyUsage(String),
    /// The certificate does not say that its key is an attestation key.
    #[error(
        "extendedKeyUsage lacks tcg-kp-AIKCertificate (2.23.133.8.3): this is not certified as an attestation key"
    )]
    NotAttestationKey,
    /// The certificate is for another key.
    #[error("certificate is for {certified}, the attestation key is {ak}")]
    KeyMismatch {
        /// The certificate's.
        certified: String,
        /// The AK's.
        ak: String,
    },
    /// The certificate is not for a confidential machine of Azure's.
    #[error("not the certificate of a confidential Azure machine's attestation key: {0}")]
    NotAzureConfidential(String),
    /// The certificate does not say which instance it is for.
    #[error("certificate lacks Google's instance extension (1.3.6.1.4.1.11129.2.1.21)")]
    NoInstance,
    /// It says so in a way that cannot be read.
    #[error(transparent)]
    Instance(#[from] ParseError),
}

impl AkError {
    pub(super) fn from_webpki(error: webpki::Error) -> Self {
        match error {
            webpki::Error::CertExpired { time, not_after } => Self::Expired {
                not_after: not_after.as_secs(),
                at: time.as_secs(),
            },
            webpki::Error::CertNotValidYet { time, not_before } => Self::NotYetValid {
                not_before: not_before.as_secs(),
                at: time.as_secs(),
            },
            webpki::Error::CrlExpired { time, next_update } => Self::CrlExpired {
                next_update: next_update.as_secs(),
                at: time.as_secs(),
            },
            webpki::Error::CertRevoked => Self::Revoked,
            webpki::Error::UnknownIssuer => Self::UnknownIssuer,
            other => Self::Chain(other.to_string()),
        }
    }
}
