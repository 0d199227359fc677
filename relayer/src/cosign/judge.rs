//! A relayer's own judgement of what another one proposes.

use std::{sync::Arc, time::Duration};

use alloy::primitives::B256;
use axum::http::StatusCode;
use chassis_program::unix_now;
use chassis_verifier::{
    Appraisal, AttestationResult, ENDORSEMENTS_LIMIT, Endorsements, appraise,
    bundle::{Bundle, DEFAULT_LIMIT, Disclosure},
    consent_signer, sha256,
};
use futures::{
    FutureExt,
    stream::{self, StreamExt},
};

use super::{
    FRESH, Inner, Peer, conflict,
    message::{Document, Fetch, Item, Message, Proposal, Vote, Votes},
    server::Fault,
    vet,
};
use crate::{
    Error,
    appraiser::{Fields, to_json},
    archive::Kind,
    chain::Block,
    failpoint::failpoint,
    report::{Carried, Effect, View},
};

/// Items of one member's judged at once, and items of all that are appraised: each may hold a bundle and two endorsement
/// sets in memory.
pub(super) const AT_ONCE: usize = 4;

/// Most reports of one member's that this relayer has signed and the registry does not show yet. Of an honest one they are
/// as many as it proposes in three stages.
const MOST_OPEN: i64 = 64;

/// Most of those that carry one bundle. An honest member tries once a stage.
const MOST_OF_ONE: i64 = 4;

/// An item that this relayer would sign, and what a record of it needs.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    pub(super) carried: Carried,
    /// What the digest in it is of.
    pub(super) result: AttestationResult,
    pub(super) is_public: bool,
}

/// What this relayer makes of each item: what it would sign, or why it would not.
pub(super) type Judgement = Result<Judged, Vec<String>>;

impl Inner {
    /// Votes on a proposal. What it votes for is written down first.
    pub(super) async fn vote(&self, proposer: &Peer, proposal: &Proposal) -> Result<Votes, Fault> {
        let (judgements, _) = self.judge_all(proposer, proposal).await?;
        let mut agreed = Vec::new();
        let votes = judgements.into_iter().map(|judgement| match judgement {
            Ok(judged) => {
                let result = judged.carried.fields.digest;
                agreed.push(self.item(&judged));
                Vote::Yes { result }
            }
            Err(reasons) => Vote::No { reasons },
        });
        let votes: Vec<_> = votes.collect();
        self.store
            .keep_votes(proposer.address, &agreed, unix_now())
            .await?;
        failpoint("voted");
        for vote in &votes {
            let name = match vote {
                Vote::Yes { .. } => "yes",
                Vote::No { reasons } => {
                    tracing::info!(proposer = %proposer.address, ?reasons, "votes no");
                    "no"
                }
            };
            metrics::counter!("chassis_cosign_votes_total", "vote" => name).increment(1);
        }
        Ok(Votes { votes })
    }

    /// Judges every item, and reads the registry as of the proposal's block.
    pub(super) async fn judge_all(
        &self,
        proposer: &Peer,
        proposal: &Proposal,
    ) -> Result<(Vec<Judgement>, View), Fault> {
        let block = self.check_heading(proposer, proposal).await?;
        let crowded = self.store.bundles_in_open(proposer.address, MOST_OF_ONE).await?;
        let judging = proposal.items.iter().map(|item| {
            let is_crowded = crowded.contains(&item.evidence);
            async move {
                if is_crowded {
                    let reason = format!("{MOST_OF_ONE} reports of yours that carry it are signed here");
                    return Err(vec![reason]);
                }
                self.judge(proposer, *item, block).await
            }
            .boxed()
        });
        let judging: Vec<_> = judging.collect();
        let mut judgements: Vec<Judgement> = stream::iter(judging).buffered(AT_ONCE).collect().await;
        let carried: Vec<_> = judgements
            .iter()
            .flatten()
            .map(|judged| judged.carried.clone())
            .collect();
        let view = self.view(block, &carried).await?;
        for judgement in &mut judgements {
            let Ok(judged) = judgement else { continue };
            let reasons = against(&judged.carried, &carried, &view)?;
            if !reasons.is_empty() {
                *judgement = Err(reasons);
            }
        }
        Ok((judgements, view))
    }

