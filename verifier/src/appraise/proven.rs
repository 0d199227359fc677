//! A key that is proven to be in a TPM somebody vouches for, and what that voucher says.

use alloy_primitives::B256;

use super::custody::Claim;
use crate::{CustodyLevel, Provider, ak::InstanceIdentity, challenge::AkName, instance_id};

/// What a fully proven key's voucher says. Empty where anything about the key has failed.
#[derive(Default)]
pub(super) struct Ak<'a> {
    proven: Option<Proven<'a>>,
}

struct Proven<'a> {
    provider: &'a Provider,
    instance: Option<InstanceIdentity>,
    instance_id: B256,
    not_after: u64,
}

impl<'a> Ak<'a> {
    /// A virtual TPM's key, by its certificate.
    pub(super) fn certified(
        provider: &'a Provider,
        spki: &[u8],
        instance: Option<InstanceIdentity>,
        not_after: u64,
    ) -> Self {
        Self {
            proven: Some(Proven {
                provider,
                instance,
                instance_id: instance_id(spki),
                not_after,
            }),
        }
    }

    /// A host's key, vouched for without a certificate of its own.
    pub(super) fn of_host(provider: &'a Provider, name: AkName, not_after: u64) -> Self {
        Self {
            proven: Some(Proven {
                provider,
                instance: None,
                instance_id: instance_id(&name.0),
                not_after,
            }),
        }
    }

    /// By which root verified, never by a field of the bundle.
    pub(super) fn provider(&self) -> Option<&'a Provider> {
        self.proven.as_ref().map(|proven| proven.provider)
    }

    /// Which virtual machine the certificate names.
    pub(super) fn instance(&self) -> Option<&InstanceIdentity> {
        self.proven.as_ref()?.instance.as_ref()
    }

    /// The instance's name on chain; zero where there is none.
    pub(super) fn instance_id(&self) -> B256 {
        self.proven
            .as_ref()
            .map_or(B256::ZERO, |proven| proven.instance_id)
    }

    /// First expiry on the path, its CRLs included, Unix seconds.
    pub(super) fn not_after(&self) -> Option<u64> {
        self.proven.as_ref().map(|proven| proven.not_after)
    }

    /// What it says of the whereabouts of the TPM, and so of the CPU it is bound to. Of itself it is worth nothing there.
    pub(super) fn claim(&self) -> Option<Claim> {
        let proven = self.proven.as_ref()?;
        Some(Claim {
            source: "who vouches for the AK",
            provider: Some(proven.provider.id),
            level: CustodyLevel::None,
            zone: proven
                .instance
                .as_ref()
                .map_or_else(String::new, |instance| instance.zone.clone()),
            until: None,
        })
    }
}
