//! Appraised → Queued: from appraisals to one signed report.

use std::collections::BTreeMap;

use alloy::{
    primitives::{B256, Bytes, aliases::U40},
    sol_types::{SolCall, SolStruct},
};
use chassis_verifier::sha256;
use tracing::info;

use super::{
    Poster,
    lanes::{LaneWord, Renewals},
    manifest::{Item, Manifest},
};
use crate::{
    Error,
    appraiser::Fields,
    archive::Kind,
    registry::{
        IProofOfCloudRegistry::{Attestation, Grant, PlatformEntry, PlatformState, Report, Status, postCall},
        domain,
    },
    store::{BundleRow, Signing, State},
};

/// How long a report may be posted after it was issued, seconds. The registry allows no more than an hour.
const WINDOW: u64 = 3600;

/// What has been found out while a report is put together.
#[derive(Default)]
struct Draft {
    platforms: BTreeMap<B256, PlatformEntry>,
    grants: Vec<Grant>,
    renewals: Renewals,
    carried: Vec<(BundleRow, Fields)>,
}

impl Poster {
    /// Builds and signs a report of what is appraised. Returns whether there was anything.
    pub(super) async fn build_report(&self) -> Result<bool, Error> {
        let rows = self.store.bundles_in(State::Appraised, self.max_batch).await?;
        let Some(quorum) = self.seat().await?.filter(|_| !rows.is_empty()) else {
            return Ok(false);
        };
        let issued_at = self.chain.finalized().await?.timestamp;
        let mut draft = Draft::default();
        let mut operators = self.store.operators_in_flight().await?;
        let mut moved = false;
        for row in rows {
            // A second bundle of the same operator is looked at when the first one's effect is final.
            if operators.insert(row.operator) {
                self.add(&mut draft, row, issued_at).await?;
                moved = true;
            }
        }
        if draft.carried.is_empty() {
            return Ok(moved);
        }
        self.sign(draft, &quorum, issued_at).await.map(|()| true)
    }

    async fn add(&self, draft: &mut Draft, row: BundleRow, issued_at: u64) -> Result<(), Error> {
        let Some(fields) = row
            .fields
            .as_deref()
            .and_then(|json| serde_json::from_str::<Fields>(json).ok())
        else {
            return self
                .store
                .put_back(row.digest, "its appraisal was not kept")
                .await;
        };
        if self.store.is_barred(row.operator).await? {
            let reason = "newer endorsements speak against its operator's bundle on chain";
            return self.store.put_back(row.digest, reason).await;
        }
        if fields.as_of + WINDOW < issued_at {
            return self
                .store
                .put_back(row.digest, "its appraisal is an hour old")
                .await;
        }
        let stored = self.chain.registry.attestationOf(row.operator).call().await?;
        let platform = self.chain.registry.platform(fields.platform_id).call().await?;
        let is_same = is_same(&stored, &fields) && self.holds_instance(&row, &fields).await?;
        if is_same && stored.expiry.to::<u64>() >= fields.expiry {
            return self
                .store
                .end_bundle(row.digest, State::Final, "already attested for as long")
                .await;
        }
        if is_same && fields.expiry <= platform.custodyExpiry.to::<u64>() {
            let word = LaneWord::new(fields.expiry, stored.generation)
                .ok_or_else(|| Error::Refused(format!("expiry {} has no lane word", fields.expiry)))?;
            draft.renewals.add(stored.lane, word, fields.digest);
        } else {
            if needs_entry(&platform, &fields) {
                draft
                    .platforms
                    .insert(fields.platform_id, entry(&platform, &fields));
            }
            draft.grants.push(grant(&row, &fields, stored.statusNonce));
        }
        draft.carried.push((row, fields));
        Ok(())
    }

    /// Whether the operator still holds this instance. The registry knows an instance's holder, not an operator's
    /// instance.
    ///
    /// Evidence without an instance has no proven TPM key, so its binding is at most `Quote`, and [`is_same`] tells apart
    /// every grant whose binding rests on an instance. A `Quote` granted with one may be renewed without: the operator goes
    /// on holding it, so nobody else can be attested there.
    async fn holds_instance(&self, row: &BundleRow, fields: &Fields) -> Result<bool, Error> {
        if fields.instance_id.is_zero() {
            return Ok(true);
        }
        let holder = self
            .chain
            .registry
            .instanceHolder(fields.instance_id)
            .call()
            .await?;
        Ok(holder == row.operator)
    }

