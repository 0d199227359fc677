//! Signed claims about a machine: who says where it stands.
//!
//! | claim | who signs | what it names the machine by | document |
//! |---|---|---|---|
//! | [`Poe`] | an issuer under a root the policy pins | the CPU's platform instance id | `COSE_Sign1`, a `CoRIM` inside |
//! | [`RegistrarStatement`] | a key the policy pins | a host TPM's AK and EK, and the platform | `COSE_Sign1` |
//! | [`AllianceToken`] | a key the policy pins | one quote, by its digest | JWT |
//! | [`pzid()`] | nobody: the host sets it, the TD quote carries it | the instance | a digest |
//!
//! Each is a strict parser, and a verification that is a pure function of document, keys and time. None of them decides
//! what a claim is worth: custody is decided where all claims are at hand. A document has one spelling, up to its signature
//! and its unprotected header, and is refused in any other.

mod alliance;
mod cbor;
mod cose;
mod fault;
mod poe;
mod pzid;
mod registrar;

#[cfg(test)]
mod testing;

pub use alliance::{AllianceToken, TOKEN_LIMIT};
pub use cose::{Algorithm, COSE_LIMIT, KeyKind, PinnedKey};
pub use fault::ClaimFault;
pub use poe::{Poe, VerifiedPoe};
pub use pzid::{check_pzid, pzid};
pub use registrar::{RegistrarClaims, RegistrarStatement, ZONE_LIMIT};
