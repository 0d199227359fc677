//! Is what was posted what the evidence shows? No I/O, so that whoever is shown the evidence can repeat it.
//!
//! The digest that relayers signed names evidence, endorsements, policy and the time of the appraisal. All but the time are
//! in the registry's log or in the manifest that it names; the time is searched for, in the seconds that the report allows.
//! So nobody can be accused of a lie that another second explains. Of all that is appraised, only the consent is named by no
//! digest: who shows the evidence could have replaced it. So it is supposed, and whether it is there is said apart.

use std::{collections::HashSet, ops::RangeInclusive};

use alloy::primitives::{Address, B256};
use chassis_verifier::{
    Appraisal, Appraiser, AttestationResult, Check, Endorsements, Error, Policy, bundle::Bundle,
    consent_signer,
};
use serde::{Deserialize, Serialize};

use crate::{
    chain::Block,
    cosign::FRESH,
    history::Standing,
    render::{Cell, Document, Mark, date},
};

/// The version that judges. Another one may ask more, or less, of the same evidence.
pub(super) const VERIFIER: &str = env!("CARGO_PKG_VERSION");

/// What was posted about an operator.
#[derive(Clone, Copy, Debug)]
pub(super) struct Posted {
    pub(super) operator: Address,
    pub(super) digest: B256,
    /// `issuedAt` of the report.
    pub(super) issued_at: u64,
    pub(super) standing: Standing,
    pub(super) expiry: u64,
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
    /// It does, but for the operator's consent, which is not with this copy of the evidence.
    Unconsented {
        /// When it was appraised.
        as_of: u64,
    },
    /// It comes to another digest, though nothing is wrong with it: another version of the verifier appraised it.
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

/// A search for the time at which the evidence comes to the digest.
pub(super) struct Search<'a> {
    posted: &'a Posted,
    evidence: &'a Evidence,
    supposing: Appraiser<'a>,
    asking: Appraiser<'a>,
    consents: bool,
    tried: HashSet<u64>,
    /// An appraisal with which nothing is wrong, but that it comes to another digest.
    innocent: Option<B256>,
    /// The appraisal with which least is wrong.
    least: Option<Falsehood>,
}

impl<'a> Search<'a> {
    pub(super) fn new(posted: &'a Posted, evidence: &'a Evidence) -> Result<Self, Error> {
        let appraiser = Appraiser::new(&evidence.endorsements, &evidence.policy)?;
        Ok(Self {
            posted,
            evidence,
            supposing: appraiser.clone().danger_supposing_consent(),
            asking: appraiser,
            consents: consent_signer(&evidence.bundle) == Some(evidence.bundle.evidence.operator),
            tried: HashSet::new(),
            innocent: None,
            least: None,
        })
    }

    pub(super) fn window(&self) -> RangeInclusive<u64> {
        window(self.posted.issued_at, self.evidence)
    }

    /// Tries some times: the answer, if the evidence comes to the digest at one of them.
    pub(super) fn among(&mut self, times: impl IntoIterator<Item = u64>) -> Result<Option<Judgement>, Error> {
        let window = self.window();
        for time in times {
            if window.contains(&time)
                && self.tried.insert(time)
                && let Some(judgement) = self.at(time)?
            {
                return Ok(Some(judgement));
            }
        }
        Ok(None)
    }

    /// Tries every second that is left.
    pub(super) fn exhaust(mut self) -> Result<Judgement, Error> {
        if let Some(judgement) = self.among(self.window().rev())? {
            return Ok(judgement);
        }
        if let Some(digest) = self.innocent {
            return Ok(Judgement::Unlike { digest });
        }
        // The window is never empty, so there is one.
        let mut least = self.least.unwrap_or_else(|| Falsehood {
            as_of: self.posted.issued_at,
            digest: None,
            failed: Vec::new(),
            faults: Vec::new(),
        });
        let digest = self.posted.digest;
        let never = format!("at no time that the report allows does the evidence come to {digest}");
        least.faults.push(never);
        Ok(Judgement::False(least))
    }

