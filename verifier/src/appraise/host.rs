//! Scenario 2: is the TPM a host's that launched a reviewed stack, and the key bound to that launch? Checks 701 to 706.
//!
//! Nothing is cross-checked here: a host's TPM measures the host. That the TD runs on *this* host is the stack's word, who
//! checked the TD's report itself. So all rests on what was launched, and on the key working under that launch only.

use alloy_primitives::B256;

use super::{ak::Vouched, checks::Checks, proven::Ak, registrar::Registrar, tpm::Tpm};
use crate::{
    Check, CheckId, Error, HostStack, Policy, Profile,
    challenge::AkName,
    host::{check_ak_policy, check_certified_name, check_drtm_log, check_dynamic_pcrs},
    tpm::HashAlg,
};

const CHECKS: &[CheckId] = &[
    CheckId::HostPcrs,
    CheckId::HostLog,
    CheckId::HostAkPolicy,
    CheckId::HostAk,
    CheckId::HostPlatform,
    CheckId::HostStack,
];

/// Without every one of these nobody's word about the key counts.
const PROVEN: &[CheckId] = &[
    CheckId::TpmQuoteForm,
    CheckId::TpmSignature,
    CheckId::AkAttributes,
    CheckId::HostAk,
    CheckId::HostAkPolicy,
];

/// A stack's entry, and its place in the policy.
pub(super) type Launched<'p> = (usize, &'p HostStack);

/// What a host is judged by.
pub(super) struct Question<'q, 't, 'p> {
    pub(super) profile: Profile,
    pub(super) stack: Option<Launched<'p>>,
    pub(super) vouched: Option<&'q Result<Vouched<'t, 'p>, String>>,
    pub(super) registrar: Option<&'q Registrar<'p>>,
    pub(super) platform: B256,
}

/// The stack that launches with the bundle's values of PCR 17 and 18.
pub(super) fn launched<'p>(tpm: &Tpm<'_>, policy: &'p Policy) -> Option<Launched<'p>> {
    let (pcr17, pcr18) = values(tpm);
    policy
        .hosts
        .iter()
        .enumerate()
        .find(|(_, stack)| stack.launches(pcr17, pcr18))
}

/// The bank to be quoted: the policy's choice, never the evidence's.
pub(super) fn bank(stack: Option<Launched<'_>>, policy: &Policy) -> HashAlg {
    stack
        .map(|(_, stack)| stack)
        .or(policy.hosts.first())
        .map_or(HashAlg::Sha256, |stack| stack.bank)
}

/// `None` where the evidence is no host's, or its key is not proven.
pub(super) fn check<'p>(
    tpm: Option<&Tpm<'_>>,
    question: &Question<'_, '_, 'p>,
    checks: &mut Checks,
) -> Result<Option<Ak<'p>>, Error> {
    let Some(tpm) = tpm.filter(|_| question.profile == Profile::BareMetal) else {
        let text = "no host's TPM evidence";
        checks.extend(CHECKS.iter().map(|id| Check::not_applicable(*id, text)));
        return Ok(None);
    };
    checks.extend(launch_checks(tpm, question.stack)?);
    let (key, vouching) = key_check(tpm, question, checks);
    checks.push(key);
    checks.push(platform_check(question));
    Ok(vouching
        .filter(|_| checks.all_passed(PROVEN))
        .map(|(provider, not_after)| Ak::of_host(provider, tpm.ak_name(), not_after)))
}

fn launch_checks(tpm: &Tpm<'_>, stack: Option<Launched<'_>>) -> Result<[Check; 4], Error> {
    let (pcr17, pcr18) = values(tpm);
    let Some((index, stack)) = stack else {
        let text = format!(
            "PCR 17 is {}, PCR 18 is {}: no host stack of the policy launches so",
            hex::encode(pcr17),
            hex::encode(pcr18)
        );
        let unknown = |id| Check::not_applicable(id, "no reviewed host stack");
        return Ok([
            Check::fail(CheckId::HostPcrs, text).by("host"),
            unknown(CheckId::HostLog),
            unknown(CheckId::HostAkPolicy),
            unknown(CheckId::HostStack),
        ]);
    };
    let rule = format!("host[{index}]");
    let name = format!("`{}`", stack.name);
    let pcrs = Check::from_result(
        CheckId::HostPcrs,
        check_dynamic_pcrs(stack.bank, pcr17, pcr18),
        &name,
    )
    .fact("host", stack.id()?.to_string());
    let log = match &tpm.drtm {
        Some(log) => Check::from_result(
            CheckId::HostLog,
            check_drtm_log(log, stack.bank, pcr17, pcr18),
            "the DRTM log replays to PCR 17 and 18",
        ),
        None => Check::fail(CheckId::HostLog, "the bundle has no DRTM log"),
    };
    let policy = Check::from_result(
        CheckId::HostAkPolicy,
        check_ak_policy(&tpm.ak, stack.bank, pcr17, pcr18),
        "the TPM uses the key under this launch only",
    );
    let reviewed = match stack.gaps().as_slice() {
        [] => Check::pass(CheckId::HostStack, name),
        gaps => Check::fail(CheckId::HostStack, format!("{name} {}", gaps.join(", "))),
    };
    Ok([pcrs, log, policy, reviewed].map(|check| check.by(rule.clone())))
}

