//! Appraises again what is on chain, when what others say about it has changed.
//!
//! A round goes through all operators, at a bounded rate, and goes on after a restart where it stood. An operator whose
//! endorsements and policy are the same bytes as last time costs nothing. One that would not be attested so today is
//! warned with the time when its attestation expires, and is not renewed until a new bundle passes.

mod judge;
mod order;
mod settings;

use std::{sync::Arc, time::Duration};

use alloy::primitives::B256;
use chassis_verifier::{
    Appraisal, Endorsements, Policy, appraise,
    bundle::{Bundle, DEFAULT_LIMIT, canonical_json},
    sha256,
};
use serde_json::json;
use tracing::{info, warn};

pub use settings::{Settings, Trigger};

use judge::{Findings, judge};

use crate::{
    Error,
    appraiser::{Appraiser, Fields},
    archive::{Archive, Kind},
    chain::Chain,
    config::Config,
    endorse::Endorser,
    key::Key,
    registry::IProofOfCloudRegistry::{Attestation, Status},
    store::{BundleRow, Store, Warning},
    webhook::Message,
};

/// Goes round the operators.
#[derive(Clone, Debug)]
pub struct Reappraiser {
    store: Store,
    archive: Archive,
    chain: Chain,
    endorser: Endorser,
    key: Key,
    /// The one in force, but for the evidence's age: what is on chain was fresh when it came there.
    policy: Arc<Policy>,
    policy_digest: B256,
    pause: Duration,
    freeze_on: Vec<Trigger>,
}

impl Reappraiser {
    /// A reappraiser under the policy in force, that asks whom `appraiser` asks.
    ///
    /// # Errors
    /// If the policy has no digest.
    pub fn new(config: &Config, appraiser: &Appraiser) -> Result<Self, Error> {
        let settings = &config.file.reappraise;
        let ageless = Policy {
            max_evidence_age: u32::MAX,
            ..config.policy.clone()
        };
        Ok(Self {
            store: appraiser.store.clone(),
            archive: appraiser.archive.clone(),
            chain: appraiser.chain.clone(),
            endorser: appraiser.endorser.clone(),
            key: config.signer.clone(),
            policy_digest: ageless.digest()?,
            policy: Arc::new(ageless),
            pause: Duration::from_secs(1) / settings.per_second.max(1),
            freeze_on: settings.freeze_on.clone(),
        })
    }

    /// Looks at the next operator. `false` at a round's end.
    ///
    /// # Errors
    /// If the database does not answer. What else goes wrong with one operator is tried again in the next round.
    pub async fn tick(&self) -> Result<bool, Error> {
        let position = self.store.round_position().await?;
        let Some(row) = self.store.next_final_bundle(&position).await? else {
            self.store.set_round_position("").await?;
            let now = self.chain.latest().await?.timestamp;
            self.store
                .expire_orders(i64::try_from(now).unwrap_or(i64::MAX))
                .await?;
            let warned = u32::try_from(self.store.count_warnings().await?).unwrap_or(u32::MAX);
            metrics::gauge!("chassis_operators_warned").set(warned);
            metrics::counter!("chassis_reappraisal_rounds_total").increment(1);
            return Ok(false);
        };
        if let Err(error) = self.look(&row).await {
            warn!(operator = %row.operator, %error, "not appraised again; next round");
        }
        self.store.set_round_position(&row.operator.to_string()).await?;
        tokio::time::sleep(self.pause).await;
        Ok(true)
    }

