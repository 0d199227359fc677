//! Appraises Proof-of-Cloud evidence.
//!
//! [`appraise`] is a pure function of (bundle, endorsements, policy, time): no I/O, no clock, no chain. It joins an Intel
//! TDX quote with a TPM quote whose key an infrastructure provider vouches for, and cross-checks both measured-boot
//! records, as *Data Center Execution Assurance* (arXiv 2510.12469) describes.
//!
//! # What decides, in reading order
//!
//! 1. `check`: every check, by the question it belongs to. `appraise`: their order, and where it counts.
//! 2. `appraise::verdict`: which checks make which binding.
//! 3. [`cross_check`]: why both boot records must agree, and the comparison.
//! 4. `appraise::{parts, profile, td, fresh, tpm, ak, proven, logs, workload}`: a virtual TPM's evidence; `{host, registrar}`: a
//!    host's; `hcl`: a paravisor's; `custody`: where the CPU stands.
//! 5. What these ask: [`td`], [`challenge`], [`tpm`], [`ak`], [`eventlog`] (`replay`), [`host`], [`hcl`], [`claims`].
//! 6. What is signed: `digest`, `canonical`, [`bundle`], `consent`, `policy` (its types, `read` and `mistakes`).
//!
//! An auditor may skip what no verdict depends on: `eventlog::{describe, view}` (words for people), `policy::places`
//! (lines of a policy's file), `cross_check::learn` (entries for a person to review), and
//! `sign_with` of registrars' statements (who writes them).
//!
//! # The one state
//!
//! While it runs, an appraisal keeps in its thread which signatures have verified ([`Memo`]), as SHA-256 of algorithm, key,
//! message and signature: `webpki` and `dcap-qvl` take nothing else of ours along. That can only repeat an answer that was
//! true, so the result is the same function of the same input; a test compares both.

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
