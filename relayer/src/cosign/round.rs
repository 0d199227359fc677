//! One try to have what is ready signed.

use std::time::{Duration, Instant};

use alloy::{
    primitives::{Address, B256},
    sol_types::SolValue,
};
use chassis_program::unix_now;
use futures::{
    FutureExt,
    stream::{FuturesUnordered, StreamExt},
};
use tokio::time::timeout_at;
use tracing::{info, warn};

use super::{
    FRESH, Inner, Peer, auth,
    client::tame,
    judge::against,
    message::{BlockName, Item, Message, Proposal, SignRequest, Signature, Vote, Votes},
    seat::Set,
    sign::verified,
    tally::{self, Ballot},
    turn,
};
use crate::{
    Error,
    appraiser::Fields,
    archive::Kind,
    chain::Block,
    failpoint::failpoint,
    post::stages,
    report::{Built, Carried, Effect, View, build},
    store::{BundleRow, NewItem, NewReport, Signing, State},
};

/// Once there are votes enough, what part of a stage is waited for more.
const SPARES: u32 = 20;

/// A bundle of this relayer's that is ready.
#[derive(Clone, Debug)]
pub(super) struct Ready {
    pub(super) row: BundleRow,
    pub(super) carried: Carried,
}

impl Inner {
    /// Proposes what is ready and this relayer's turn. Returns whether anything moved.
    pub(super) async fn propose(&self) -> Result<bool, Error> {
        let most = u32::try_from(self.max_batch).unwrap_or(u32::MAX);
        let rows = self.store.bundles_to_propose(most).await?;
        if rows.is_empty() {
            self.memory().ready.clear();
            return Ok(false);
        }
        let set = self.set_in_force().await?;
        if !set.counts(self.signer.address()) {
            return Ok(false);
        }
        let block = self.chain.finalized().await?;
        let rows = self.in_turn(rows, &set, block.timestamp);
        if rows.is_empty() {
            return Ok(false);
        }
        let (ready, view) = self.ready(rows, block).await?;
        if ready.is_empty() {
            return Ok(true);
        }
        let Some((ready, ask)) = self.agree(&set, block, ready).await? else {
            return Ok(true);
        };
        let built = build(self.heading(set.id), &view, &carried(&ready))?;
        let (report, signature) = self.sign_own(&set, &built, &ready).await?;
        if set.threshold > 1 {
            let request = SignRequest {
                proposal: self.proposal(&set, block, &ready),
                report: built.report.abi_encode().into(),
                signature: signature.into(),
            };
            self.collect(&set, block, report, request, ask).await?;
        }
        failpoint("collected");
        Ok(true)
    }

    /// Those bundles that have waited until this relayer's turn, once they fill a report or the first of them has waited
    /// long enough for more. One that was put off had its turn.
    fn in_turn(&self, rows: Vec<BundleRow>, set: &Set, as_of: u64) -> Vec<BundleRow> {
        let order = turn::order(set.id, as_of, &set.members);
        let rank = turn::rank(&order, self.signer.address());
        let wait = self.config.stage() * u32::try_from(rank).unwrap_or(u32::MAX);
        let now = Instant::now();
        let mut memory = self.memory();
        memory
            .ready
            .retain(|digest, _| rows.iter().any(|row| row.digest == *digest));
        let mut longest = Duration::ZERO;
        let due: Vec<_> = rows
            .into_iter()
            .filter(|row| {
                let since = *memory.ready.entry(row.digest).or_insert(now);
                let waited = match row.claimed_until {
                    0 => now.saturating_duration_since(since),
                    _ => Duration::MAX,
                };
                longest = longest.max(waited);
                waited >= wait
            })
            .collect();
        let is_time = due.len() >= self.max_batch || longest >= wait.saturating_add(self.batch_wait);
        if is_time { due } else { Vec::new() }
    }

