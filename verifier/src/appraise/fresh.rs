//! Is it fresh, and does the operator want it? Checks 201, 202 and 205; 203 binds the TD quote to the TPM's key.

use alloy_primitives::B256;

use super::checks::Checks;
use crate::{
    Check, CheckId, Endorsements, Policy,
    bundle::{Bundle, Evidence},
    challenge::{AkName, challenge, report_data},
    consent_signer,
    hcl::HclReport,
    td::TdQuote,
};

pub(super) fn check(
    bundle: &Bundle,
    endorsements: &Endorsements,
    policy: &Policy,
    as_of: u64,
    checks: &mut Checks,
) {
    checks.push(anchor_check(&bundle.evidence, endorsements));
    checks.push(age_check(
        endorsements.anchor.timestamp,
        policy.max_evidence_age,
        as_of,
    ));
}

/// 203: the TD quote names this challenge and this key; under a paravisor, by way of the variable data it names.
pub(super) fn report_data_check(
    evidence: &Evidence,
    quote: &TdQuote<'_>,
    hcl: Option<&HclReport<'_>>,
    ak: AkName,
) -> Check {
    let expected = report_data(evidence_challenge(evidence), ak, evidence.session_key_hash);
    if let Some(hcl) = hcl {
        let named = hcl
            .check_binding(quote.report_data())
            .and_then(|()| hcl.check_user_data(&expected));
        let passed = "the TD quote names this challenge and this TPM key, by way of the variable data";
        return Check::from_result(CheckId::ReportData, named, passed).fact("akName", hex::encode(ak.0));
    }
    if quote.report_data() == &expected {
        Check::pass(
            CheckId::ReportData,
            "the TD quote names this challenge and this TPM key",
        )
        .fact("akName", hex::encode(ak.0))
    } else {
        let text = format!(
            "report_data is {}…, this challenge and key need {}…",
            hex::encode(&quote.report_data()[..8]),
            hex::encode(&expected[..8])
        );
        Check::fail(CheckId::ReportData, text)
    }
}

/// `C` for this evidence.
pub(super) fn evidence_challenge(evidence: &Evidence) -> B256 {
    challenge(&evidence.anchor, evidence.operator)
}

fn anchor_check(evidence: &Evidence, endorsements: &Endorsements) -> Check {
    let (named, claim) = (&evidence.anchor, &endorsements.anchor);
    let differs = if named.chain_id != claim.chain_id {
        Some(format!(
            "chain {} is named, this is chain {}",
            named.chain_id, claim.chain_id
        ))
    } else if named.registry != claim.registry {
        Some(format!(
            "registry {} is named, this is {}",
            named.registry, claim.registry
        ))
    } else if (named.block_number, named.block_hash) != (claim.number, claim.hash) {
        let text = format!("block {} {} is named", named.block_number, named.block_hash);
        Some(format!("{text}, but the finalized block there is {}", claim.hash))
    } else {
        None
    };
    match differs {
        Some(text) => Check::fail(CheckId::Anchor, text),
        None => Check::pass(CheckId::Anchor, format!("finalized block {}", claim.number)),
    }
}

fn age_check(evidence_time: u64, max_age: u32, as_of: u64) -> Check {
    match as_of.checked_sub(evidence_time) {
        None => Check::fail(
            CheckId::Age,
            format!("the block is of {evidence_time}, later than {as_of}"),
        ),
        Some(age) if age > u64::from(max_age) => Check::fail(
            CheckId::Age,
            format!("{age} s old, the policy allows {max_age} s: attest again"),
        ),
        Some(age) => Check::pass(CheckId::Age, format!("{age} s old")),
    }
    .by("max_evidence_age")
}

pub(super) fn consent_check(bundle: &Bundle) -> Check {
    let operator = bundle.evidence.operator;
    match consent_signer(bundle) {
        Some(signer) if signer == operator => Check::pass(CheckId::Consent, format!("signed by {operator}")),
        Some(signer) => Check::fail(CheckId::Consent, format!("signed by {signer}, not by {operator}")),
        None => Check::fail(CheckId::Consent, "not one low-s signature of 65 bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Outcome;

    #[test]
    fn evidence_may_be_as_old_as_the_policy_says_and_not_from_the_future() {
        let outcome = |as_of| age_check(1_000, 60, as_of).outcome;
        assert_eq!(outcome(1_000), Outcome::Pass);
        assert_eq!(outcome(1_060), Outcome::Pass);
        assert_eq!(outcome(1_061), Outcome::Fail);
        assert_eq!(outcome(999), Outcome::Fail);
    }
}
