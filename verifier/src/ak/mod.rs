//! Who vouches for the attestation key: its certificate, up to a provider's root.
//!
//! [`AkCertificate`] reads the certificate itself, [`verify_chain`] finds a path to a pinned root. They are apart, so
//! that every check gives an answer even where another has failed.

mod azure;
mod certificate;
mod chain;
mod crl;
mod error;
mod google;
mod revocation;

#[cfg(test)]
mod google_tests;
#[cfg(test)]
mod tests;

pub use certificate::{AkCertificate, CertificateView};
pub(crate) use chain::root_identity;
pub use chain::{INTERMEDIATES_LIMIT, VerifiedAk, verify_chain};
pub use error::AkError;
pub use google::{InstanceIdentity, SecurityProperties};
pub use revocation::Revocation;
