//! The registrar: a provider's service that says which attestation key is in which of his hosts' TPMs.
//!
//! A certificate of a TPM's endorsement key proves no attestation key: an endorsement key only decrypts. So the registrar
//! hides a secret for *this* attestation key's name and *this* endorsement key (`TPM2_MakeCredential`), and only a TPM that
//! holds both gives it back (`TPM2_ActivateCredential`). Then it signs a statement ([`RegistrarClaims`]).
//!
//! Which CPU the TPM is with, no protocol can tell: whoever racked the machine knows, and wrote it into the file of machines
//! (`machines.rs`). That file is the root of all custody that the registrar vouches for.
//!
//! ```text
//! host                                         registrar
//!  EK certificate, AK public area  ──────────▶  maker's chain; machine listed; AK restricted, sealed to a reviewed launch
//!                      challenge   ◀──────────  secret, for EK and AK name; kept for a minute, for one answer
//!  TPM2_ActivateCredential
//!              challenge, secret   ──────────▶  line in the audit log, synced
//!                      statement   ◀──────────  {AK name, EK certificate's hash, platform, provider, zone, end}, signed
//! ```
//!
//! [`RegistrarClaims`]: chassis_verifier::claims::RegistrarClaims

mod audit;
mod challenges;
mod config;
mod credential;
mod http;
mod key;
mod machines;
pub(crate) mod protocol;
mod service;

pub use config::RegistrarConfig;
pub use http::serve;
pub use key::RegistrarKey;
pub use service::Registrar;

use machines::Machines;
