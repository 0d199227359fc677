//! Appraises Proof-of-Cloud evidence.
//!
//! [`appraise`] is a pure function of (bundle, endorsements, policy, time): no I/O, no clock, no chain. It joins an Intel
//! TDX quote with a TPM quote whose key an infrastructure provider vouches for, and cross-checks both measured-boot
//! records, as *Data Center Execution Assurance* (arXiv 2510.12469) describes.

mod appraisal;
mod appraise;
mod bytes;
mod canonical;
mod check;
mod consent;
mod cursor;
mod deployment;
mod digest;
mod endorsement;
mod error;
mod json;
mod memo;
mod policy;

pub mod ak;
pub mod bundle;
pub mod challenge;
pub mod claims;
pub mod cross_check;
pub mod eventlog;
pub mod hcl;
pub mod host;
pub mod td;
pub mod tpm;

pub use appraisal::{Appraisal, Binding, Check, CustodyLevel, Facts, Outcome, Verdict};
pub use appraise::{Appraiser, appraise, appraise_many};
pub use bytes::Base64;
pub use check::{CheckId, Question};
pub use consent::{Enrolment, consent_signer, enrolment_hash, registry_domain};
pub use cursor::Cursor;
pub use deployment::Deployment;
pub use digest::{AttestationResult, checks_root, instance_id, merkle_root, platform_id, sha256};
pub use endorsement::{AnchorClaim, ENDORSEMENTS_LIMIT, Endorsements, HostRegistryClaim};
pub use error::{Error, ParseError};
pub use memo::Memo;
pub use policy::{
    Accept, Alliance, HexBytes, HostStack, KeyHome, Mistake, ParavisorReach, Place, Places, Platforms,
    PoeIssuer, Policy, Profile, Provider, Tcb, TcbPolicy, Workload, line_of,
};
