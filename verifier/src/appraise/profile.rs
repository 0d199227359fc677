//! What shape of evidence to expect, by whose root vouches for the TPM's key. Check 902.

use super::{ak::Vouched, registrar::Registrar};
use crate::{
    Check, CheckId, Profile,
    bundle::{Evidence, Tee, Tpm},
};

/// The profile of the provider that vouches for the key.
///
/// Where nobody does, the shape of the bundle serves for explanations; nothing above `Quote` can come of it then, and
/// `Quote` asks for the same whatever the profile.
pub(super) fn of(
    vouched: Option<&Result<Vouched<'_, '_>, String>>,
    registrar: Option<&Registrar<'_>>,
    evidence: &Evidence,
) -> Profile {
    let certified = vouched
        .and_then(|vouched| vouched.as_ref().ok())
        .and_then(Vouched::provider);
    let provider = certified.or_else(|| registrar?.provider());
    provider.map_or_else(|| by_shape(evidence), |provider| provider.profile)
}

fn by_shape(evidence: &Evidence) -> Profile {
    let Tee::Tdx { hcl_report, .. } = &evidence.tee;
    let host = |tpm: &Tpm| {
        tpm.registrar_statement.is_some() || tpm.drtm_log.is_some() || tpm.iak_certification.is_some()
    };
    if hcl_report.is_some() {
        Profile::AzureParavisor
    } else if evidence.tpm.as_ref().is_some_and(host) {
        Profile::BareMetal
    } else {
        Profile::GoogleVtpm
    }
}

/// 902: what is carried and signed over but not looked at would seem to count.
pub(super) fn parts_check(evidence: &Evidence, profile: Profile) -> Check {
    let idle = idle(evidence, profile);
    if idle.is_empty() {
        return Check::pass(CheckId::Parts, "every part is appraised");
    }
    let text = format!(
        "not appraised on such a machine, so leave it out: {}",
        idle.join(", ")
    );
    Check::fail(CheckId::Parts, text)
}

fn idle(evidence: &Evidence, profile: Profile) -> Vec<&'static str> {
    let Tee::Tdx { ccel, hcl_report, .. } = &evidence.tee;
    let tpm = evidence.tpm.as_ref();
    let host = [
        (
            "registrarStatement",
            tpm.is_some_and(|tpm| tpm.registrar_statement.is_some()),
        ),
        ("drtmLog", tpm.is_some_and(|tpm| tpm.drtm_log.is_some())),
        (
            "iakCertification",
            tpm.is_some_and(|tpm| tpm.iak_certification.is_some()),
        ),
    ];
    let event_log = ("eventLog", tpm.is_some_and(|tpm| tpm.event_log.is_some()));
    let further = ("logs", !evidence.logs.is_empty());
    let ccel = ("ccel", ccel.is_some());
    let hcl = ("hclReport", hcl_report.is_some());
    let idle = match profile {
        // Further logs explain PCRs, which somebody must have quoted.
        Profile::GoogleVtpm if tpm.is_none() => [&host[..], &[hcl, further]].concat(),
        Profile::GoogleVtpm => [&host[..], &[hcl]].concat(),
        Profile::AzureParavisor => [&host[..], &[ccel, event_log, further]].concat(),
        // One word about the key is asked for: a registrar's, or else a certified IAK's.
        Profile::BareMetal => {
            let stated = tpm.filter(|tpm| tpm.registrar_statement.is_some());
            let certified = (
                "iakCertification",
                stated.is_some_and(|tpm| tpm.iak_certification.is_some()),
            );
            let chain = (
                "akCertificates",
                stated.is_some_and(|tpm| !tpm.ak_certificates.is_empty()),
            );
            vec![hcl, event_log, further, certified, chain]
        }
    };
    idle.into_iter()
        .filter_map(|(name, carried)| carried.then_some(name))
        .collect()
}