    /// Sorts out what has no effect or is too old. What remains ascends by evidence.
    async fn ready(&self, rows: Vec<BundleRow>, block: Block) -> Result<(Vec<Ready>, View), Error> {
        let operators: Vec<_> = rows.iter().map(|row| row.operator).collect();
        let barred = self.store.barred_among(&operators).await?;
        let mut ready = Vec::new();
        for row in rows {
            let fields = row.fields.as_deref();
            let Some(fields) = fields.and_then(|json| serde_json::from_str::<Fields>(json).ok()) else {
                self.store
                    .put_back(row.digest, "its appraisal was not kept")
                    .await?;
                continue;
            };
            if barred.contains(&row.operator) {
                let reason = "newer endorsements speak against its operator's bundle on chain";
                self.store.put_back(row.digest, reason).await?;
                continue;
            }
            if fields.as_of + FRESH < block.timestamp {
                self.store
                    .appraise_anew(row.digest, "its appraisal is a quarter of an hour old")
                    .await?;
                continue;
            }
            if fields.as_of > block.timestamp {
                let reason = "endpoints do not agree yet that the block of its appraisal is final";
                self.put_off(row.digest, reason).await?;
                continue;
            }
            let carried = Carried {
                operator: row.operator,
                evidence: row.digest,
                fields,
            };
            ready.push(Ready { row, carried });
        }
        let view = self.view(block, &carried(&ready)).await?;
        let all = carried(&ready);
        let mut kept = Vec::new();
        for one in ready {
            if view.effect(&one.carried)? == Effect::None {
                self.store
                    .end_bundle(one.row.digest, State::Final, "already attested for as long")
                    .await?;
                continue;
            }
            let reasons = against(&one.carried, &all, &view)?;
            if reasons.is_empty() {
                kept.push(one);
            } else {
                self.put_off(one.row.digest, &reasons.join("; ")).await?;
            }
        }
        kept.sort_by_key(|one| one.carried.evidence);
        Ok((kept, view))
    }

    /// Says why a bundle is not in a report, and leaves it alone for a stage.
    async fn put_off(&self, digest: B256, reason: &str) -> Result<(), Error> {
        info!(%digest, reason, "not signed now");
        self.store
            .put_off(digest, self.config.stage_seconds, reason)
            .await
    }

    /// What enough members vote for, and whom to ask to sign it.
    async fn agree(
        &self,
        set: &Set,
        block: Block,
        ready: Vec<Ready>,
    ) -> Result<Option<(Vec<Ready>, Vec<Address>)>, Error> {
        if set.threshold <= 1 {
            return Ok(Some((ready, Vec::new())));
        }
        let proposal = self.proposal(set, block, &ready);
        let polled = self.poll(set, block, &proposal, &ready).await;
        let ballots: Vec<_> = polled
            .iter()
            .map(|(member, votes)| ballot(*member, votes, &ready))
            .collect();
        let (left_out, willing): (Vec<_>, Vec<_>) = ballots
            .into_iter()
            .partition(|ballot| self.is_left_out(ballot.member, set, block));
        let choice = tally::prefer(ready.len(), set.threshold - 1, &willing, &left_out);
        let (items, ask) = choice.map_or((Vec::new(), Vec::new()), |choice| (choice.items, choice.ask));
        let outcome = if items.is_empty() { "failed" } else { "agreed" };
        metrics::counter!("chassis_cosign_proposals_total", "outcome" => outcome).increment(1);
        let mut agreed = Vec::new();
        for (place, one) in ready.into_iter().enumerate() {
            if items.contains(&place) {
                agreed.push(one);
            } else {
                let reason = format!(
                    "{} signatures are needed; {}",
                    set.threshold,
                    said(place, &polled, &one.carried)
                );
                self.put_off(one.row.digest, &reason).await?;
            }
        }
        Ok((!agreed.is_empty()).then_some((agreed, ask)))
    }

