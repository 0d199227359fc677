//! Is that CPU in a data center? Checks 801 to 803.
//!
//! Custody is about the CPU. An AK certificate speaks about a TPM, so it raises custody only for providers that publish
//! no claim about CPUs, and only where the policy says so by name.

use alloy_primitives::B256;

use crate::{Check, CheckId, CustodyLevel, Endorsements, HostRegistryClaim, Outcome, Policy, Provider};

/// What is known of the provider.
pub(super) struct Custody<'a> {
    /// By a claim about this CPU.
    pub(super) by_cpu: CustodyLevel,
    /// By a claim about the TPM. It says something about the CPU only once both are bound.
    pub(super) by_ak: CustodyLevel,
    /// By the AK's root if there is a TPM, else by the host registry. `None`: nobody vouches for this platform.
    pub(super) provider: Option<&'a Provider>,
}

/// `ak_provider`, `ak_zone`: whose root verified the AK's certificate, and the zone it names.
pub(super) fn check<'a>(
    platform_id: B256,
    ak_provider: Option<&'a Provider>,
    ak_zone: Option<&str>,
    endorsements: &Endorsements,
    policy: &'a Policy,
    checks: &mut Vec<Check>,
) -> Custody<'a> {
    let claims: Vec<_> = endorsements
        .host_registry
        .iter()
        .filter(|claim| claim.platform_id == platform_id)
        .collect();
    let listed = claims
        .iter()
        .find_map(|claim| provider_with_registry(policy, claim.provider));
    let provider = ak_provider.or(listed);

    let registry = registry_check(provider, &claims);
    let ak = ak_check(ak_provider);
    let zones = zones_check(ak_zone, &claims);
    // Sources that contradict each other establish nothing.
    let (by_cpu, by_ak) = match (registry.outcome, zones.outcome) {
        (Outcome::Fail, _) | (_, Outcome::Fail) => (CustodyLevel::None, CustodyLevel::None),
        (Outcome::Pass, _) => (CustodyLevel::Automated, CustodyLevel::None),
        (Outcome::NotApplicable, _) => (
            CustodyLevel::None,
            ak_provider.map_or(CustodyLevel::None, |provider| provider.ak_certificate_custody),
        ),
    };
    checks.extend([registry, ak, zones]);
    Custody {
        by_cpu,
        by_ak,
        provider,
    }
}

fn provider_with_registry(policy: &Policy, id: u16) -> Option<&Provider> {
    policy
        .providers
        .iter()
        .find(|provider| provider.id == id && provider.host_registry)
}

fn registry_check(provider: Option<&Provider>, claims: &[&HostRegistryClaim]) -> Check {
    let Some(provider) = provider else {
        return Check::not_applicable(CheckId::HostRegistry, "no provider vouches for this platform");
    };
    // First of all: a CPU that another provider claims is a conflict, whatever this one publishes.
    if claims.iter().any(|claim| claim.provider != provider.id) {
        let text = format!("another provider than {} claims this CPU too", provider.name);
        return Check::fail(CheckId::HostRegistry, text);
    }
    if !provider.host_registry {
        let text = format!("{} publishes no host registry", provider.name);
        return Check::not_applicable(CheckId::HostRegistry, text);
    }
    match claims.first() {
        Some(claim) => Check::pass(CheckId::HostRegistry, format!("{} lists this CPU", provider.name))
            .fact("provider", claim.provider)
            .fact("zone", claim.zone.clone()),
        None => Check::fail(
            CheckId::HostRegistry,
            format!("{} does not list this CPU", provider.name),
        ),
    }
}

fn ak_check(provider: Option<&Provider>) -> Check {
    match provider {
        Some(provider) if provider.ak_certificate_custody > CustodyLevel::None => {
            let text = format!(
                "the policy takes {}'s AK certificates for {:?}",
                provider.name, provider.ak_certificate_custody
            );
            Check::pass(CheckId::CustodyAk, text)
        }
        _ => Check::not_applicable(CheckId::CustodyAk, "AK certificates say nothing about this CPU"),
    }
}

fn zones_check(ak_zone: Option<&str>, claims: &[&HostRegistryClaim]) -> Check {
    let mut zones: Vec<_> = claims
        .iter()
        .map(|claim| claim.zone.as_str())
        .chain(ak_zone)
        .collect();
    zones.retain(|zone| !zone.is_empty());
    let sources = zones.len();
    zones.sort_unstable();
    zones.dedup();
    match (zones.as_slice(), sources) {
        (_, 0 | 1) => Check::not_applicable(CheckId::Zones, "fewer than two sources name a zone"),
        ([zone], _) => Check::pass(CheckId::Zones, format!("{sources} sources agree on {zone}")),
        (zones, _) => Check::fail(CheckId::Zones, format!("sources disagree: {}", zones.join(", "))),
    }
}