    fn at(&mut self, time: u64) -> Result<Option<Judgement>, Error> {
        if !self.consents {
            // Whoever signed that the consent fails has signed what is not to be posted.
            let asked = self.asking.appraise(&self.evidence.bundle, time)?;
            if asked.digest() == self.posted.digest {
                let faults = faults(self.posted, self.evidence, &asked.result);
                return Ok(Some(Judgement::False(Falsehood::of(&asked, faults))));
            }
        }
        let appraisal = self.supposing.appraise(&self.evidence.bundle, time)?;
        let faults = faults(self.posted, self.evidence, &appraisal.result);
        let is_wrong = !faults.is_empty() || !appraisal.is_attestable();
        if appraisal.digest() == self.posted.digest {
            let as_of = time;
            return Ok(Some(match self.consents {
                _ if is_wrong => Judgement::False(Falsehood::of(&appraisal, faults)),
                true => Judgement::True { as_of },
                false => Judgement::Unconsented { as_of },
            }));
        }
        if is_wrong {
            let found = Falsehood::of(&appraisal, faults);
            // The same one in whatever order times are tried.
            let rank = |one: &Falsehood| (one.failed.len() + one.faults.len(), u64::MAX - one.as_of);
            if self.least.as_ref().is_none_or(|least| rank(&found) < rank(least)) {
                self.least = Some(found);
            }
        } else {
            self.innocent.get_or_insert(appraisal.digest());
        }
        Ok(None)
    }
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
    let standing = &posted.standing;
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
    // Evidence that names no provider may be of a platform that other evidence entered as somebody's.
    let provider = if result.provider == 0 {
        standing.provider
    } else {
        result.provider
    };
    for (what, posted, shown) in [
        ("provider", standing.provider, provider),
        ("binding", standing.binding.into(), result.binding.into()),
        ("custody", standing.custody.into(), result.custody.into()),
        ("tcb", standing.tcb.into(), result.tcb.into()),
        ("teeClass", standing.tee_class.into(), result.teeClass.into()),
        ("flags", standing.flags.into(), result.flags.into()),
    ] {
        differs(what, posted.to_string(), shown.to_string());
    }
    if let Some(time) = posted.evidence_time {
        differs("evidenceTime", time.to_string(), result.evidenceTime.to_string());
    }
    let expiry: u64 = result.expiry.to();
    if posted.expiry > expiry {
        let posted = posted.expiry;
        faults.push(format!(
            "expiry: posted {posted}, by the evidence at most {expiry}"
        ));
    }
    faults.extend(anchor_fault(evidence));
    faults
}

/// An anchor that is not on the chain.
pub(super) fn anchor_fault(evidence: &Evidence) -> Option<String> {
    let claim = &evidence.endorsements.anchor;
    match &evidence.anchor {
        Some(block) if (block.hash, block.timestamp) == (claim.hash, claim.timestamp) => None,
        Some(block) => Some(format!(
            "anchor: block {} is {} of {}, the endorsements say {} of {}",
            claim.number, block.hash, block.timestamp, claim.hash, claim.timestamp
        )),
        None => Some(format!("anchor: the chain has no block {}", claim.number)),
    }
}

/// The seconds that a report allows. No relayer's finalized block is older than the one that the evidence names.
pub(super) fn window(issued_at: u64, evidence: &Evidence) -> RangeInclusive<u64> {
    let anchor = evidence.endorsements.anchor.timestamp;
    issued_at.saturating_sub(FRESH).max(anchor).min(issued_at)..=issued_at
}

impl Falsehood {
    fn of(appraisal: &Appraisal, faults: Vec<String>) -> Self {
        Self {
            as_of: appraisal.result.asOf.to(),
            digest: Some(appraisal.digest()),
            failed: appraisal.failed().map(Failed::of).collect(),
            faults,
        }
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
        let mut document = Document::new().heading(format_args!("What is false, as of {}", date(self.as_of)));
        if !self.failed.is_empty() {
            document = document.table(&["", "check", "found"], failed.collect());
        }
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
