//! The appraisal policy: whom to trust, for what, for how long. A TOML file, named on chain by the digest of its
//! canonical JSON.
//!
//! Nothing is trusted by default: a policy without providers, workloads and host stacks gives no binding above `Quote`, and
//! no custody.

mod claimant;
mod host;
mod mistakes;
mod places;
mod platforms;
mod provider;
mod read;
mod tcb;
#[cfg(test)]
mod tests;
mod workload;

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

use crate::{Base64, Error, canonical::canonical_digest};

pub use claimant::{Alliance, PoeIssuer};
pub use host::HostStack;
pub use mistakes::Mistake;
pub use places::{Place, Places, line_of};
pub use platforms::Platforms;
pub use provider::{Profile, Provider};
pub use tcb::{Tcb, TcbPolicy};
pub use workload::{Accept, HexBytes, KeyHome, Workload};

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
    /// How long a binding holds, seconds from the evidence's time: 64 to a week.
    #[serde(default = "one_day")]
    pub binding_ttl: u32,
    /// How long a custody claim without an end of its own holds, seconds from the appraisal's time: 64 to 30 days.
    #[serde(default = "one_week")]
    pub custody_ttl: u32,
    /// The binding that a TD under a paravisor may reach: `none` or `quote`. A paravisor answers for the workload's
    /// measurements, and RTMRs that could be compared with a TPM's are not there.
    #[serde(default)]
    pub paravisor_reaches: ParavisorReach,
    /// What is accepted of the platform's TCB.
    #[serde(default)]
    pub tcb: TcbPolicy,
    /// Which platforms are accepted.
    #[serde(default, skip_serializing_if = "Platforms::is_any")]
    pub platforms: Platforms,
    /// Infrastructure providers.
    #[serde(default, rename = "provider")]
    pub providers: Vec<Provider>,
    /// Reviewed workloads.
    #[serde(default, rename = "workload")]
    pub workloads: Vec<Workload>,
    /// Reviewed host stacks, of bare-metal machines.
    #[serde(default, rename = "host", skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<HostStack>,
    /// Who may endorse the ownership of a platform.
    #[serde(default, rename = "poe_issuer", skip_serializing_if = "Vec::is_empty")]
    pub poe_issuers: Vec<PoeIssuer>,
    /// Whose witnesses are believed.
    #[serde(default, rename = "alliance", skip_serializing_if = "Vec::is_empty")]
    pub alliances: Vec<Alliance>,
}

/// The binding that a TD under a paravisor may reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ParavisorReach {
    /// None at all.
    #[default]
    None,
    /// [`Binding::Quote`](crate::Binding::Quote).
    Quote,
}

impl Policy {
    /// Parses a policy, TOML or JSON, and checks it as a whole, for those who cannot use a part of it.
    ///
    /// # Errors
    /// As [`Policy::read`], all mistakes in one text.
    pub fn from_toml(text: &str) -> Result<Self, Error> {
        Self::read(text).map_err(|mistakes| {
            let list: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
            Error::Policy(list.join("; "))
        })
    }

    /// SHA-256 of the policy in canonical JSON: comments and layout do not count.
    ///
    /// # Errors
    /// If it cannot be serialised.
    pub fn digest(&self) -> Result<B256, Error> {
        canonical_digest(self)
    }

    /// The provider with this number, and its place in the list.
    pub(crate) fn provider(&self, id: u16) -> Option<(usize, &Provider)> {
        self.providers
            .iter()
            .enumerate()
            .find(|(_, provider)| provider.id == id)
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
