//! Appraises again what is on chain, when what others say about it has changed.
//!
//! A round goes through all operators, at a bounded rate, and goes on after a restart where it stood. An operator whose
//! endorsements and policy are the same bytes as last time costs nothing. One that would not be attested so today is
//! warned with the time when its attestation expires, and is not renewed until a new bundle passes.

mod judge;
mod order;
mod settings;

use std::{sync::Arc, time::Duration};

use alloy::{eips::BlockId, primitives::B256};
use chassis_program::Key;
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
    failpoint::failpoint,
    freeze::{self, Finding},
    registry::IProofOfCloudRegistry::{Attestation, Status},
    store::{BundleRow, Store, Warning, signed},
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
    /// What findings rest on beside endorsements: policy, and what operators are frozen for.
    rules: B256,
    pause: Duration,
    freeze_on: Vec<Trigger>,
    unlisted_for: i64,
}

/// An attestation that holds, and what it is judged again by.
struct Case {
    bundle: Bundle,
    endorsements: Endorsements,
    /// Their digest.
    endorsed: B256,
    /// Endorsements and rules, in one digest.
    basis: B256,
    /// What the registry has.
    stored: Attestation,
    /// Unix seconds: the latest finalized block's.
    as_of: u64,
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
        let policy_digest = ageless.digest()?;
        // A list of names: always JSON.
        let freeze_on = serde_json::to_vec(&settings.freeze_on).unwrap_or_default();
        Ok(Self {
            store: appraiser.store.clone(),
            archive: appraiser.archive.clone(),
            chain: appraiser.chain.clone(),
            endorser: appraiser.endorser.clone(),
            key: config.signer.clone(),
            policy_digest,
            rules: sha256(&[policy_digest.as_slice(), &freeze_on].concat()),
            policy: Arc::new(ageless),
            pause: Duration::from_secs(1) / settings.per_second.max(1),
            freeze_on: settings.freeze_on.clone(),
            unlisted_for: signed(settings.unlisted_for_s),
        })
    }

    /// Looks at the next operator. `false` at a round's end.
    ///
    /// # Errors
    /// If the database does not answer. What else goes wrong with one operator is tried again in the next round.
    pub async fn tick(&self) -> Result<bool, Error> {
        let position = self.store.round_position().await?;
        let Some(operator) = self.store.next_operator(&position).await? else {
            self.store.set_round_position("").await?;
            let now = self.chain.finalized().await?.timestamp;
            self.store.renew_orders(now, freeze::deadline(now)).await?;
            let warned = u32::try_from(self.store.count_warnings().await?).unwrap_or(u32::MAX);
            metrics::gauge!("chassis_operators_warned").set(warned);
            metrics::counter!("chassis_reappraisal_rounds_total").increment(1);
            return Ok(false);
        };
        self.store.adopt_voted(operator).await?;
        if let Some(row) = self.store.bundle_on_chain(operator).await?
            && let Err(error) = self.look(&row).await
        {
            warn!(%operator, %error, "not appraised again; next round");
        }
        self.store.set_round_position(&operator.to_string()).await?;
        tokio::time::sleep(self.pause).await;
        Ok(true)
    }

    async fn look(&self, row: &BundleRow) -> Result<(), Error> {
        let Some(case) = self.gather(row).await? else {
            return Ok(());
        };
        let (stored, as_of) = (case.stored, case.as_of);
        let (appraisal, endorsements) = self.judge(case.bundle, case.endorsements, as_of).await?;
        let findings = judge(&appraisal, &stored);
        metrics::counter!("chassis_reappraisals_total", "outcome" => outcome(&findings)).increment(1);
        let now = signed(as_of);
        let known_since = self.store.unlisted_since(row.operator, row.digest).await?;
        let unlisted_since = unlisted_since(&findings, known_since, now);
        let warning = warning(row, &stored, &findings, unlisted_since.unwrap_or(now));
        let known = self.store.warning_of(row.operator).await?;
        let known = known.filter(|known| known.evidence == row.digest);
        let is_known = warning.as_ref().map(|new| &new.reasons) == known.as_ref().map(|old| &old.reasons);
        let next = freeze_for(&findings.triggers, &self.freeze_on, |trigger| {
            trigger != Trigger::HostUnlisted
                || known_since.is_some_and(|since| now - since >= self.unlisted_for)
        });
        // While it waits, it is appraised in each round, each time with another result.
        if warning.is_some() && !(is_known && next == Next::Wait) {
            self.keep(&appraisal, case.endorsed, &endorsements).await?;
        }
        let basis = match next {
            Next::Nothing => case.basis,
            // No basis: looked at again in the next round.
            Next::Wait => B256::ZERO,
            Next::Freeze(trigger) => {
                let finding = Finding {
                    operator: row.operator,
                    status_nonce: stored.statusNonce,
                    trigger,
                    evidence: row.digest,
                };
                self.propose_freeze(&finding, as_of).await?;
                case.basis
            }
        };
        let message = message(row, warning.as_ref(), appraisal.digest());
        let is_news = self
            .store
            .set_reappraised(
                row.operator,
                row.digest,
                basis,
                unlisted_since,
                warning.as_ref(),
                &message,
            )
            .await?;
        failpoint("reappraised");
        if let Some(warning) = warning.filter(|_| is_news) {
            warn!(operator = %row.operator, digest = %row.digest, deadline = warning.deadline,
                bars = warning.bars, reasons = warning.reasons, "would not be attested so today");
        } else if is_news {
            info!(operator = %row.operator, digest = %row.digest, "would be attested again");
        }
        Ok(())
    }

    /// `None`: it need not be judged again, or cannot be.
    async fn gather(&self, row: &BundleRow) -> Result<Option<Case>, Error> {
        let Some(document) = self.archive.get(Kind::Bundle, row.digest).await? else {
            return Ok(None);
        };
        let bundle = Bundle::parse(&document, DEFAULT_LIMIT)?;
        let finalized = self.chain.finalized().await?;
        let anchor = self
            .chain
            .anchor_claim(&bundle.evidence.anchor, finalized)
            .await?;
        let endorsements = self.endorser.endorse(&bundle, anchor).await?;
        let endorsed = endorsements.digest()?;
        let basis = sha256(&[endorsed, self.rules].concat());
        if self.store.is_reappraised(row.operator, row.digest, basis).await? {
            return Ok(None);
        }
        let stored = self.chain.decided.attestationOf(row.operator);
        let stored = stored.block(BlockId::hash(finalized.hash)).call().await?;
        if stored.status != Status::Active || stored.expiry.to::<u64>() <= finalized.timestamp {
            // Nothing of it is left to lose, and a new bundle is appraised by itself.
            return Ok(None);
        }
        let fields = row
            .fields
            .as_deref()
            .and_then(|json| serde_json::from_str::<Fields>(json).ok());
        if fields.is_none_or(|fields| fields.platform_id != stored.platformId) {
            // Others have brought a bundle on chain, from another machine, that this relayer has not got.
            return Ok(None);
        }
        Ok(Some(Case {
            bundle,
            endorsements,
            endorsed,
            basis,
            stored,
            as_of: finalized.timestamp,
        }))
    }

    /// So that the operator, and an auditor, can see for themselves.
    async fn keep(
        &self,
        appraisal: &Appraisal,
        endorsed: B256,
        endorsements: &Endorsements,
    ) -> Result<(), Error> {
        self.archive
            .put(Kind::Endorsements, endorsed, endorsements.to_json()?)
            .await?;
        self.archive
            .put(Kind::Policy, self.policy_digest, canonical_json(&*self.policy)?)
            .await?;
        let json = serde_json::to_vec(appraisal).unwrap_or_default();
        self.archive.put(Kind::Result, appraisal.digest(), json).await
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

/// What follows from what was found, beyond a warning.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    Nothing,
    /// It may be so bad; that will show.
    Wait,
    Freeze(Trigger),
}