    /// What does not depend on any item. Gives the block.
    async fn check_heading(&self, proposer: &Peer, proposal: &Proposal) -> Result<Block, Fault> {
        let set = self.known_set().await?;
        if proposal.relayer_set_id != set.id {
            let reason = format!(
                "relayer set {} is in force, not {}",
                set.id, proposal.relayer_set_id
            );
            return Err(Fault::refused(reason));
        }
        let own = self.signer.address();
        if !set.counts(own) {
            return Err(Fault::refused(format!(
                "{own} signs nothing in relayer set {}",
                set.id
            )));
        }
        if proposal.policy != self.policy_digest {
            let reason = format!(
                "this relayer's policy is {}, not {}",
                self.policy_digest, proposal.policy
            );
            return Err(Fault::refused(reason));
        }
        if !self.has_policy().await? {
            return Err(Fault::refused(format!(
                "policy {} is not registered",
                self.policy_digest
            )));
        }
        let most = self.config.max_items;
        if proposal.items.is_empty() || proposal.items.len() > most {
            let reason = format!("{} items: from 1 to {most} are taken", proposal.items.len());
            return Err(Fault::refused(reason));
        }
        if !proposal
            .items
            .is_sorted_by(|earlier, later| earlier.evidence < later.evidence)
        {
            return Err(Fault::refused("items do not ascend by evidence"));
        }
        if self.store.count_open(proposer.address).await? >= MOST_OPEN {
            let reason = format!("{MOST_OPEN} reports of yours are signed here and not on chain");
            return Err(Fault(StatusCode::TOO_MANY_REQUESTS, reason));
        }
        self.check_block(proposal).await
    }

    /// The block has to be canonical, finalized, and recent, as this relayer sees the chain.
    async fn check_block(&self, proposal: &Proposal) -> Result<Block, Fault> {
        let finalized = self.finalized_at_least(proposal.block.number).await?;
        if finalized.number < proposal.block.number {
            let reason = format!(
                "block {} is not finalized here, {} is",
                proposal.block.number, finalized.number
            );
            return Err(Fault::refused(reason));
        }
        let block = self.chain.canonical(proposal.block.number).await?;
        let Some(block) = block.filter(|block| block.hash == proposal.block.hash) else {
            return Err(Fault::refused(format!(
                "block {} is not {} here",
                proposal.block.number, proposal.block.hash
            )));
        };
        if block.timestamp != proposal.as_of {
            return Err(Fault::refused(format!(
                "block {} is of {}, not of {}",
                block.number, block.timestamp, proposal.as_of
            )));
        }
        if block.timestamp + FRESH < finalized.timestamp {
            return Err(Fault::refused(format!(
                "block {} is {} s behind the finalized one",
                block.number,
                finalized.timestamp - block.timestamp
            )));
        }
        Ok(block)
    }

