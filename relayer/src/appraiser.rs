//! Received → Appraised or Rejected.

use std::sync::Arc;

use alloy::primitives::B256;
use chassis_verifier::{
    AnchorClaim, Appraisal, Endorsements, Policy, appraise,
    bundle::{Bundle, DEFAULT_LIMIT},
};
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};
use tracing::{Instrument, info, info_span, warn};

use crate::{
    Error,
    archive::{Archive, Kind},
    chain::Chain,
    endorse::Endorser,
    store::{BundleRow, State, Store},
};

/// A bundle that was put back this often is given up.
const MOST_TRIES: i64 = 5;

/// How long one whose endorsements cannot be had lets others go first.
const RETRY_SECONDS: u32 = 2;

/// How many are claimed at a time.
const CLAIM: u32 = 16;

/// Turns archived bundles into appraisals.
#[derive(Clone, Debug)]
pub struct Appraiser {
    /// Where bundles wait.
    pub store: Store,
    /// Where they are.
    pub archive: Archive,
    /// The chain that decides what is fresh.
    pub chain: Chain,
    /// Where endorsements come from.
    pub endorser: Endorser,
    /// The policy in force.
    pub policy: Arc<Policy>,
}

/// What a grant, and its signature's record, are made of. Kept from the appraisal to the report.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fields {
    /// Digest of the `AttestationResult`.
    pub digest: B256,
    /// The platform.
    pub platform_id: B256,
    /// The instance.
    pub instance_id: B256,
    /// The workload.
    pub workload_id: B256,
    /// The endorsement set's digest.
    pub endorsements: B256,
    /// The appraisal's time, Unix seconds.
    pub as_of: u64,
    /// The evidence's time, Unix seconds.
    pub evidence_time: u64,
    /// Unix seconds, a multiple of 64.
    pub expiry: u64,
    /// Unix seconds, a multiple of 64.
    pub custody_expiry: u64,
    /// Seconds.
    pub ttl: u32,
    /// As the registry numbers them.
    pub provider: u16,
    /// TEE class.
    pub tee_class: u8,
    /// Binding.
    pub binding: u8,
    /// Custody.
    pub custody: u8,
    /// TCB status.
    pub tcb: u8,
    /// Flags.
    pub flags: u8,
}

impl From<&Appraisal> for Fields {
    fn from(appraisal: &Appraisal) -> Self {
        let result = &appraisal.result;
        Self {
            digest: appraisal.digest(),
            platform_id: result.platformId,
            instance_id: result.instanceId,
            workload_id: result.workloadId,
            endorsements: result.endorsementsDigest,
            as_of: result.asOf.to(),
            evidence_time: result.evidenceTime.to(),
            expiry: appraisal.verdict.expiry,
            custody_expiry: appraisal.verdict.custody_expiry,
            ttl: appraisal.verdict.ttl,
            provider: result.provider,
            tee_class: result.teeClass,
            binding: result.binding,
            custody: result.custody,
            tcb: result.tcb,
            flags: result.flags,
        }
    }
}

impl Appraiser {
    /// Appraises what waits. Returns how many bundles moved on.
    ///
    /// # Errors
    /// If the database or the chain does not answer. A bundle whose endorsements cannot be had stays where it is.
    pub async fn tick(&self) -> Result<usize, Error> {
        let waiting = self.store.claim(CLAIM).await?;
        // One that waits for a slow source does not hold up the others.
        let steps = stream::iter(waiting.into_iter().map(|row| self.step(row)));
        let moved: Vec<bool> = steps.buffer_unordered(at_once()).try_collect().await?;
        Ok(moved.into_iter().filter(|moved| *moved).count())
    }

    /// Takes one bundle further. Returns whether it moved.
    async fn step(&self, row: BundleRow) -> Result<bool, Error> {
        let span = info_span!("bundle", digest = %row.digest, operator = %row.operator, stage = "appraise");
        match self.appraise(&row).instrument(span.clone()).await {
            Ok(()) => {}
            Err(error) if error.is_transient() => {
                span.in_scope(|| warn!(%error, "not appraised yet; trying again"));
                self.store.postpone(row.digest, RETRY_SECONDS).await?;
                return Ok(false);
            }
            Err(error) => {
                self.store
                    .end_bundle(row.digest, State::Rejected, &error.to_string())
                    .await?;
            }
        }
        Ok(true)
    }

    async fn appraise(&self, row: &BundleRow) -> Result<(), Error> {
        if row.tries >= MOST_TRIES {
            let reason = row.reason.as_deref().unwrap_or("put back too often");
            return self.store.end_bundle(row.digest, State::Failed, reason).await;
        }
        let Some(document) = self.archive.get(Kind::Bundle, row.digest).await? else {
            return self
                .store
                .end_bundle(row.digest, State::Failed, "its evidence is not in the archive")
                .await;
        };
        let bundle = Bundle::parse(&document, DEFAULT_LIMIT)?;
        let finalized = self.chain.finalized().await?;
        let anchor = self
            .chain
            .anchor_claim(&bundle.evidence.anchor, finalized)
            .await?;
        let judged = self.judge(bundle, anchor, finalized.timestamp).await;
        if let Err(error @ Error::Endorsement { .. }) = &judged
            && finalized.timestamp > anchor.timestamp + u64::from(self.policy.max_evidence_age)
        {
            let reason = format!("no endorsements while it was fresh: {error}");
            return self.store.end_bundle(row.digest, State::Failed, &reason).await;
        }
        let (endorsements, appraisal) = judged?;

        let digest = appraisal.digest();
        let endorsements_digest = appraisal.result.endorsementsDigest;
        self.archive
            .put(Kind::Endorsements, endorsements_digest, endorsements.to_json()?)
            .await?;
        let json = to_json(&appraisal);
        self.archive.put(Kind::Result, digest, json.as_bytes()).await?;
        let fields = appraisal
            .is_attestable()
            .then(|| to_json(&Fields::from(&appraisal)));
        let stored = self
            .store
            .set_appraisal(row.digest, digest, &json, fields.as_deref())
            .await?;
        if !stored {
            info!("another replica has appraised it meanwhile");
            return Ok(());
        }
        if appraisal.is_attestable() {
            self.store.clear_warning(row.operator).await?;
        }
        for check in appraisal.failed() {
            info!(check = check.id.name(), detail = check.detail, "failed");
        }
        let outcome = if appraisal.is_attestable() {
            "attestable"
        } else {
            "rejected"
        };
        metrics::counter!("chassis_appraisals_total", "outcome" => outcome).increment(1);
        info!(outcome, binding = ?appraisal.verdict.binding, custody = ?appraisal.verdict.custody, "appraised");
        Ok(())
    }

    /// Off the async threads: signatures and certificates take milliseconds.
    async fn judge(
        &self,
        bundle: Bundle,
        anchor: AnchorClaim,
        as_of: u64,
    ) -> Result<(Endorsements, Appraisal), Error> {
        let endorsements = self.endorser.endorse(&bundle, anchor).await?;
        let policy = Arc::clone(&self.policy);
        let judged = tokio::task::spawn_blocking(move || {
            let appraisal = appraise(&bundle, &endorsements, &policy, as_of);
            appraisal.map(|appraisal| (endorsements, appraisal))
        });
        let judged = judged.await.map_err(|panic| Error::Io {
            doing: "appraise".into(),
            source: std::io::Error::other(panic),
        })?;
        Ok(judged?)
    }
}

/// Appraising is work for processors.
fn at_once() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn to_json(value: &impl Serialize) -> String {
    // Strings, numbers, lists and maps with string keys: always JSON.
    serde_json::to_string(value).unwrap_or_default()
}