    /// Puts a proposal to all members at once, and waits for all of them, at most a stage; but hardly longer once enough
    /// have voted yes on everything: the first to answer are not always those who sign. Nobody's silence or refusal keeps
    /// it from being asked again: a moment's trouble must not leave only those who always refuse.
    async fn poll(
        &self,
        set: &Set,
        block: Block,
        proposal: &Proposal,
        ready: &[Ready],
    ) -> Vec<(Address, Votes)> {
        let message = Message::Propose(proposal.clone());
        let mut asked: FuturesUnordered<_> = self
            .others(set)
            .map(|peer| {
                let message = &message;
                async move { (peer.address, self.ask::<Votes>(peer, message).await) }.boxed()
            })
            .collect();
        let (mut polled, mut agree_wholly) = (Vec::new(), 1);
        let mut until = Instant::now() + self.config.stage();
        while let Ok(Some((member, answer))) = timeout_at(until.into(), asked.next()).await {
            match answer {
                Ok(votes) if votes.votes.len() == proposal.items.len() => {
                    let wholly = ballot(member, &votes, ready).yes.iter().all(|yes| *yes);
                    agree_wholly += usize::from(wholly && !self.is_left_out(member, set, block));
                    polled.push((member, votes));
                }
                Ok(_) => warn!(peer = %member, "answered with another number of votes"),
                Err(error) => {
                    warn!(%error, "does not vote");
                }
            }
            if agree_wholly >= set.threshold {
                until = until.min(Instant::now() + self.config.stage() / SPARES);
            }
        }
        polled
    }

    /// Asks for signatures and keeps those that come, until there are enough, at most a stage. Of who is asked then, this
    /// hangs up; it signs all the same, and tells everybody.
    async fn collect(
        &self,
        set: &Set,
        block: Block,
        report: B256,
        request: SignRequest,
        ask: Vec<Address>,
    ) -> Result<(), Error> {
        let message = Message::Sign(request);
        let mut asked: FuturesUnordered<_> = ask
            .iter()
            .filter_map(|member| self.peer(*member))
            .map(|peer| {
                let message = &message;
                async move { (peer.address, self.ask::<Signature>(peer, message).await) }.boxed()
            })
            .collect();
        let mut signed = 1;
        while signed < set.threshold
            && let Some((member, answer)) = asked.next().await
        {
            let signature = answer.and_then(|answer| {
                verified(member, report, &answer.signature).ok_or_else(|| Error::Peer {
                    peer: member,
                    problem: "its signature does not verify".into(),
                })
            });
            match signature {
                Ok(signature) => {
                    metrics::counter!("chassis_cosign_signatures_total", "of" => "peer").increment(1);
                    self.store
                        .keep_signature(report, member, &signature, unix_now())
                        .await?;
                    failpoint("gathered");
                    signed += 1;
                }
                Err(error) => {
                    warn!(%error, "voted yes and does not sign");
                    metrics::counter!("chassis_cosign_stage_timeouts_total").increment(1);
                    self.leave_out(member, set, block);
                }
            }
        }
        Ok(())
    }

    fn leave_out(&self, member: Address, set: &Set, block: Block) {
        let epoch = (set.id, block.timestamp / turn::EPOCH);
        self.memory().left_out.insert(member, epoch);
    }

    /// Whether a member has voted yes and not signed in this epoch.
    fn is_left_out(&self, member: Address, set: &Set, block: Block) -> bool {
        let epoch = (set.id, block.timestamp / turn::EPOCH);
        self.memory().left_out.get(&member) == Some(&epoch)
    }

    /// The members that are asked.
    fn others(&self, set: &Set) -> impl Iterator<Item = &Peer> {
        let members = set.members.iter().filter(|member| set.counts(**member));
        members.filter_map(|member| self.peer(*member))
    }

    fn proposal(&self, set: &Set, block: Block, ready: &[Ready]) -> Proposal {
        Proposal {
            relayer_set_id: set.id,
            policy: self.policy_digest,
            block: BlockName {
                number: block.number,
                hash: block.hash,
            },
            as_of: block.timestamp,
            items: ready
                .iter()
                .map(|one| Item {
                    evidence: one.carried.evidence,
                    endorsements: one.carried.fields.endorsements,
                    as_of: one.carried.fields.as_of,
                })
                .collect(),
        }
    }

