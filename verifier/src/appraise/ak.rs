//! Who vouches for the TPM's key? Checks 401 to 404.
//!
//! First [`vouch`] finds whose root the certificate chains to, and so what shape of evidence to expect; then [`check`]
//! asks the rest. Nothing of a certificate is believed before every check about the key has passed.

use super::{checks::Checks, proven::Ak, tpm::Tpm, without_tpm};
use crate::{
    Check, CheckId, Endorsements, Outcome, Policy, Profile, Provider,
    ak::{AkCertificate, AkError, InstanceIdentity, Revocation},
    tpm::{Public, PublicKey},
};

const CHECKS: &[CheckId] = &[
    CheckId::AkChain,
    CheckId::AkKeyUsage,
    CheckId::AkKey,
    CheckId::AkInstance,
];

/// Without every one of these the certificate says nothing about this TPM.
const PROVEN: &[CheckId] = &[
    CheckId::TpmQuoteForm,
    CheckId::TpmSignature,
    CheckId::AkAttributes,
    CheckId::AkChain,
    CheckId::AkKeyUsage,
    CheckId::AkKey,
];

/// The leaf, read, and the path from it to a pinned root.
pub(super) struct Vouched<'t, 'p> {
    certificate: AkCertificate<'t>,
    chain: Result<Chain<'p>, AkError>,
}

impl<'p> Vouched<'_, 'p> {
    /// The provider whose root verified.
    pub(super) fn provider(&self) -> Option<&'p Provider> {
        self.chain.as_ref().ok().map(|chain| chain.provider)
    }

    /// The policy's entry of that provider.
    pub(super) fn entry(&self) -> Option<&str> {
        self.chain.as_ref().ok().map(|chain| &*chain.entry)
    }

    /// When its path first expires, Unix seconds.
    pub(super) fn not_after(&self) -> Option<u64> {
        self.chain.as_ref().ok().map(|chain| chain.not_after)
    }
}

/// Looks for a path. An error is what check 401 says.
pub(super) fn vouch<'t, 'p>(
    tpm: &Tpm<'t>,
    endorsements: &Endorsements,
    policy: &'p Policy,
    as_of: u64,
) -> Result<Vouched<'t, 'p>, String> {
    let (leaf, intermediates) = tpm
        .certificates
        .split_first()
        .ok_or("the bundle has no AK certificate")?;
    let certificate = AkCertificate::parse(leaf).map_err(|error| error.to_string())?;
    Ok(Vouched {
        chain: chain(&certificate, intermediates, endorsements, policy, as_of),
        certificate,
    })
}

pub(super) fn check<'p>(
    tpm: Option<&Tpm<'_>>,
    vouched: Option<&Result<Vouched<'_, 'p>, String>>,
    profile: Profile,
    checks: &mut Checks,
) -> Ak<'p> {
    let (Some(tpm), Some(vouched)) = (tpm, vouched) else {
        without_tpm(CHECKS, checks);
        return Ak::default();
    };
    let vouched = match vouched {
        Ok(vouched) => vouched,
        Err(_) if profile == Profile::BareMetal => {
            let text = "a host's key needs no certificate: see host.ak";
            checks.extend(CHECKS.iter().map(|id| Check::not_applicable(*id, text)));
            return Ak::default();
        }
        Err(problem) => {
            checks.push(Check::fail(CheckId::AkChain, problem));
            let rest = CHECKS[1..].iter();
            checks.extend(rest.map(|id| Check::not_applicable(*id, "no AK certificate to read")));
            return Ak::default();
        }
    };
    let certificate = &vouched.certificate;
    checks.push(chain_check(&vouched.chain));
    checks.push(usage_check(certificate, profile));
    // On a host, certificates speak of the IAK. Elsewhere, whoever rents a machine has a certified key to put in its place.
    let certified = tpm
        .iak
        .as_ref()
        .filter(|_| profile == Profile::BareMetal)
        .map_or(&tpm.ak, |certification| &certification.iak);
    checks.push(key_check(certificate, certified, profile));
    let (instance_check, instance) = instance_check(certificate, profile);
    let named = instance_check.outcome != Outcome::Fail;
    checks.push(instance_check);
    // Of a host's key, more is asked before anything is believed.
    let proven = checks.all_passed(PROVEN) && named && profile != Profile::BareMetal;
    match &vouched.chain {
        Ok(chain) if proven => Ak::certified(chain.provider, certificate.spki(), instance, chain.not_after),
        _ => Ak::default(),
    }
}

