//! Is what was posted what the evidence shows? A pure function, so that whoever is shown the evidence can repeat it.
//!
//! The digest that relayers signed names evidence, endorsements, policy and the time of the appraisal. All but the time are
//! in the report or in the manifest that the report names; the time is searched for, in the seconds that the report allows.
//! So nobody can be accused of a lie that another second explains. Of all that is appraised, only the consent is named by no
//! digest: who shows the evidence could have replaced it, so that it fails alone proves nothing.

use alloy::primitives::{Address, B256};
use chassis_verifier::{
    Appraisal, Appraiser, AttestationResult, Check, CheckId, Endorsements, Policy, bundle::Bundle,
};
use serde::{Deserialize, Serialize};

use crate::{
    chain::Block,
    cosign::FRESH,
    history::Standing,
    render::{Cell, Document, Mark, date},
};

/// What was posted about an operator.
#[derive(Clone, Copy, Debug)]
pub(super) struct Posted {
    pub(super) operator: Address,
    pub(super) digest: B256,
    /// `issuedAt` of the report.
    pub(super) issued_at: u64,
    /// As what, provider 0 meaning that it is not known; `None` if the report does not say: it renews.
    pub(super) standing: Option<Standing>,
    pub(super) expiry: Option<u64>,
    /// Only grants say it.
    pub(super) evidence_time: Option<u64>,
}

/// What the digest names.
pub(super) struct Evidence {
    pub(super) bundle: Bundle,
    pub(super) endorsements: Endorsements,
    pub(super) policy: Policy,
    /// The block of the endorsements' anchor, as it is on chain.
    pub(super) anchor: Option<Block>,
    /// When the archive says it was appraised. Not believed.
    pub(super) as_of: Option<u64>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "outcome")]
pub(super) enum Judgement {
    /// The evidence comes to what was posted.
    True {
        /// When it was appraised.
        as_of: u64,
    },
    /// It does not, at any time that the report allows.
    False(Falsehood),
    /// It comes to another digest, though nothing is wrong with it: another version of the verifier, or another consent.
    Unlike {
        /// Digest of an appraisal of this evidence.
        digest: B256,
    },
}

/// What is false.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Falsehood {
    /// As of when it was appraised.
    pub(super) as_of: u64,
    /// What that appraisal comes to.
    pub(super) digest: Option<B256>,
    /// The checks that fail.
    pub(super) failed: Vec<Failed>,
    /// What else is not as it was posted.
    pub(super) faults: Vec<String>,
}

/// A check that fails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Failed {
    pub(super) id: u16,
    pub(super) name: String,
    pub(super) detail: String,
}

/// Appraises, as of every second that the report allows.
pub(super) fn judge(posted: &Posted, evidence: &Evidence) -> Judgement {
    let unreadable = |error: chassis_verifier::Error| {
        Judgement::False(Falsehood {
            as_of: posted.issued_at,
            digest: None,
            failed: Vec::new(),
            faults: vec![format!("the evidence cannot be read: {error}")],
        })
    };
    let appraiser = match Appraiser::new(&evidence.endorsements, &evidence.policy) {
        Ok(appraiser) => appraiser,
        Err(error) => return unreadable(error),
    };
    let last = posted.issued_at;
    // No relayer's finalized block is older than the one that the evidence names.
    let first = last
        .saturating_sub(FRESH)
        .max(evidence.endorsements.anchor.timestamp)
        .min(last);
    let told = evidence.as_of.filter(|time| (first..=last).contains(time));
    let (mut sound, mut shown): (Option<Appraisal>, Option<Appraisal>) = (None, None);
    for time in told.into_iter().chain((first..=last).rev()) {
        let appraisal = match appraiser.appraise(&evidence.bundle, time) {
            Ok(appraisal) => appraisal,
            Err(error) => return unreadable(error),
        };
        if appraisal.digest() == posted.digest {
            return decide(posted, evidence, &appraisal);
        }
        if is_sound(&appraisal) {
            sound.get_or_insert(appraisal);
        } else {
            shown.get_or_insert(appraisal);
        }
    }
    match (sound, shown) {
        (Some(sound), _) => {
            let faults = faults(posted, evidence, &sound.result);
            // A consent that fails takes the whole verdict with it, and may be the archive's own: no digest names it.
            let consents = sound.failed().next().is_none();
            if faults.is_empty() || !consents {
                return Judgement::Unlike {
                    digest: sound.digest(),
                };
            }
            Judgement::False(falsehood(&sound, faults))
        }
        (None, Some(shown)) => {
            let mut faults = faults(posted, evidence, &shown.result);
            faults.push(format!(
                "at no time that the report allows does the evidence come to {}",
                posted.digest
            ));
            Judgement::False(falsehood(&shown, faults))
        }
        // The range of times is never empty.
        (None, None) => Judgement::Unlike { digest: B256::ZERO },
    }
}

