//! The TPM's part of the evidence: the attestation key's public area, what it and others signed, the signatures.
//!
//! Structures are those of *TPM 2.0 Library, Part 2: Structures*; all integers are big-endian. Parsing decides only
//! what can be read. Whether it is good enough is asked by small functions, each of which answers one check:
//!
//! | check | asked by |
//! |---|---|
//! | a TPM made it, and it is a quote | [`Attest::check_magic`], [`Attest::check_kind`] |
//! | the AK signed it | [`Signature::verify`] |
//! | it covers what was asked for | [`check_selection`] |
//! | the PCR values are the quoted ones | [`check_values`], [`check_pcr_digest`] |
//! | the AK is a restricted signing key | [`Public::violations`] |
//! | another key of its TPM vouches for it | [`Attest::certified_name`] |

mod alg;
mod attest;
mod attested;
mod fault;
mod public;
mod quote;
mod selection;
mod signature;

#[cfg(test)]
mod attest_tests;
#[cfg(test)]
mod signature_tests;
#[cfg(test)]
mod tests;

pub use alg::{HashAlg, Scheme, SchemeKind};
pub use attest::Attest;
pub use attested::{Certification, ClockInfo, Creation, Quote};
pub use fault::QuoteFault;
pub use public::{Attributes, Public, PublicKey};
pub use quote::{check_pcr_digest, check_selection, check_values};
pub use selection::PcrSelection;
pub use signature::Signature;
