//! Signing what another relayer proposes: only what this relayer has made itself.

use alloy::{
    primitives::{Address, B256, Bytes, Signature as EcdsaSignature},
    sol_types::{SolStruct, SolValue},
};
use axum::http::StatusCode;
use chassis_program::unix_now;
use chassis_verifier::bundle::canonical_json;
use tracing::{info, warn};

use super::{
    Inner, Peer, auth,
    judge::Judged,
    message::{Delivery, SignRequest, Signature},
    server::Fault,
};
use crate::{
    archive::Kind,
    failpoint::failpoint,
    registry::{IProofOfCloudRegistry::Report, domain},
    report::{build, difference},
    store::{NewItem, NewReport, Signing},
};

/// What a request to sign led to.
#[derive(Clone, Debug)]
pub(super) struct SignedReport {
    pub(super) report: B256,
    pub(super) signature: Signature,
    /// It was signed just now, not before.
    pub(super) is_new: bool,
}

impl Inner {
    /// Signs, if everything follows. The same request again gets the same signature.
    pub(super) async fn sign_for(&self, sender: &Peer, request: &SignRequest) -> Result<SignedReport, Fault> {
        let asked = Report::abi_decode(&request.report)
            .map_err(|error| Fault(StatusCode::BAD_REQUEST, format!("no report: {error}")))?;
        let hash = asked.eip712_signing_hash(&domain(self.chain.id, *self.chain.registry.address()));
        let theirs = verified(sender.address, hash, &request.signature)
            .ok_or_else(|| Fault::refused("who asks for a signature signs first"))?;
        if let Some(own) = self.own_signature(hash).await? {
            self.store
                .keep_signature(hash, sender.address, &theirs, unix_now())
                .await?;
            return Ok(SignedReport {
                report: hash,
                signature: own,
                is_new: false,
            });
        }
        if self.divergence.stops_signing() {
            return Err(Fault::refused(
                "the registry is not what its log says here: nothing is signed",
            ));
        }
        // What was known a few seconds ago is good enough for a vote.
        self.set_in_force().await?;
        let (judgements, view) = self.judge_all(sender, &request.proposal).await?;
        let (mut judged, mut refusal) = (Vec::new(), None);
        for judgement in judgements {
            match judgement {
                Ok(one) => judged.push(one),
                Err(reasons) => refusal = refusal.or(Some(reasons)),
            }
        }
        let signed = (sender.address, hash, theirs);
        if let Some(reasons) = refusal {
            if self.keep_lies(signed, &asked, &judged).await {
                tell_lie(sender, "a grant");
            }
            return Err(Fault::refused(reasons.join("; ")));
        }
        let carried: Vec<_> = judged.iter().map(|one| one.carried.clone()).collect();
        let own = build(self.heading(request.proposal.relayer_set_id), &view, &carried)?;
        if let Some(field) = difference(&own.report, &asked) {
            tell_lie(sender, &field);
            self.keep_lies(signed, &asked, &judged).await;
            return Err(Fault::refused(format!(
                "{field} does not follow from the proposal"
            )));
        }
        let new = NewReport {
            hash,
            report: own.report.abi_encode(),
            manifest: own.report.archive,
            proposer: sender.address,
            proposers_signature: Some(theirs),
            set_id: own.report.relayerSetId,
            issued_at: own.report.issuedAt.to(),
            deadline: own.report.deadline.to(),
            now: unix_now(),
            items: judged.iter().map(|one| self.item(one)).collect(),
        };
        let policy = canonical_json(&*self.policy).map_err(crate::Error::from)?;
        self.archive.put(Kind::Policy, self.policy_digest, policy).await?;
        self.archive
            .put(Kind::Manifest, new.manifest, own.manifest)
            .await?;
        let signature = auth::sign(&self.signer, hash).await?;
        self.store
            .record_report(&new, self.signer.address(), &signature)
            .await?;
        failpoint("recorded");
        info!(report = %hash, proposer = %sender.address, bundles = new.items.len(), "signed another's report");
        metrics::counter!("chassis_cosign_signatures_total", "of" => "own").increment(1);
        // What is on disk is what leaves.
        match self.own_signature(hash).await? {
            Some(signature) => Ok(SignedReport {
                report: hash,
                signature,
                is_new: true,
            }),
            None => Err(Fault(
                StatusCode::SERVICE_UNAVAILABLE,
                "the signature was not kept".into(),
            )),
        }
    }

    pub(super) fn item(&self, judged: &Judged) -> NewItem {
        let fields = &judged.carried.fields;
        NewItem {
            signing: Signing {
                evidence: judged.carried.evidence,
                policy: self.policy_digest,
                endorsements: fields.endorsements,
                as_of: fields.as_of,
                result: fields.digest,
            },
            operator: judged.carried.operator,
            is_public: judged.is_public,
            fields: serde_json::to_string(fields).unwrap_or_default(),
        }
    }

    async fn own_signature(&self, hash: B256) -> Result<Option<Signature>, Fault> {
        let own = self.signer.address();
        let stored = self.store.signatures_under(hash).await?;
        Ok(stored
            .into_iter()
            .find(|(signer, _)| *signer == own)
            .map(|(_, signature)| Signature {
                signature: Bytes::from(signature),
            }))
    }

    /// Keeps a signature that somebody hands on.
    pub(super) async fn take_delivery(&self, delivery: &Delivery) -> Result<(), Fault> {
        let set = self.known_set().await?;
        if !set.counts(delivery.signer) {
            return Err(Fault::refused(format!(
                "{} is not in relayer set {}",
                delivery.signer, set.id
            )));
        }
        let signature = verified(delivery.signer, delivery.report, &delivery.signature)
            .ok_or_else(|| Fault::refused(format!("not {}'s signature", delivery.signer)))?;
        self.store
            .keep_signature(delivery.report, delivery.signer, &signature, unix_now())
            .await?;
        failpoint("delivered");
        metrics::counter!("chassis_cosign_signatures_total", "of" => "peer").increment(1);
        Ok(())
    }
}

fn tell_lie(sender: &Peer, field: &str) {
    warn!(proposer = %sender.address, field, "asked to sign what does not follow");
    metrics::counter!("chassis_cosign_lies_total").increment(1);
}

/// 64 bytes, low s, by this signer.
pub(super) fn verified(signer: Address, digest: B256, signature: &[u8]) -> Option<[u8; 64]> {
    let bytes: [u8; 64] = signature.try_into().ok()?;
    auth::is_signed_by(signer, digest, &EcdsaSignature::from_erc2098(&bytes)).then_some(bytes)
}
