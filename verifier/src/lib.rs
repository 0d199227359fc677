//! Appraises Proof-of-Cloud evidence.
//!
//! A pure function of (bundle, endorsements, policy, time): no I/O, no clock, no chain.

mod bytes;
mod consent;
mod cursor;
mod error;

pub mod bundle;
pub mod challenge;

pub use bytes::Base64;
pub use consent::{Enrolment, consent_signer, enrolment_hash, registry_domain};
pub use cursor::Cursor;
pub use error::{Error, ParseError};
