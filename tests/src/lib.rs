//! A simulated cloud: Intel, a provider, and machines with real software TPMs.
//!
//! It makes what an ordinary computer cannot have (Intel's and a provider's certificates, TD quotes, a measured boot)
//! in the very formats of the real thing, so that the product verifies it with its own code and nothing switched off.
//! What sets it apart is its roots of trust: they exist only here, and a verifier trusts them only where a policy file
//! names them.

mod authority;
mod cloud;
mod evidence;
mod owner;
mod policy;
mod seed;

pub mod azure;
pub mod firmware;
pub mod fleet;
pub mod host;
pub mod intel;
pub mod machine;
pub mod pcs;
pub mod provider;
pub mod tpm;

pub use authority::{Authority, CrlSpec};
pub use cloud::Cloud;
pub use evidence::{CHAIN_ID, evidence, named};
pub use owner::{Owner, Witnesses};
pub use policy::{AZURE_ID, policy, policy_toml, workload};
pub use seed::{Key, PublicKey, Seed};
