//! Who vouches for the TPM's key? Checks 401 to 404.

use super::{tpm::Tpm, without_tpm};
use crate::{
    Check, CheckId, Endorsements, Policy, Provider,
    ak::{AkCertificate, AkError, Revocation, verify_chain},
};

const CHECKS: &[CheckId] = &[
    CheckId::AkChain,
    CheckId::AkKeyUsage,
    CheckId::AkKey,
    CheckId::AkInstance,
];

/// What the AK's certificate establishes. Empty where it does not chain to a pinned root.
#[derive(Default)]
pub(super) struct Ak<'a> {
    /// By which root verified, never by a field of the bundle.
    pub(super) provider: Option<&'a Provider>,
    pub(super) zone: Option<String>,
    /// The certified `SubjectPublicKeyInfo`.
    pub(super) spki: Option<Vec<u8>>,
    /// First expiry on the path, its CRLs included, Unix seconds.
    pub(super) not_after: Option<u64>,
}

pub(super) fn check<'a>(
    tpm: Option<&Tpm<'_>>,
    endorsements: &Endorsements,
    policy: &'a Policy,
    as_of: u64,
    checks: &mut Vec<Check>,
) -> Ak<'a> {
    let Some(tpm) = tpm else {
        without_tpm(CHECKS, checks);
        return Ak::default();
    };
    let Some((leaf, intermediates)) = tpm.certificates.split_first() else {
        checks.push(Check::fail(CheckId::AkChain, "the bundle has no AK certificate"));
        checks.extend(
            CHECKS[1..]
                .iter()
                .map(|id| Check::not_applicable(*id, "no AK certificate")),
        );
        return Ak::default();
    };
    let certificate = match AkCertificate::parse(leaf) {
        Ok(certificate) => certificate,
        Err(error) => {
            checks.push(Check::fail(CheckId::AkChain, error.to_string()));
            checks.extend(
                CHECKS[1..]
                    .iter()
                    .map(|id| Check::not_applicable(*id, "no AK certificate to read")),
            );
            return Ak::default();
        }
    };
    let chain = chain(leaf, intermediates, endorsements, policy, as_of);
    checks.push(chain_check(&chain));
    checks.push(Check::from_result(
        CheckId::AkKeyUsage,
        certificate.check_key_usage(),
        "a signing key's certificate",
    ));
    checks.push(Check::from_result(
        CheckId::AkKey,
        certificate.check_key(&tpm.ak),
        "it certifies this key",
    ));
    let instance = certificate.instance();
    checks.push(match &instance {
        Ok(instance) if instance.is_production() => Check::pass(
            CheckId::AkInstance,
            format!("production instance in {}", instance.zone),
        ),
        Ok(_) => Check::fail(CheckId::AkInstance, "not a production instance"),
        Err(error) => Check::fail(CheckId::AkInstance, error.to_string()),
    });
    let Ok(chain) = chain else { return Ak::default() };
    Ak {
        provider: Some(chain.provider),
        zone: instance.ok().map(|instance| instance.zone),
        spki: Some(certificate.spki().to_vec()),
        not_after: Some(chain.not_after),
    }
}

/// A verified path, and whose root it ends at.
struct Chain<'a> {
    provider: &'a Provider,
    not_after: u64,
    revocation: Revocation,
}

fn chain<'a>(
    leaf: &[u8],
    intermediates: &[&[u8]],
    endorsements: &Endorsements,
    policy: &'a Policy,
    as_of: u64,
) -> Result<Chain<'a>, AkError> {
    let (owners, roots): (Vec<_>, Vec<_>) = policy
        .providers
        .iter()
        .flat_map(|provider| provider.roots.iter().map(move |root| (provider, &**root)))
        .unzip();
    let crls: Vec<_> = endorsements.provider_crls.iter().map(|crl| &**crl).collect();
    let verified = verify_chain(leaf, intermediates, &roots, &crls, as_of)?;
    let provider = owners.get(verified.root).ok_or(AkError::UnknownIssuer)?;
    // A CRL out of date says nothing about who was revoked since.
    let not_after = verified
        .revocation
        .until
        .map_or(verified.not_after, |until| until.min(verified.not_after));
    Ok(Chain {
        provider,
        not_after,
        revocation: verified.revocation,
    })
}

fn chain_check(chain: &Result<Chain<'_>, AkError>) -> Check {
    match chain {
        Err(error) => Check::fail(CheckId::AkChain, error.to_string()),
        Ok(chain) if chain.provider.require_crl && chain.revocation.uncovered > 0 => {
            let text = format!("no CRL for every issuer, which {} requires", chain.provider.name);
            Check::fail(CheckId::AkChain, text)
        }
        Ok(chain) => Check::pass(CheckId::AkChain, format!("chains to {}", chain.provider.name))
            .fact("provider", chain.provider.id),
    }
}
