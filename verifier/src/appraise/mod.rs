//! The appraisal: every check, then what they add up to.

mod ak;
mod appraiser;
mod checks;
mod custody;
mod fresh;
mod hcl;
mod host;
mod logs;
mod parts;
mod profile;
mod proven;
mod registrar;
mod td;
mod tpm;
mod verdict;
mod workload;

use alloy_primitives::aliases::U40;

use crate::{
    Appraisal, AttestationResult, Check, Endorsements, Error, KeyHome, Policy, Profile, Verdict,
    bundle::Bundle, challenge::AkName, checks_root,
};

use checks::Checks;
use parts::Parts;

pub use appraiser::{Appraiser, appraise_many};

/// TDX, as the registry numbers TEE classes.
const TEE_CLASS_TDX: u8 = 1;

/// Latest time appraised, Unix seconds: the registry counts in 40 bits, and lifetimes are added to it.
const LATEST: u64 = (1 << 40) - (1 << 33);

/// `flags` bit 0: the operator's key lives in the TD.
const FLAG_KEY_IN_TD: u8 = 1;

/// Appraises `bundle` under `policy`, at `as_of` (Unix seconds).
///
/// Every check runs even after one has failed, so that a node learns at once all that is wrong.
///
/// # Errors
/// If a part of the evidence cannot be read. Evidence that can be read but fails is an [`Appraisal`].
pub fn appraise(
    bundle: &Bundle,
    endorsements: &Endorsements,
    policy: &Policy,
    as_of: u64,
) -> Result<Appraisal, Error> {
    Appraiser::new(endorsements, policy)?.appraise(bundle, as_of)
}

/// The appraisal itself. First whatever tells what to expect (which workload, whose root, what profile, which host), then the
/// checks, in an order that counts where one rests on another: `ak` on `tpm`, `host` on both, `custody` on what these two
/// proved and on `td`. What each asks of earlier checks is a list of what must have passed ([`Checks`]).
///
/// Beneath it are signatures that this thread has verified before (`memo`). The result is the same without: [`Appraiser`] is
/// the only caller, and opens their scope.
fn appraise_with(appraiser: &Appraiser<'_>, bundle: &Bundle, as_of: u64) -> Result<Appraisal, Error> {
    let (endorsements, policy) = (&*appraiser.endorsements, appraiser.policy);
    if as_of.max(endorsements.anchor.timestamp) > LATEST {
        return Err(Error::Endorsements(
            "times lie beyond what the registry can count".into(),
        ));
    }
    let evidence = &bundle.evidence;
    let Parts {
        quote,
        hcl,
        tpm,
        logs,
        signed,
    } = Parts::parse(evidence)?;
    let measured = quote.measurements();
    let workload = workload::find(&policy.workloads, &measured)?;

    let vouched = tpm
        .as_ref()
        .map(|tpm| ak::vouch(tpm, endorsements, policy, as_of));
    let registrar = tpm.as_ref().and_then(|tpm| registrar::of(tpm, policy, as_of));
    let profile = profile::of(vouched.as_ref(), registrar.as_ref(), evidence);
    let host = tpm.as_ref().and_then(|tpm| host::launched(tpm, policy));
    let wanted = tpm::demanded(profile, host::bank(host, policy));

    let mut checks = Checks::default();
    checks.push(profile::parts_check(evidence, profile));
    let td = td::check(&quote, endorsements, policy, as_of, &mut checks);
    fresh::check(bundle, endorsements, policy, as_of, &mut checks);
    checks.push(appraiser.consent_check(bundle));
    let ak_name = tpm.as_ref().map_or(AkName::NONE, tpm::Tpm::ak_name);
    checks.push(fresh::report_data_check(evidence, &quote, hcl.as_ref(), ak_name));
    hcl::check(hcl.as_ref(), &quote, tpm.as_ref(), policy, &mut checks);
    tpm::check(tpm.as_ref(), evidence, wanted, &mut checks);
    let certified = ak::check(tpm.as_ref(), vouched.as_ref(), profile, &mut checks);
    let question = host::Question {
        profile,
        stack: host,
        vouched: vouched.as_ref(),
        registrar: registrar.as_ref(),
        platform: td.platform,
    };
    let ak = host::check(tpm.as_ref(), &question, &mut checks)?.unwrap_or(certified);
    logs::check(&logs, tpm.as_ref(), profile, &measured, workload, &mut checks);
    let custody = custody::check(
        &custody::Sources {
            platform: td.platform,
            quote: &quote,
            td: td.verified.as_ref(),
            ak: &ak,
            registrar: registrar.as_ref(),
            signed: &signed,
            endorsements,
            policy,
            as_of,
        },
        &mut checks,
    );
    checks.extend(workload::check(
        workload,
        &policy.workloads,
        &measured,
        tpm.is_some() && profile != Profile::BareMetal,
    ));
    let checks = checks.finish();

    let dates = verdict::Dates {
        as_of,
        evidence_time: endorsements.anchor.timestamp,
        collateral: td.verified.as_ref().map(|td| td.claims.earliest_expiration_date),
        ak_chain: ak.not_after(),
        custody: custody.until,
    };
    let key_in_td = workload.is_some_and(|found| found.entry.operator_key == KeyHome::InTd);
    let tcb = td.tcb.map_or(0, |tcb| tcb as u8);
    let verdict = verdict::verdict(&checks, &custody, tcb, key_in_td, policy, &dates);
    let result = AttestationResult {
        operator: evidence.operator,
        platformId: td.platform,
        instanceId: ak.instance_id(),
        workloadId: workload.map(|found| found.id).unwrap_or_default(),
        measurementsHash: measured.hash(),
        sessionKeyHash: evidence.session_key_hash,
        evidenceDigest: bundle.digest,
        checksRoot: checks_root(&checks),
        policyDigest: appraiser.policy_digest,
        endorsementsDigest: appraiser.endorsements_digest,
        asOf: U40::from(as_of),
        evidenceTime: U40::from(endorsements.anchor.timestamp),
        expiry: U40::from(verdict.expiry),
        provider: custody.provider.map_or(0, |provider| provider.id),
        teeClass: TEE_CLASS_TDX,
        binding: verdict.binding as u8,
        custody: verdict.custody as u8,
        tcb: verdict.tcb,
        flags: flags(&verdict),
    };
    Ok(Appraisal {
        checks,
        verdict,
        result,
    })
}

fn flags(verdict: &Verdict) -> u8 {
    if verdict.key_in_td { FLAG_KEY_IN_TD } else { 0 }
}

/// Answers `ids` for evidence that has no TPM.
fn without_tpm(ids: &[crate::CheckId], checks: &mut Checks) {
    checks.extend(ids.iter().map(|id| Check::not_applicable(*id, "no TPM evidence")));
}
