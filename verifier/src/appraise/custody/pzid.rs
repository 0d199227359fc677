//! Check 804: the host says which instance this TD is.
//!
//! The host sets `MR_OWNER`, so what stands there is worth as much as the host is. It counts only for a CPU that the
//! provider's registry lists; then it ties the TD quote to the instance that the AK's certificate names, which nothing else
//! does where two instances run the same image.

use sha2::{Digest, Sha384};

use super::rule;
use crate::{Check, CheckId, Outcome, Policy, Profile, ak::InstanceIdentity, appraise::ak::Ak, td::TdQuote};

/// `MR_OWNER` of a host that says nothing.
const SILENT: [u8; 48] = [0; 48];

pub(super) fn check(registry: &Check, ak: &Ak<'_>, quote: &TdQuote<'_>, policy: &Policy) -> Check {
    let not_applicable = |text: &str| Check::not_applicable(CheckId::Pzid, text);
    let Some((provider, instance)) = ak
        .provider()
        .filter(|provider| provider.profile == Profile::GoogleVtpm)
        .zip(ak.instance())
    else {
        return not_applicable("no AK certificate names an instance");
    };
    if registry.outcome != Outcome::Pass {
        return not_applicable("no host registry lists this CPU, so its host's word counts for nothing");
    }
    let check = match (quote.owner(), pzid(instance)) {
        (&SILENT, _) if !provider.require_pzid => {
            return not_applicable("the host does not say which instance this is");
        }
        (&SILENT, _) => Check::fail(CheckId::Pzid, "the host does not say which instance this is"),
        (owner, Some(expected)) if *owner == expected => Check::pass(
            CheckId::Pzid,
            "MR_OWNER is the instance that the AK's certificate names",
        ),
        _ => Check::fail(
            CheckId::Pzid,
            "MR_OWNER is another instance than the AK's certificate names",
        ),
    };
    check.by(rule(policy, provider, "require_pzid"))
}

/// `SHA-384({"instanceId":N,"numericalProjectId":N,"zone":"…"})`; `None` where the zone would need escaping, as no real
/// one does.
fn pzid(instance: &InstanceIdentity) -> Option<[u8; 48]> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !instance.zone.bytes().all(plain) {
        return None;
    }
    let document = format!(
        r#"{{"instanceId":{},"numericalProjectId":{},"zone":"{}"}}"#,
        instance.instance_id, instance.project_number, instance.zone
    );
    Some(Sha384::digest(document).into())
}