/// Who says that this key is in that TPM, and until when.
type Vouching<'p> = (&'p crate::Provider, u64);

/// An endorsement key's certificate is no answer: it only decrypts, and anybody may read it out of a genuine TPM.
fn key_check<'p>(
    tpm: &Tpm<'_>,
    question: &Question<'_, '_, 'p>,
    checks: &Checks,
) -> (Check, Option<Vouching<'p>>) {
    let fail = |text: String| (Check::fail(CheckId::HostAk, text), None);
    if let Some(registrar) = question.registrar {
        let named = registrar.claims.ak_name;
        return match (registrar.provider(), registrar.problem()) {
            (None, problem) => fail(format!("registrar statement: {}", problem.unwrap_or_default())),
            (Some(_), _) if named != tpm.ak_name() => {
                fail("the registrar's statement is about another key".into())
            }
            (Some(provider), _) => {
                let check = Check::pass(
                    CheckId::HostAk,
                    format!("a registrar of {} says so", provider.name),
                )
                .fact("ekCertHash", registrar.claims.ek_cert_hash.to_string())
                .by(registrar.rule());
                (check, Some((provider, registrar.claims.not_after)))
            }
        };
    }
    let Some(certification) = &tpm.iak else {
        return fail("neither a registrar's statement nor an IAK's certification; an EK proves no AK".into());
    };
    let vouched = question.vouched.and_then(|vouched| vouched.as_ref().ok());
    let certified = [CheckId::AkChain, CheckId::AkKeyUsage, CheckId::AkKey];
    let Some(vouching) = vouched
        .filter(|_| checks.all_passed(&certified))
        .and_then(|vouched| vouched.provider().zip(vouched.not_after()))
    else {
        return fail("the IAK's own certificate does not hold".into());
    };
    if let Some(revoked) = vouching.0.revocation_of_ak(tpm.ak_name()) {
        let entry = vouched.and_then(Vouched::entry).unwrap_or("provider");
        let check = Check::fail(CheckId::HostAk, revoked).by(format!("{entry}.revoked_aks"));
        return (check, None);
    }
    match iak_certifies(certification, tpm.ak_name()) {
        Ok(()) => {
            let text = format!("an IAK of {} certifies it", vouching.0.name);
            (Check::pass(CheckId::HostAk, text), Some(vouching))
        }
        Err(problem) => fail(problem),
    }
}

fn iak_certifies(certification: &super::tpm::IakCertification<'_>, ak: AkName) -> Result<(), String> {
    if let Some(violation) = certification.iak.violations().first() {
        return Err(format!("the IAK: {violation}"));
    }
    certification
        .signature
        .verify(&certification.iak, certification.attest_bytes)
        .map_err(|fault| format!("the IAK's certification: {fault}"))?;
    check_certified_name(&certification.attest, ak).map_err(|fault| fault.to_string())
}

fn platform_check(question: &Question<'_, '_, '_>) -> Check {
    let Some(registrar) = question.registrar else {
        return Check::not_applicable(CheckId::HostPlatform, "no registrar says which CPU it is");
    };
    if question.platform != B256::ZERO && registrar.claims.platform_id == question.platform {
        return Check::pass(CheckId::HostPlatform, "the statement is about this CPU");
    }
    let text = format!(
        "the statement is about platform {}, the quote is by {}",
        registrar.claims.platform_id, question.platform
    );
    Check::fail(CheckId::HostPlatform, text)
}

/// PCR 17 and 18 as the bundle gives them; empty where it does not.
fn values<'t>(tpm: &Tpm<'t>) -> (&'t [u8], &'t [u8]) {
    (tpm.pcr(17).unwrap_or_default(), tpm.pcr(18).unwrap_or_default())
}
