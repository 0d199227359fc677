//! Is that CPU in a data center? Checks 801 to 807 and 901.
//!
//! Custody is about the CPU: a source counts if it speaks of the platform that made *this* TD quote. An AK certificate
//! speaks about a TPM, so it raises custody only for providers that publish nothing about CPUs, only where the policy says
//! so by name, and only once TD and TPM are known to be one machine. Where any source fails, or two of them disagree,
//! nothing is established.

mod agreement;
mod host_registry;
mod pzid;
mod signed;

use alloy_primitives::B256;

use super::{checks::Checks, proven::Ak, registrar::Registrar};
use crate::{
    Check, CheckId, CustodyLevel, Endorsements, HostRegistryClaim, Outcome, Policy, Provider,
    td::{TdQuote, VerifiedTd},
};

pub(super) use signed::Signed;

/// What is known of the CPU's whereabouts.
pub(super) struct Custody<'a> {
    /// By claims about this CPU.
    pub(super) by_cpu: CustodyLevel,
    /// By a claim about the TPM. It says something about the CPU only once both are bound.
    pub(super) by_ak: CustodyLevel,
    /// By who vouches for the AK; where nobody does, by whose claim it is. `None`: nobody vouches for this platform.
    pub(super) provider: Option<&'a Provider>,
    /// First end among the claims that have one, Unix seconds.
    pub(super) until: Option<u64>,
}

/// What one source says of this CPU.
pub(super) struct Claim {
    /// In words, as "the host registry".
    pub(super) source: &'static str,
    /// By the policy's number; `None` where the source names none.
    pub(super) provider: Option<u16>,
    /// What it is worth.
    pub(super) level: CustodyLevel,
    /// Empty where it does not say.
    pub(super) zone: String,
    /// Unix seconds, where it has an end of its own.
    pub(super) until: Option<u64>,
}

/// Everything that may speak about the CPU.
pub(super) struct Sources<'s, 'p> {
    pub(super) platform: B256,
    pub(super) quote: &'s TdQuote<'s>,
    /// What Intel's signatures established, if they did.
    pub(super) td: Option<&'s VerifiedTd>,
    pub(super) ak: &'s Ak<'p>,
    pub(super) registrar: Option<&'s Registrar<'p>>,
    pub(super) signed: &'s Signed,
    pub(super) endorsements: &'s Endorsements,
    pub(super) policy: &'p Policy,
    pub(super) as_of: u64,
}

pub(super) fn check<'p>(sources: &Sources<'_, 'p>, checks: &mut Checks) -> Custody<'p> {
    let (ak, policy) = (sources.ak, sources.policy);
    let listed: Vec<_> = sources
        .endorsements
        .host_registry
        .iter()
        .filter(|claim| claim.platform_id == sources.platform)
        .collect();
    let (poe, poe_claim) = signed::poe(sources);
    let (alliance, alliance_claim) = signed::alliance(sources, sources.quote.raw());
    let (registrar, registrar_claim) = signed::registrar(sources);
    let signed: Vec<_> = [poe_claim, alliance_claim, registrar_claim]
        .into_iter()
        .flatten()
        .collect();
    // Whose claim it is counts too, or whoever leaves the TPM's part out would not be asked what the registry says.
    let provider = ak
        .provider()
        .or_else(|| listing_provider(&listed, policy))
        .or_else(|| claimed_provider(&signed, policy));
    let registry = host_registry::check(sources.platform, provider, &listed, policy);
    let pzid = pzid::check(&registry, ak, sources.quote, policy);
    let claims: Vec<_> = host_registry::claims(provider, &listed)
        .chain(ak.claim())
        .chain(signed)
        .collect();
    let all = [
        registry,
        ak_check(ak, policy),
        agreement::zones(&claims),
        pzid,
        poe,
        alliance,
        registrar,
        agreement::providers(&claims),
    ];
    let broken = all.iter().any(|check| check.outcome == Outcome::Fail);
    checks.extend(all);
    let ak_level = ak
        .provider()
        .map_or(CustodyLevel::None, |provider| provider.ak_certificate_custody);
    Custody {
        by_cpu: if broken {
            CustodyLevel::None
        } else {
            highest(&claims)
        },
        by_ak: if broken { CustodyLevel::None } else { ak_level },
        provider,
        until: claims.iter().filter_map(|claim| claim.until).min(),
    }
}

/// Where nobody vouches for an AK and no registry lists the CPU: whose signed claim it is.
fn claimed_provider<'p>(claims: &[Claim], policy: &'p Policy) -> Option<&'p Provider> {
    claims
        .iter()
        .filter(|claim| claim.level > CustodyLevel::None)
        .find_map(|claim| Some(policy.provider(claim.provider?)?.1))
}

fn highest(claims: &[Claim]) -> CustodyLevel {
    claims.iter().map(|claim| claim.level).max().unwrap_or_default()
}

/// A provider that keeps a registry and lists this CPU: the first such claim's.
fn listing_provider<'a>(listed: &[&HostRegistryClaim], policy: &'a Policy) -> Option<&'a Provider> {
    listed.iter().find_map(|claim| {
        let (_, provider) = policy.provider(claim.provider)?;
        provider.host_registry.then_some(provider)
    })
}

fn ak_check(ak: &Ak<'_>, policy: &Policy) -> Check {
    let Some(provider) = ak
        .provider()
        .filter(|provider| provider.ak_certificate_custody > CustodyLevel::None)
    else {
        return Check::not_applicable(CheckId::CustodyAk, "AK certificates say nothing about this CPU");
    };
    let text = format!(
        "the policy takes {}'s AK certificates for {:?}",
        provider.name, provider.ak_certificate_custody
    );
    Check::pass(CheckId::CustodyAk, text).by(rule(policy, provider, "ak_certificate_custody"))
}

/// The path of a provider's entry in the policy.
fn rule(policy: &Policy, provider: &Provider, key: &str) -> String {
    let index = policy.provider(provider.id).map_or(0, |(index, _)| index);
    format!("provider[{index}].{key}")
}
