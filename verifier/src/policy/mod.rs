//! The appraisal policy: whom to trust, for what, for how long. A TOML file, named on chain by its digest.

mod tcb;
#[cfg(test)]
mod tests;
mod workload;

use std::collections::BTreeSet;

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

use crate::{Base64, CustodyLevel, Error, bundle::canonical_json, digest::sha256};

pub use tcb::{Tcb, TcbPolicy};
pub use workload::{Accept, HexBytes, OperatorKey, Workload};

/// An appraisal policy, version 1.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Always 1.
    pub version: u8,
    /// For people.
    pub name: String,
    /// DER of the root that TD quotes must chain to. Intel's production root where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub danger_intel_root: Option<Base64>,
    /// Greatest age of evidence, seconds.
    #[serde(default = "two_hours")]
    pub max_evidence_age: u32,
    /// How long a binding holds, seconds from the evidence's time.
    #[serde(default = "one_day")]
    pub binding_ttl: u32,
    /// How long an unsigned custody claim holds, seconds from the appraisal's time.
    #[serde(default = "one_week")]
    pub custody_ttl: u32,
    /// What is accepted of the platform's TCB.
    #[serde(default)]
    pub tcb: TcbPolicy,
    /// Infrastructure providers.
    #[serde(default, rename = "provider")]
    pub providers: Vec<Provider>,
    /// Reviewed workloads.
    #[serde(default, rename = "workload")]
    pub workloads: Vec<Workload>,
}

/// An infrastructure provider whose TPM keys and claims are believed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Its number on chain, 1 to 127.
    pub id: u16,
    /// For people.
    pub name: String,
    /// The shape of its evidence.
    pub profile: Profile,
    /// DER of its attestation-key roots. Which root verified decides who the provider is, never a field of a bundle.
    pub roots: Vec<Base64>,
    /// Whether a CRL must be at hand for every issuer in the chain.
    #[serde(default)]
    pub require_crl: bool,
    /// Whether it publishes a registry of its hosts; then nothing else raises custody to `Automated`.
    #[serde(default)]
    pub host_registry: bool,
    /// The custody that an AK certificate alone gives. Only for providers without a host registry.
    #[serde(default)]
    pub ak_certificate_custody: CustodyLevel,
}

/// The shape of a provider's evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Profile {
    /// Google's TDX virtual machines: vTPM, AK certificate with instance extension, CCEL.
    GoogleVtpm,
}

impl Policy {
    /// Parses a policy and checks it as a whole.
    ///
    /// # Errors
    /// If it is not TOML of this shape, or says something that cannot be meant; all such mistakes are listed.
    pub fn from_toml(text: &str) -> Result<Self, Error> {
        let policy: Self = toml::from_str(text).map_err(|error| Error::Policy(error.to_string()))?;
        let mistakes = policy.mistakes();
        if mistakes.is_empty() {
            Ok(policy)
        } else {
            Err(Error::Policy(mistakes.join("; ")))
        }
    }

    /// SHA-256 of the policy in canonical JSON: comments and layout do not count.
    ///
    /// # Errors
    /// If it cannot be serialised.
    pub fn digest(&self) -> Result<B256, Error> {
        Ok(sha256(&canonical_json(self)?))
    }

    fn mistakes(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        let mut ids = BTreeSet::new();
        if self.version != 1 {
            mistakes.push(format!("version {} is not supported, only 1 is", self.version));
        }
        for provider in &self.providers {
            if !(1..=127).contains(&provider.id) {
                mistakes.push(format!(
                    "provider `{}`: id {} is not in 1 to 127",
                    provider.name, provider.id
                ));
            }
            if !ids.insert(provider.id) {
                mistakes.push(format!(
                    "provider `{}`: id {} is used twice",
                    provider.name, provider.id
                ));
            }
            if provider.roots.is_empty() {
                mistakes.push(format!("provider `{}` has no roots", provider.name));
            }
            if provider.host_registry && provider.ak_certificate_custody > CustodyLevel::None {
                mistakes.push(format!(
                    "provider `{}` publishes a host registry, so `ak_certificate_custody` must be none",
                    provider.name
                ));
            }
        }
        let mut names = BTreeSet::new();
        for workload in &self.workloads {
            if !names.insert(&workload.name) {
                mistakes.push(format!("workload `{}` is there twice", workload.name));
            }
            mistakes.extend(workload.mistakes());
        }
        mistakes
    }
}

fn two_hours() -> u32 {
    2 * 3600
}

fn one_day() -> u32 {
    24 * 3600
}

fn one_week() -> u32 {
    7 * 24 * 3600
}