/// `found` is in order, so that relayers with the same findings and configuration give the same reason.
fn freeze_for(found: &[Trigger], wanted: &[Trigger], is_sure: impl Fn(Trigger) -> bool) -> Next {
    let mut bad = found.iter().copied().filter(|trigger| wanted.contains(trigger));
    let waits = bad.clone().next().map_or(Next::Nothing, |_| Next::Wait);
    bad.find(|trigger| is_sure(*trigger)).map_or(waits, Next::Freeze)
}

/// Since when the host is unlisted, if it is: since it was first found so, whatever else was found meanwhile.
fn unlisted_since(findings: &Findings, known_since: Option<i64>, now: i64) -> Option<i64> {
    let is_unlisted = findings.triggers.contains(&Trigger::HostUnlisted);
    is_unlisted.then(|| known_since.unwrap_or(now))
}

fn warning(row: &BundleRow, stored: &Attestation, findings: &Findings, since: i64) -> Option<Warning> {
    (!findings.reasons.is_empty()).then(|| Warning {
        operator: row.operator,
        evidence: row.digest,
        since,
        deadline: signed(stored.expiry.to()),
        bars: findings.fails,
        // Strings and numbers: always JSON.
        reasons: serde_json::to_string(&findings.reasons).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_stays_unlisted_is_so_since_it_was_first_found() {
        let found = |triggers: &[Trigger]| Findings {
            reasons: Vec::new(),
            fails: true,
            triggers: triggers.to_vec(),
        };
        let unlisted = found(&[Trigger::HostUnlisted]);
        assert_eq!(
            unlisted_since(&unlisted, None, 7),
            Some(7),
            "it is unlisted since now"
        );
        assert_eq!(unlisted_since(&unlisted, Some(3), 7), Some(3));
        let both = found(&[Trigger::PckRevoked, Trigger::HostUnlisted]);
        assert_eq!(unlisted_since(&both, Some(3), 7), Some(3));
        assert_eq!(unlisted_since(&found(&[Trigger::PckRevoked]), Some(3), 7), None);
    }

    #[test]
    fn a_freeze_is_for_what_is_configured_and_sure() {
        use Trigger::{HostUnlisted, PckRevoked};
        let sure = |trigger| trigger == PckRevoked;
        let both = [PckRevoked, HostUnlisted];
        assert_eq!(freeze_for(&[], &both, sure), Next::Nothing);
        assert_eq!(freeze_for(&both, &[], sure), Next::Nothing);
        assert_eq!(freeze_for(&both, &both, sure), Next::Freeze(PckRevoked));
        assert_eq!(freeze_for(&both, &[HostUnlisted], sure), Next::Wait);
        assert_eq!(
            freeze_for(&[HostUnlisted], &both, |_| true),
            Next::Freeze(HostUnlisted)
        );
    }
}