    /// Archives, writes down, signs. The signature is in the store when this returns.
    async fn sign_own(&self, set: &Set, built: &Built, ready: &[Ready]) -> Result<(B256, [u8; 64]), Error> {
        let items = ready
            .iter()
            .map(|one| NewItem {
                signing: self.signing(&one.carried),
                operator: one.carried.operator,
                is_public: one.row.is_public,
                fields: one.row.fields.clone().unwrap_or_default(),
            })
            .collect();
        let new = self.new_report(set, built, items);
        let signature = self.record(&new, built).await?;
        info!(report = %new.hash, bundles = new.items.len(), "signed");
        let bundles = ready
            .iter()
            .map(|one| (one.carried.evidence, one.carried.operator));
        stages::tell_of("sign", new.hash, bundles);
        metrics::counter!("chassis_cosign_signatures_total", "of" => "own").increment(1);
        Ok((new.hash, signature))
    }

    /// What is written down of a report of this relayer's own.
    fn new_report(&self, set: &Set, built: &Built, items: Vec<NewItem>) -> NewReport {
        let report = &built.report;
        NewReport {
            hash: built.hash(self.chain.id, *self.chain.registry.address()),
            report: report.abi_encode(),
            manifest: report.archive,
            proposer: self.signer.address(),
            proposers_signature: None,
            set_id: set.id,
            issued_at: report.issuedAt.to(),
            deadline: report.deadline.to(),
            now: unix_now(),
            items,
        }
    }

    /// Archives the manifest, then writes down and signs in one step.
    async fn record(&self, new: &NewReport, built: &Built) -> Result<[u8; 64], Error> {
        self.archive
            .put(Kind::Manifest, new.manifest, built.manifest.clone())
            .await?;
        let signature = auth::sign(&self.signer, new.hash).await?;
        self.store
            .record_report(new, self.signer.address(), &signature)
            .await?;
        failpoint("recorded");
        Ok(signature)
    }

    fn signing(&self, carried: &Carried) -> Signing {
        Signing {
            evidence: carried.evidence,
            policy: self.policy_digest,
            endorsements: carried.fields.endorsements,
            as_of: carried.fields.as_of,
            result: carried.fields.digest,
        }
    }
}

/// A yes counts only with this relayer's own digest.
fn ballot(member: Address, votes: &Votes, ready: &[Ready]) -> Ballot {
    let yes = votes.votes.iter().zip(ready).map(|(vote, one)| {
        let digest = one.carried.fields.digest;
        if let Vote::Yes { result } = vote
            && *result != digest
        {
            warn!(peer = %member, evidence = %one.carried.evidence, own = %digest, theirs = %result, "another result");
            metrics::counter!("chassis_cosign_disagreements_total").increment(1);
        }
        *vote == Vote::Yes { result: digest }
    });
    Ballot {
        member,
        yes: yes.collect(),
    }
}

/// For people: what came of an item.
fn said(place: usize, polled: &[(Address, Votes)], carried: &Carried) -> String {
    if polled.is_empty() {
        return "no other relayer answered".into();
    }
    let sayings = polled
        .iter()
        .filter_map(|(member, votes)| match votes.votes.get(place)? {
            Vote::Yes { result } if *result == carried.fields.digest => Some(format!("{member} votes yes")),
            Vote::Yes { result } => Some(format!("{member} comes to another result, {result}")),
            Vote::No { reasons } => {
                let reasons: Vec<_> = reasons.iter().take(8).map(|reason| tame(reason)).collect();
                Some(format!("{member} votes no ({})", reasons.join("; ")))
            }
        });
    sayings.collect::<Vec<_>>().join(", ")
}

pub(super) fn carried(ready: &[Ready]) -> Vec<Carried> {
    ready.iter().map(|one| one.carried.clone()).collect()
}