    /// The finalized block. Endpoints see blocks finalized some seconds apart, so the one that is behind waits a little.
    async fn finalized_at_least(&self, number: u64) -> Result<Block, Error> {
        let patience = self.config.stage() / 4;
        let since = tokio::time::Instant::now();
        loop {
            let finalized = self.finalized().await?;
            if finalized.number >= number || since.elapsed() >= patience {
                return Ok(finalized);
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    /// One item. What it found before, within the time that an appraisal counts as recent, it finds again.
    async fn judge(&self, proposer: &Peer, item: Item, block: Block) -> Judgement {
        if item.as_of > block.timestamp || item.as_of + FRESH < block.timestamp {
            return Err(vec![format!(
                "appraised as of {}: not within {FRESH} s before {}",
                item.as_of, block.timestamp
            )]);
        }
        if let Some(judged) = self.memory().judged.get(&item) {
            return Ok(judged.clone());
        }
        // Of its own share: who hands its documents out slowly, or not at all, holds up nobody else's items.
        let Some(_share) = self.shares.judge(proposer.address).await else {
            return Err(vec!["cannot be judged here now".into()]);
        };
        let judged = match self.appraise_anew(proposer, item).await {
            Ok(judgement) => judgement?,
            // What is broken here is none of the bundle's fault, and the peer's to know only in general.
            Err(error) => {
                tracing::warn!(evidence = %item.evidence, %error, "cannot judge an item now");
                return Err(vec![format!("cannot be judged here now: {}", error.topic())]);
            }
        };
        self.memory().remember(item, judged.clone());
        Ok(judged)
    }

    async fn appraise_anew(&self, proposer: &Peer, item: Item) -> Result<Judgement, Error> {
        let document = self.document(proposer, Document::Evidence, item.evidence).await?;
        let bundle = Bundle::parse(&document, DEFAULT_LIMIT)?;
        let anchor = &bundle.evidence.anchor;
        if (anchor.chain_id, anchor.registry) != (self.chain.id, *self.chain.registry.address()) {
            return Ok(Err(vec!["made for another registry".into()]));
        }
        if consent_signer(&bundle) != Some(bundle.evidence.operator) {
            return Ok(Err(vec!["its operator does not consent".into()]));
        }
        let set = self
            .document(proposer, Document::Endorsements, item.endorsements)
            .await?;
        let endorsements = Endorsements::parse(&set)?;
        let own = self.own_endorsements(&bundle).await?;
        let reasons = self.vet(&endorsements, &own).await?;
        if !reasons.is_empty() {
            return Ok(Err(reasons));
        }
        let is_public = bundle.evidence.disclosure == Disclosure::Public;
        let [appraisal, by_own] = self.appraise(bundle, [endorsements, own], item.as_of).await?;
        if !appraisal.is_attestable() {
            return Ok(Err(refusals(&appraisal)));
        }
        // A day's grace is for who fetched earlier, not for who is revoked today.
        if !by_own.is_attestable() {
            return Ok(Err(refusals(&by_own)));
        }
        self.store.clear_warning(appraisal.result.operator).await?;
        let judged = Judged {
            carried: Carried {
                operator: appraisal.result.operator,
                evidence: item.evidence,
                fields: Fields::from(&appraisal),
            },
            result: appraisal.result.clone(),
            is_public,
        };
        // To sign means to hold.
        self.archive.put(Kind::Bundle, item.evidence, document).await?;
        self.archive
            .put(Kind::Endorsements, item.endorsements, set)
            .await?;
        self.archive
            .put(Kind::Result, judged.carried.fields.digest, to_json(&appraisal))
            .await?;
        Ok(Ok(judged))
    }

    async fn own_endorsements(&self, bundle: &Bundle) -> Result<Endorsements, Error> {
        let finalized = self.finalized().await?;
        let anchor = self
            .chain
            .anchor_claim(&bundle.evidence.anchor, finalized)
            .await?;
        self.endorser.endorse(bundle, anchor).await
    }

    /// Compares the proposed set with what this relayer fetched itself.
    async fn vet(&self, proposed: &Endorsements, own: &Endorsements) -> Result<Vec<String>, Error> {
        let now = unix_now();
        let mut since = std::collections::BTreeMap::new();
        for issue in vet::issues(own).unwrap_or_default() {
            let number = issue.number_name();
            let known = self.store.known_since(&issue.source, &number, now).await?;
            since.insert(issue.source, known);
        }
        Ok(vet::vet(proposed, own, &since, now))
    }

    /// With the one set and with the other. Off the async threads: signatures and certificates take milliseconds.
    async fn appraise(
        &self,
        bundle: Bundle,
        sets: [Endorsements; 2],
        as_of: u64,
    ) -> Result<[Appraisal; 2], Error> {
        let failed = |source| Error::Io {
            doing: "appraise a proposed bundle".into(),
            source,
        };
        let policy = Arc::clone(&self.policy);
        let room = Arc::clone(&self.appraising).acquire_owned().await;
        let room = room.map_err(|closed| failed(std::io::Error::other(closed)))?;
        let appraised = tokio::task::spawn_blocking(move || {
            // Until it is done, even if nobody waits for it any more.
            let _room = room;
            let [one, other] = sets.map(|set| appraise(&bundle, &set, &policy, as_of));
            Ok::<_, chassis_verifier::Error>([one?, other?])
        });
        let appraised = appraised
            .await
            .map_err(|panic| failed(std::io::Error::other(panic)))?;
        Ok(appraised?)
    }

    /// From the archive, or from the proposer. What comes is what the digest names.
    async fn document(&self, proposer: &Peer, document: Document, digest: B256) -> Result<Vec<u8>, Error> {
        let (kind, limit) = match document {
            Document::Evidence => (Kind::Bundle, DEFAULT_LIMIT),
            Document::Endorsements => (Kind::Endorsements, ENDORSEMENTS_LIMIT),
        };
        if let Some(held) = self.archive.get(kind, digest).await? {
            return Ok(held);
        }
        let fetch = Message::Fetch(Fetch { document, digest });
        let bytes = self.ask_bytes(proposer, &fetch, limit).await?;
        let is_it = match document {
            Document::Evidence => Bundle::parse(&bytes, limit).is_ok_and(|bundle| bundle.digest == digest),
            Document::Endorsements => sha256(&bytes) == digest,
        };
        if is_it {
            Ok(bytes)
        } else {
            Err(Error::Peer {
                peer: proposer.address,
                problem: format!("what it sent is not {digest}"),
            })
        }
    }

    /// Hands out a document. Relayers see each other's evidence, the public or not: they have to judge it.
    pub(super) async fn hand_out(&self, fetch: Fetch) -> Result<Vec<u8>, Fault> {
        let kind = match fetch.document {
            Document::Evidence => Kind::Bundle,
            Document::Endorsements => Kind::Endorsements,
        };
        let held = self.archive.get(kind, fetch.digest).await?;
        held.ok_or_else(|| Fault(StatusCode::NOT_FOUND, format!("{} is not here", fetch.digest)))
    }
}

/// What speaks against an attestable bundle, in view of the others and of the registry.
pub(super) fn against(one: &Carried, all: &[Carried], view: &View) -> Result<Vec<String>, Error> {
    let mut reasons: Vec<_> = all
        .iter()
        .filter(|other| other.evidence != one.evidence)
        .filter_map(|other| conflict::between(one, other))
        .collect();
    reasons.extend(conflict::with_registry(one, view));
    if view.effect(one)? == Effect::None {
        reasons.push(format!("{} is attested for as long already", one.operator));
    }
    Ok(reasons)
}

fn refusals(appraisal: &Appraisal) -> Vec<String> {
    let failed: Vec<_> = appraisal
        .failed()
        .take(8)
        .map(|check| format!("{}: {}", check.id.name(), check.detail))
        .collect();
    if failed.is_empty() {
        vec!["nothing is established".into()]
    } else {
        failed
    }
}
