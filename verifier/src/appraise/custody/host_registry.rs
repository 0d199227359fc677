//! Check 801: the provider's own registry of its hosts.

use alloy_primitives::B256;

use super::{Claim, rule};
use crate::{Check, CheckId, CustodyLevel, HostRegistryClaim, Policy, Provider};

/// `listed`: what registries say of this CPU.
pub(super) fn check(
    platform: B256,
    provider: Option<&Provider>,
    listed: &[&HostRegistryClaim],
    policy: &Policy,
) -> Check {
    if platform == B256::ZERO {
        return Check::not_applicable(CheckId::HostRegistry, "no quote verified, so no CPU is known");
    }
    let Some(provider) = provider else {
        return Check::not_applicable(CheckId::HostRegistry, "no provider vouches for this platform");
    };
    let check = if !provider.host_registry {
        let text = format!("{} publishes no host registry", provider.name);
        Check::not_applicable(CheckId::HostRegistry, text)
    } else if let Some(own) = listed.iter().find(|claim| claim.provider == provider.id) {
        Check::pass(CheckId::HostRegistry, format!("{} lists this CPU", provider.name))
            .fact("provider", own.provider)
            .fact("zone", own.zone.clone())
    } else {
        Check::fail(
            CheckId::HostRegistry,
            format!("{} does not list this CPU", provider.name),
        )
    };
    check.by(rule(policy, provider, "host_registry"))
}

/// Every registry's word, the policy's providers' or not, so that contradictions show. Only the provider's own counts.
pub(super) fn claims<'a>(
    provider: Option<&'a Provider>,
    listed: &'a [&HostRegistryClaim],
) -> impl Iterator<Item = Claim> + 'a {
    let counts = move |id| provider.is_some_and(|provider| provider.id == id && provider.host_registry);
    listed.iter().map(move |claim| Claim {
        source: "a host registry",
        provider: Some(claim.provider),
        level: if counts(claim.provider) {
            CustodyLevel::Automated
        } else {
            CustodyLevel::None
        },
        zone: claim.zone.clone(),
        until: None,
    })
}
