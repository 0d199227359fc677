//! From appraisals to a report: a pure function, so that every signer can make the report itself and compare.

mod difference;
mod lanes;
mod manifest;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;

use alloy::{
    primitives::{Address, B256, aliases::U40},
    sol_types::SolStruct,
};
use chassis_verifier::sha256;

use crate::{
    Error,
    appraiser::Fields,
    chain::Block,
    registry::{
        IProofOfCloudRegistry::{Attestation, Grant, PlatformEntry, PlatformState, Report, Status},
        domain,
    },
    replay::LaneWord,
};

pub(crate) use difference::difference;
pub use manifest::{Item, Manifest};

use lanes::Renewals;

/// How long a report may be posted after it was issued, seconds. The registry allows no more than an hour.
pub(crate) const WINDOW: u64 = 3600;

/// A bundle that is to be carried, and what its appraisal found.
#[derive(Clone, Debug)]
pub(crate) struct Carried {
    /// Whom it is about.
    pub(crate) operator: Address,
    /// Its evidence's digest.
    pub(crate) evidence: B256,
    /// What a grant is made of.
    pub(crate) fields: Fields,
}

/// The registry as of one block, as far as a report needs it.
#[derive(Clone, Debug)]
pub(crate) struct View {
    /// The block. Its time is the report's `issuedAt`.
    pub(crate) block: Block,
    /// By operator.
    pub(crate) operators: BTreeMap<Address, Attestation>,
    /// By platform id.
    pub(crate) platforms: BTreeMap<B256, PlatformState>,
    /// Who holds an instance, by instance id.
    pub(crate) holders: BTreeMap<B256, Address>,
}

/// What a report is signed under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Heading {
    /// The relayer set.
    pub(crate) set_id: u32,
    /// The policy's digest.
    pub(crate) policy: B256,
}

/// A report, and what it is archived under.
#[derive(Clone, Debug)]
pub(crate) struct Built {
    /// What is signed.
    pub(crate) report: Report,
    /// The manifest in canonical form; the report's `archive` is its hash.
    pub(crate) manifest: Vec<u8>,
}

/// What a bundle comes to on chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing: the operator is attested for as long already.
    None,
    /// A lane's new expiry.
    Renewal,
    /// A grant, with an entry for the platform where it needs one.
    Grant,
}

impl View {
    /// What a bundle comes to.
    ///
    /// # Errors
    /// If the view lacks its operator or platform.
    pub(crate) fn effect(&self, carried: &Carried) -> Result<Effect, Error> {
        let (stored, platform) = self.stored(carried)?;
        let fields = &carried.fields;
        let is_same = is_same(stored, fields) && self.holds_instance(carried);
        Ok(if is_same && stored.expiry.to::<u64>() >= fields.expiry {
            Effect::None
        } else if is_same && fields.expiry <= platform.custodyExpiry.to::<u64>() {
            Effect::Renewal
        } else {
            Effect::Grant
        })
    }

    /// Whether this would take something from everybody on the machine: an entry that lowers custody which still holds, or
    /// ends it sooner. Evidence that shows less waits until what was shown has run out.
    ///
    /// # Errors
    /// If the view lacks its operator or platform.
    pub(crate) fn lowers(&self, carried: &Carried) -> Result<bool, Error> {
        let (_, platform) = self.stored(carried)?;
        let (fields, end) = (&carried.fields, platform.custodyExpiry.to::<u64>());
        let is_live = platform.status == Status::Active && end > self.block.timestamp;
        Ok(is_live
            && needs_entry(platform, fields)
            && (fields.custody < platform.custody || fields.custody_expiry < end))
    }

    fn stored(&self, carried: &Carried) -> Result<(&Attestation, &PlatformState), Error> {
        let operator = self.operators.get(&carried.operator);
        let platform = self.platforms.get(&carried.fields.platform_id);
        operator
            .zip(platform)
            .ok_or_else(|| Error::Rpc(format!("the registry was not asked about {}", carried.operator)))
    }

    /// Whether the operator still holds this instance. The registry knows an instance's holder, not an operator's
    /// instance.
    ///
    /// Evidence without an instance has no proven TPM key, so its binding is at most `Quote`, and [`is_same`] tells apart
    /// every grant whose binding rests on an instance. A `Quote` granted with one may be renewed without: the operator goes
    /// on holding it, so nobody else can be attested there.
    fn holds_instance(&self, carried: &Carried) -> bool {
        let instance = carried.fields.instance_id;
        instance.is_zero() || self.holders.get(&instance) == Some(&carried.operator)
    }
}

