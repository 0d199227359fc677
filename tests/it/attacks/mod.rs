//! Attacks that must fail, each by the check that is there to stop it.
//!
//! They act on whole machines and go through the product's own attester and verifier. Where an attack changes a bundle,
//! the operator signs the result, so that nothing else is wrong with it.

mod alone;
mod claims;
mod frankenstein;
mod freshness;
mod host;
mod identity;
mod logs;
mod paravisor;
mod platform;
mod pzid;
mod quote;
mod size;
mod statements;