/// A verified path, and whose root it ends at.
struct Chain<'p> {
    provider: &'p Provider,
    entry: String,
    rule: String,
    not_after: u64,
    revocation: Revocation,
}

fn chain<'p>(
    leaf: &AkCertificate<'_>,
    intermediates: &[&[u8]],
    endorsements: &Endorsements,
    policy: &'p Policy,
    as_of: u64,
) -> Result<Chain<'p>, AkError> {
    let pinned: Vec<_> = policy
        .providers
        .iter()
        .enumerate()
        .flat_map(|(index, provider)| {
            let roots = provider.roots.iter().enumerate();
            roots.map(move |(root, der)| (provider, format!("provider[{index}]"), root, &**der))
        })
        .collect();
    let roots: Vec<_> = pinned.iter().map(|(.., der)| *der).collect();
    let crls: Vec<_> = endorsements.provider_crls.iter().map(|crl| &**crl).collect();
    let verified = leaf.verify_chain(intermediates, &roots, &crls, as_of)?;
    let (provider, entry, root, _) = pinned.get(verified.root).ok_or(AkError::UnknownIssuer)?;
    // A CRL out of date says nothing about who was revoked since.
    let not_after = verified
        .revocation
        .until
        .map_or(verified.not_after, |until| until.min(verified.not_after));
    Ok(Chain {
        provider,
        entry: entry.clone(),
        rule: format!("{entry}.roots[{root}]"),
        not_after,
        revocation: verified.revocation,
    })
}

fn chain_check(chain: &Result<Chain<'_>, AkError>) -> Check {
    match chain {
        Err(error) => Check::fail(CheckId::AkChain, error.to_string()).by("provider"),
        Ok(chain) if chain.provider.require_crl && chain.revocation.uncovered > 0 => {
            let text = format!("no CRL for every issuer, which {} requires", chain.provider.name);
            Check::fail(CheckId::AkChain, text).by(chain.rule.clone())
        }
        Ok(chain) => Check::pass(CheckId::AkChain, format!("chains to {}", chain.provider.name))
            .fact("provider", chain.provider.id)
            .by(chain.rule.clone()),
    }
}

/// What an IAK says of itself, its public area, is the node's own word: that it signs only what its TPM made, its certificate
/// must say.
fn usage_check(certificate: &AkCertificate<'_>, profile: Profile) -> Check {
    let usage = certificate.check_key_usage();
    let (usage, passed) = match profile {
        Profile::BareMetal => (
            usage.and_then(|()| certificate.check_attestation_purpose()),
            "the certificate of a key that signs only what its TPM made",
        ),
        Profile::GoogleVtpm | Profile::AzureParavisor => (usage, "a signing key's certificate"),
    };
    Check::from_result(CheckId::AkKeyUsage, usage, passed)
}

/// Google certifies two keys of each vTPM, an RSA and a P-256 one. Were both taken, one instance would have two names, and
/// two operators could be attested on it.
fn key_check(certificate: &AkCertificate<'_>, ak: &Public, profile: Profile) -> Check {
    match (certificate.check_key(ak), &ak.key, profile) {
        (Err(error), _, _) => Check::fail(CheckId::AkKey, error.to_string()),
        (Ok(()), PublicKey::Rsa { .. }, Profile::GoogleVtpm) => Check::fail(
            CheckId::AkKey,
            "an RSA key: quote with this vTPM's P-256 attestation key, or the instance would have two names",
        ),
        (Ok(()), _, _) => Check::pass(CheckId::AkKey, "it certifies this key"),
    }
}

fn instance_check(certificate: &AkCertificate<'_>, profile: Profile) -> (Check, Option<InstanceIdentity>) {
    match profile {
        Profile::GoogleVtpm => {}
        Profile::AzureParavisor => {
            let confidential = certificate.check_azure_confidential();
            let text = "a confidential machine's key";
            return (Check::from_result(CheckId::AkInstance, confidential, text), None);
        }
        Profile::BareMetal => {
            let text = "a host's certificate names no instance";
            return (Check::not_applicable(CheckId::AkInstance, text), None);
        }
    }
    match certificate.instance() {
        Ok(instance) if instance.is_production() => {
            let text = format!("production instance in {}", instance.zone);
            (Check::pass(CheckId::AkInstance, text), Some(instance))
        }
        Ok(_) => (
            Check::fail(CheckId::AkInstance, "not a production instance"),
            None,
        ),
        Err(error) => (Check::fail(CheckId::AkInstance, error.to_string()), None),
    }
}
