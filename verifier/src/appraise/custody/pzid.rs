//! Check 804: the host says which instance this TD is.
//!
//! The host sets `MR_OWNER`, so what stands there is worth as much as the host is. It counts only for a CPU that the
//! provider's registry lists; then it ties the TD quote to the instance that the AK's certificate names, which nothing else
//! does where two instances run the same image.

use super::rule;
use crate::{
    Check, CheckId, Outcome, Policy, Profile, appraise::proven::Ak, claims::check_pzid, td::TdQuote,
};

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
    let says_nothing = "the host does not say which instance this is";
    let check = match (quote.owner(), provider.require_pzid) {
        (&SILENT, false) => return not_applicable(says_nothing),
        (&SILENT, true) => Check::fail(CheckId::Pzid, says_nothing),
        (owner, _) => Check::from_result(
            CheckId::Pzid,
            check_pzid(instance, owner),
            "MR_OWNER is the instance that the AK's certificate names",
        ),
    };
    check.by(rule(policy, provider, "require_pzid"))
}