    async fn look(&self, row: &BundleRow) -> Result<(), Error> {
        let Some(document) = self.archive.get(Kind::Bundle, row.digest).await? else {
            return Ok(());
        };
        let bundle = Bundle::parse(&document, DEFAULT_LIMIT)?;
        let finalized = self.chain.finalized().await?;
        let anchor = self
            .chain
            .anchor_claim(&bundle.evidence.anchor, finalized)
            .await?;
        let endorsements = self.endorser.endorse(&bundle, anchor).await?;
        let endorsed = endorsements.digest()?;
        let basis = sha256(&[endorsed, self.policy_digest].concat());
        if self.store.is_reappraised(row.operator, row.digest, basis).await? {
            return Ok(());
        }
        let stored = self.chain.registry.attestationOf(row.operator).call().await?;
        if stored.status != Status::Active || stored.expiry.to::<u64>() <= finalized.timestamp {
            // Nothing of it is left to lose, and a new bundle is appraised by itself.
            return Ok(());
        }
        let fields = row
            .fields
            .as_deref()
            .and_then(|json| serde_json::from_str::<Fields>(json).ok());
        if fields.is_none_or(|fields| fields.platform_id != stored.platformId) {
            // Others have brought a newer bundle on chain, from another machine.
            return Ok(());
        }
        let (appraisal, endorsements) = self.judge(bundle, endorsements, finalized.timestamp).await?;
        let findings = judge(&appraisal, &stored);
        metrics::counter!("chassis_reappraisals_total", "outcome" => outcome(&findings)).increment(1);
        let warning = warning(row, &stored, &findings, finalized.timestamp);
        if warning.is_some() {
            // So that the operator, and an auditor, can see for themselves.
            self.archive
                .put(Kind::Endorsements, endorsed, endorsements.to_json()?)
                .await?;
            self.archive
                .put(Kind::Policy, self.policy_digest, canonical_json(&*self.policy)?)
                .await?;
            let json = serde_json::to_vec(&appraisal).unwrap_or_default();
            self.archive.put(Kind::Result, appraisal.digest(), json).await?;
        }
        if let Some(trigger) = findings
            .triggers
            .iter()
            .find(|found| self.freeze_on.contains(found))
        {
            self.propose_freeze(row.operator, &stored, *trigger, appraisal.digest())
                .await?;
        }
        let message = message(row, warning.as_ref(), appraisal.digest());
        let is_news = self
            .store
            .set_reappraised(row.operator, row.digest, basis, warning.as_ref(), &message)
            .await?;
        if let Some(warning) = warning.filter(|_| is_news) {
            warn!(operator = %row.operator, digest = %row.digest, deadline = warning.deadline,
                bars = warning.bars, reasons = warning.reasons, "would not be attested so today");
        } else if is_news {
            info!(operator = %row.operator, digest = %row.digest, "would be attested again");
        }
        Ok(())
    }

    /// Off the async threads.
    async fn judge(
        &self,
        bundle: Bundle,
        endorsements: Endorsements,
        as_of: u64,
    ) -> Result<(Appraisal, Endorsements), Error> {
        let policy = Arc::clone(&self.policy);
        let judged = tokio::task::spawn_blocking(move || {
            appraise(&bundle, &endorsements, &policy, as_of).map(|appraisal| (appraisal, endorsements))
        });
        let judged = judged.await.map_err(|panic| Error::Io {
            doing: "appraise again".into(),
            source: std::io::Error::other(panic),
        })?;
        Ok(judged?)
    }
}

/// What the operator is told: the warning, and by which result an auditor can see why; or that it is over.
fn message(row: &BundleRow, warning: Option<&Warning>, result: B256) -> Message {
    let mut content = json!({
        "event": if warning.is_some() { "warning" } else { "warning_ended" },
        "operator": row.operator,
        "evidence": row.digest,
        "result": result,
    });
    if let Some(warning) = warning {
        content["since"] = warning.since.into();
        content["deadline"] = warning.deadline.into();
        content["barsRenewal"] = warning.bars.into();
        content["reasons"] = serde_json::from_str(&warning.reasons).unwrap_or_default();
    }
    Message::new(content)
}

fn outcome(findings: &Findings) -> &'static str {
    match (findings.fails, findings.reasons.is_empty()) {
        (true, _) => "fails",
        (false, false) => "falls",
        (false, true) => "holds",
    }
}

fn warning(row: &BundleRow, stored: &Attestation, findings: &Findings, now: u64) -> Option<Warning> {
    let seconds = |unix: u64| i64::try_from(unix).unwrap_or(i64::MAX);
    (!findings.reasons.is_empty()).then(|| Warning {
        operator: row.operator,
        evidence: row.digest,
        since: seconds(now),
        deadline: seconds(stored.expiry.to()),
        bars: findings.fails,
        // Strings and numbers: always JSON.
        reasons: serde_json::to_string(&findings.reasons).unwrap_or_default(),
    })
}