/// The appraisal that was signed.
fn decide(posted: &Posted, evidence: &Evidence, appraisal: &Appraisal) -> Judgement {
    let faults = faults(posted, evidence, &appraisal.result);
    if faults.is_empty() && appraisal.is_attestable() {
        return Judgement::True {
            as_of: appraisal.result.asOf.to(),
        };
    }
    Judgement::False(falsehood(appraisal, faults))
}

fn falsehood(appraisal: &Appraisal, faults: Vec<String>) -> Falsehood {
    Falsehood {
        as_of: appraisal.result.asOf.to(),
        digest: Some(appraisal.digest()),
        failed: appraisal.failed().map(Failed::of).collect(),
        faults,
    }
}

/// Whether nothing fails that only evidence, endorsements, policy and time decide.
fn is_sound(appraisal: &Appraisal) -> bool {
    appraisal.failed().all(|check| check.id == CheckId::Consent)
}

/// What was posted otherwise than the result has it, and an anchor that is not on the chain.
fn faults(posted: &Posted, evidence: &Evidence, result: &AttestationResult) -> Vec<String> {
    let mut faults = Vec::new();
    let mut differs = |what: &str, posted: String, shown: String| {
        if posted != shown {
            faults.push(format!("{what}: posted {posted}, by the evidence {shown}"));
        }
    };
    differs(
        "operator",
        posted.operator.to_string(),
        result.operator.to_string(),
    );
    if let Some(standing) = &posted.standing {
        let instance = if result.instanceId.is_zero() && posted.evidence_time.is_none() {
            // Evidence without an instance may renew a grant that has one.
            standing.instance
        } else {
            result.instanceId
        };
        for (what, posted, shown) in [
            ("platform", standing.platform, result.platformId),
            ("workload", standing.workload, result.workloadId),
            ("instance", standing.instance, instance),
        ] {
            differs(what, posted.to_string(), shown.to_string());
        }
        let provider = if standing.provider == 0 {
            result.provider
        } else {
            standing.provider
        };
        for (what, posted, shown) in [
            ("provider", provider, result.provider),
            ("binding", standing.binding.into(), result.binding.into()),
            ("custody", standing.custody.into(), result.custody.into()),
            ("tcb", standing.tcb.into(), result.tcb.into()),
            ("teeClass", standing.tee_class.into(), result.teeClass.into()),
            ("flags", standing.flags.into(), result.flags.into()),
        ] {
            differs(what, posted.to_string(), shown.to_string());
        }
    }
    if let Some(time) = posted.evidence_time {
        differs("evidenceTime", time.to_string(), result.evidenceTime.to_string());
    }
    let expiry: u64 = result.expiry.to();
    if let Some(posted) = posted.expiry.filter(|posted| *posted > expiry) {
        faults.push(format!(
            "expiry: posted {posted}, by the evidence at most {expiry}"
        ));
    }
    let claim = &evidence.endorsements.anchor;
    match &evidence.anchor {
        Some(block) if (block.hash, block.timestamp) == (claim.hash, claim.timestamp) => {}
        Some(block) => faults.push(format!(
            "anchor: block {} is {} of {}, the endorsements say {} of {}",
            claim.number, block.hash, block.timestamp, claim.hash, claim.timestamp
        )),
        None => faults.push(format!("anchor: the chain has no block {}", claim.number)),
    }
    faults
}

impl Falsehood {
    /// Whether it is the same: prose may differ from version to version.
    pub(super) fn is(&self, other: &Self) -> bool {
        let checks = |one: &Self| one.failed.iter().map(|check| check.id).collect::<Vec<_>>();
        (self.as_of, self.digest, &self.faults) == (other.as_of, other.digest, &other.faults)
            && checks(self) == checks(other)
    }

    /// For people.
    pub(super) fn document(&self) -> Document {
        let failed = self.failed.iter().map(|check| {
            let name = format!("{} {}", check.id, check.name);
            vec![
                Cell::marked("FAIL", Mark::Bad),
                Cell::marked(name, Mark::Name),
                (&check.detail).into(),
            ]
        });
        let document = Document::new()
            .heading(format_args!("What is false, as of {}", date(self.as_of)))
            .table(&["", "check", "found"], failed.collect());
        self.faults.iter().fold(document, Document::line)
    }
}

impl Failed {
    fn of(check: &Check) -> Self {
        Self {
            id: check.id as u16,
            name: check.id.name().into(),
            detail: check.detail.clone(),
        }
    }
}