/// The report that carries these bundles, and nothing but it: two relayers that agree about the bundles and the block
/// make the same bytes.
///
/// Bundles without an effect are not to be among them. Their order is the manifest's and the grants'.
///
/// # Errors
/// If the view lacks something, or an expiry has no lane word.
pub(crate) fn build(heading: Heading, view: &View, carried: &[Carried]) -> Result<Built, Error> {
    let mut platforms = BTreeMap::new();
    let mut grants = Vec::new();
    let mut renewals = Renewals::default();
    for one in carried {
        let (stored, platform) = view.stored(one)?;
        let fields = &one.fields;
        match view.effect(one)? {
            Effect::None => {
                return Err(Error::Refused(format!(
                    "{} is attested for as long already",
                    one.operator
                )));
            }
            Effect::Renewal => {
                let word = LaneWord::new(fields.expiry, stored.generation)
                    .ok_or_else(|| Error::Refused(format!("expiry {} has no lane word", fields.expiry)))?;
                renewals.add(stored.lane, word, fields.digest);
            }
            Effect::Grant => {
                if needs_entry(platform, fields) {
                    add_entry(&mut platforms, entry(platform, fields));
                }
                grants.push(grant(one, stored.statusNonce));
            }
        }
    }
    let manifest = Manifest::new(carried.iter().map(|one| Item {
        result: one.fields.digest,
        evidence: one.evidence,
        endorsements: one.fields.endorsements,
    }));
    let manifest = manifest.to_json()?;
    let (renewals, digests) = renewals.encode();
    let issued_at = view.block.timestamp;
    let report = Report {
        relayerSetId: heading.set_id,
        policyDigest: heading.policy,
        issuedAt: U40::from(issued_at),
        deadline: U40::from(issued_at + WINDOW),
        platforms: platforms.into_values().collect(),
        grants,
        renewals,
        digests,
        archive: sha256(&manifest),
    };
    Ok(Built { report, manifest })
}

impl Built {
    /// The EIP-712 digest that is signed for this registry.
    pub(crate) fn hash(&self, chain_id: u64, registry: Address) -> B256 {
        self.report.eip712_signing_hash(&domain(chain_id, registry))
    }
}

/// A renewal changes nothing but the expiry: any other difference needs a grant. Of the instance, see
/// [`View::holds_instance`].
fn is_same(stored: &Attestation, fields: &Fields) -> bool {
    stored.status == Status::Active
        && stored.platformId == fields.platform_id
        && stored.workloadId == fields.workload_id
        && (stored.binding, stored.custody, stored.tcb) == (fields.binding, fields.custody, fields.tcb)
        && (stored.teeClass, stored.flags) == (fields.tee_class, fields.flags)
        && stored.provider == fields.provider
        && stored.ttl == fields.ttl
}

/// Whether what is stored about the platform does not carry this grant.
///
/// Evidence that shows less than what is stored lowers nothing: where custody rests on a TPM's key, a tenant who attests
/// without one would else take it from everybody on the machine.
pub(crate) fn needs_entry(stored: &PlatformState, fields: &Fields) -> bool {
    stored.status != Status::Active
        || (stored.provider != fields.provider && fields.provider != 0)
        || stored.custody < fields.custody
        || stored.custodyExpiry.to::<u64>() < fields.expiry
}

/// One entry for a platform: that which says most.
fn add_entry(platforms: &mut BTreeMap<B256, PlatformEntry>, entry: PlatformEntry) {
    let weight = |entry: &PlatformEntry| (entry.custody, entry.custodyExpiry);
    match platforms.get(&entry.platformId) {
        Some(other) if weight(other) >= weight(&entry) => {}
        _ => {
            platforms.insert(entry.platformId, entry);
        }
    }
}

fn entry(stored: &PlatformState, fields: &Fields) -> PlatformEntry {
    PlatformEntry {
        platformId: fields.platform_id,
        provider: fields.provider,
        custody: fields.custody,
        custodyExpiry: U40::from(fields.custody_expiry),
        statusNonce: stored.statusNonce,
    }
}

fn grant(carried: &Carried, status_nonce: u32) -> Grant {
    let fields = &carried.fields;
    Grant {
        operator: carried.operator,
        platformId: fields.platform_id,
        instanceId: fields.instance_id,
        workloadId: fields.workload_id,
        binding: fields.binding,
        custody: fields.custody,
        tcb: fields.tcb,
        teeClass: fields.tee_class,
        flags: fields.flags,
        evidenceTime: U40::from(fields.evidence_time),
        ttl: fields.ttl,
        expiry: U40::from(fields.expiry),
        digest: fields.digest,
        statusNonce: status_nonce,
    }
}
