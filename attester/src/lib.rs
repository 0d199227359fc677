//! Collects Proof-of-Cloud evidence on a node.
//!
//! The traits in `source` name what a node must be able to say; [`GoogleAk`] and its like say it on real machines.
//! The simulated cloud is reached through the very same types: a software TPM through its TCTI, `/sys` through a
//! directory.

mod certificates;
mod error;
mod source;
mod tpm;

pub use certificates::CertificatePool;
pub use error::Error;
pub use source::{AttestationKey, EventLogs, TdQuoter, TpmQuote, TpmQuoter};
pub use tpm::{GOOGLE_AK, GoogleAk, NvPair, Primary, QUOTED_PCRS, Tpm};