    async fn sign(&self, draft: Draft, seat: &Seat, issued_at: u64) -> Result<(), Error> {
        let manifest = manifest(&draft).to_json()?;
        let archive = sha256(&manifest);
        self.archive.put(Kind::Manifest, archive, manifest).await?;
        let (renewals, digests) = draft.renewals.encode();
        let report = Report {
            relayerSetId: seat.set_id,
            policyDigest: self.policy,
            issuedAt: U40::from(issued_at),
            deadline: U40::from(issued_at + WINDOW),
            platforms: draft.platforms.into_values().collect(),
            grants: draft.grants,
            renewals,
            digests,
            archive,
        };
        let hash = report.eip712_signing_hash(&domain(self.chain.id, *self.chain.registry.address()));
        let signature = self.signer.sign_hash(&hash).await?.as_erc2098();
        let call = postCall {
            report,
            signerMask: 1 << seat.index,
            signatures: Bytes::from(signature),
        };
        let signings: Vec<_> = draft
            .carried
            .iter()
            .map(|(row, fields)| Signing {
                evidence: row.digest,
                policy: self.policy,
                endorsements: fields.endorsements,
                as_of: fields.as_of,
                result: fields.digest,
            })
            .collect();
        // Written down, synced, before the signature leaves this function.
        self.store
            .sign_into_report(hash, archive, &call.abi_encode(), &signings)
            .await?;
        info!(report = %hash, bundles = signings.len(), "signed");
        Ok(())
    }

    /// This relayer's place in the current set. `None`, with a word in the log, if it cannot post alone.
    async fn seat(&self) -> Result<Option<Seat>, Error> {
        let set_id = self.chain.registry.control().call().await?.relayerSetId;
        let set = self.chain.registry.relayerSet(set_id).call().await?;
        let index = set
            .members
            .iter()
            .position(|member| *member == self.signer.address());
        let index = index.and_then(|index| u8::try_from(index).ok());
        Ok(index
            .filter(|_| set.threshold == 1)
            .map(|index| Seat { set_id, index }))
    }

    /// Why this relayer cannot post, if it cannot.
    ///
    /// # Errors
    /// If the chain does not answer.
    pub async fn obstacles(&self) -> Result<Vec<String>, Error> {
        let registry = &self.chain.registry;
        let set_id = registry.control().call().await?.relayerSetId;
        let set = registry.relayerSet(set_id).call().await?;
        let mut obstacles = Vec::new();
        if !set.members.contains(&self.signer.address()) {
            obstacles.push(format!(
                "{} is not in relayer set {set_id}",
                self.signer.address()
            ));
        }
        if set.threshold != 1 {
            let text = format!(
                "{} signatures are needed, and this version does not cosign",
                set.threshold
            );
            obstacles.push(text);
        }
        if !registry.policyInForce(self.policy).call().await? {
            obstacles.push(format!("policy {} is not registered", self.policy));
        }
        Ok(obstacles)
    }
}

/// This relayer's place.
struct Seat {
    set_id: u32,
    index: u8,
}

/// A renewal changes nothing but the expiry: any other difference needs a grant. Of the instance, see
/// [`Poster::holds_instance`].
fn is_same(stored: &Attestation, fields: &Fields) -> bool {
    stored.status == Status::Active
        && stored.platformId == fields.platform_id
        && stored.workloadId == fields.workload_id
        && (stored.binding, stored.custody, stored.tcb) == (fields.binding, fields.custody, fields.tcb)
        && (stored.teeClass, stored.flags) == (fields.tee_class, fields.flags)
        && stored.provider == fields.provider
        && stored.ttl == fields.ttl
}

fn needs_entry(stored: &PlatformState, fields: &Fields) -> bool {
    stored.status != Status::Active
        || (stored.provider, stored.custody) != (fields.provider, fields.custody)
        || stored.custodyExpiry.to::<u64>() < fields.expiry
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

fn grant(row: &BundleRow, fields: &Fields, status_nonce: u32) -> Grant {
    Grant {
        operator: row.operator,
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

fn manifest(draft: &Draft) -> Manifest {
    Manifest::new(draft.carried.iter().map(|(row, fields)| Item {
        result: fields.digest,
        evidence: row.digest,
        endorsements: fields.endorsements,
    }))
}
