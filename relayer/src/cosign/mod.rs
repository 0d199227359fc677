//! Appraised → Cosigning → Queued: how k relayers of n come to sign the same bytes, and no fewer can.
//!
//! This is the protocol, in full. A second implementation needs it, `docs/ENCODING.md`, and the registry.
//!
//! # Who
//!
//! The relayer set in force is the registry's (`control().relayerSetId`, `relayerSet(id)`): members in order, threshold
//! `k`, disabled mask. Configuration only says where members are reached. With `k = 1` nobody is asked, and all the rest
//! is the same.
//!
//! # What
//!
//! A report is a function. Given a *proposal*
//!
//! - the relayer set's id and the policy's digest,
//! - a finalized block, by number and hash, with its time `asOf`,
//! - items, strictly ascending by evidence: digest of the evidence, digest of the endorsement set `E`, and the time at
//!   which it was appraised (from `asOf` − 900 s to `asOf`), one item for each operator,
//!
//! everybody appraises each item *itself*, reads the registry *as of that block's hash*, and makes the report by the
//! rules of [`report`](crate::report): the same results, block and rules give the same bytes. `issuedAt` = `asOf`,
//! `deadline` = `issuedAt` + 3600. So nothing of a report has to be believed, and a proposer's word counts for nothing.
//!
//! # When
//!
//! The members take turns in an order that `turn` makes of `keccak256(setId, epoch)`, `epoch = ⌊asOf / 300⌋`. A relayer
//! proposes a bundle `rank × stage` after it has appraised it (stage: 20 s), and posts a report that somebody else
//! proposed `(rank + 1) × stage` after it was complete, if the registry does not show it by then. Turns save work. No
//! check enforces them, and no safety rests on them.
//!
//! # How
//!
//! One path, `POST /v1/cosign`; bodies are those in `message`; requests and answers are signed as in `auth`.
//!
//! 1. **propose** → a vote for each item: yes with the result's digest, or no with reasons. What it votes yes for, a relayer
//!    keeps: once it is on chain, it is its to appraise again, whoever signed it. Before it votes yes, it
//!    - sees that the set is in force, the policy its own, the block canonical and finalized in its own view, and no more
//!      than 900 s behind its own latest finalized block;
//!    - holds evidence and `E`, or **fetch**es them by digest from the proposer, and archives them;
//!    - sees that the evidence names this registry and chain, and that its operator consents;
//!    - counts that of this proposer not too many reports are signed and not on chain, in all and about this bundle;
//!    - vets `E` as `vet` has it: the anchor by its own chain; what is signed by its signatures, dates, and what it knows
//!      of newer issues; what is unsigned by having fetched the same claim itself;
//!    - appraises at the item's time with `E`, and with its own endorsements too, and finds the bundle attestable by both,
//!      with an effect on chain, and without conflict of identity (`conflict`) with any other item and what the registry shows.
//! 2. The proposer picks `k` members, itself among them, so that the items for which all of them voted yes *with its own
//!    digest* are most, and makes the report of those.
//! 3. It writes down, then signs, then asks everybody who voted yes on all these items to **sign**. The request carries
//!    its own signature. A signer makes the report itself out of the proposal and compares: every byte, or a refusal that
//!    names the first difference. Then it writes down and signs.
//! 4. Whoever signs tells all members (**signed**), once. So every signer comes to hold every signature, and a proposer that
//!    keeps them to itself has withheld nothing. Any `k` of the signatures, in ascending order of member, make the calldata
//!    of `post`.
//! 5. The votes of who voted yes and did not sign within a stage count for the rest of that epoch only where there are too
//!    few without.
//!
//! A **freeze** has no proposal: whoever re-appraises and finds the same makes the same order, and signs it. `freeze` says
//! how the signatures come together.
//!
//! # Written down before it leaves
//!
//! In one synced transaction, before a signature leaves the process ([`Store::record_report`]): for each item (evidence,
//! policy, endorsements, time) → result, where another result is refused by a constraint; the report, its items, and
//! the signature. Evidence, endorsements, policy, result and manifest are in the archive by then. After a crash the same
//! request gets the same signature, and no other ever.
//!
//! # What a member alone can do
//!
//! It can propose what others refuse, vote and not sign, stay silent, hand documents out slowly, or ask often. That costs the
//! others a stage, or a bounded piece of work, of a share that is its own. A bundle that is in its report waits for that,
//! three stages at most and once an hour; a report of its that reverts counts against no bundle. It cannot get anything on
//! chain, and two results signed for one name convict it there (`proveEquivocation`). A relayer that refuses a report which
//! carries another result than its own keeps it, with the signature, and has the call ready once it holds both (`proof`).
//!
//! To propose one bundle to each member with another time, block or `E`, so that signatures never gather, gains it the same
//! three stages: each waits for a report of its own, gives it up, and proposes the bundle itself, or signs another's. Nobody
//! compares what others were proposed, for every one of these reports may be honest.

mod act;
mod auth;
mod client;
mod config;
mod conflict;
mod finish;
mod freeze;
mod judge;
mod message;
mod proof;
mod rotation;
mod round;
mod seat;
mod server;
mod sign;
mod tally;
mod turn;
mod vet;
#[cfg(test)]
mod vet_tests;
mod view;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use alloy::{
    primitives::{Address, B256},
    sol_types::Eip712Domain,
};
use chassis_program::Key;
use chassis_verifier::Policy;
use tokio::sync::Semaphore;

pub use config::{Cosign, Peer};
pub use proof::Proof;

use judge::Judged;
use message::{Hello, Item};
use rotation::Rotation;
use seat::Set;
use server::Shares;

use crate::{
    Error,
    archive::Archive,
    chain::{Block, Chain},
    config::Config,
    endorse::Endorser,
    index::Alarm,
    post::Steps,
    report::Heading,
    store::Store,
};

/// How much older than `asOf` an item's appraisal may be, and `asOf` than the latest finalized block, seconds.
pub(crate) const FRESH: u64 = 900;

/// Proposes what this relayer has appraised, judges what others propose, and signs.
#[derive(Clone, Debug)]
pub struct Cosigner(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    archive: Archive,
    chain: Chain,
    endorser: Endorser,
    policy: Arc<Policy>,
    policy_digest: B256,
    signer: Key,
    config: Cosign,
    /// Most bundles in one report.
    max_batch: usize,
    /// How long a bundle waits for others.
    batch_wait: Duration,
    domain: Eip712Domain,
    client: reqwest::Client,
    shares: Shares,
    /// While it tells of a divergence, nothing new is signed.
    divergence: Alarm,
    /// For appraising others' items.
    appraising: Arc<Semaphore>,
    /// Whose turn it is among freezes.
    asked: Rotation,
    memory: Mutex<Memory>,
}

/// What may be forgotten: after a restart it only costs time.
#[derive(Debug, Default)]
struct Memory {
    /// Since when bundles are fit to be proposed.
    ready: HashMap<B256, Instant>,
    /// Since when a report has all its signatures.
    complete: HashMap<B256, Instant>,
    /// The same of freezes.
    complete_orders: HashMap<B256, Instant>,
    /// What this relayer found of others' items.
    judged: HashMap<Item, Judged>,
    /// Who voted yes and did not sign: in which set and epoch.
    left_out: HashMap<Address, (u32, u64)>,
    /// What the registry said, and when.
    in_force: Option<(u32, Instant)>,
    sets: HashMap<u32, (Set, Instant)>,
    has_policy: Option<(bool, Instant)>,
    finalized: Option<(Block, Instant)>,
    /// When peers last answered, and what they work by.
    heard: HashMap<Address, (Instant, Hello)>,
}

/// Most judgements kept.
const MOST_JUDGED: usize = 1024;

impl Memory {
    fn remember(&mut self, item: Item, judged: Judged) {
        if self.judged.len() >= MOST_JUDGED {
            let latest = self.judged.keys().map(|item| item.as_of).max().unwrap_or(0);
            self.judged.retain(|item, _| item.as_of + FRESH / 4 > latest);
            if self.judged.len() >= MOST_JUDGED {
                self.judged.clear();
            }
        }
        self.judged.insert(item, judged);
    }
}

impl Cosigner {
    /// A cosigner for this configuration.
    ///
    /// # Errors
    /// If the policy has no digest, or TLS cannot be set up.
    pub fn new(
        config: &Config,
        store: Store,
        archive: Archive,
        chain: Chain,
        endorser: Endorser,
        divergence: Alarm,
    ) -> Result<Self, Error> {
        let cosign = config.file.cosign.clone();
        let max_batch = usize::try_from(config.file.max_batch).unwrap_or(usize::MAX);
        Ok(Self(Arc::new(Inner {
            domain: auth::domain(chain.id, *chain.registry.address()),
            store,
            archive,
            chain,
            endorser,
            policy: Arc::new(config.policy.clone()),
            policy_digest: config.policy.digest()?,
            signer: config.signer.clone(),
            max_batch: max_batch.min(cosign.max_items),
            batch_wait: Duration::from_secs(config.file.batch_wait_s),
            client: client::client()?,
            shares: Shares::new(&cosign),
            appraising: Arc::new(Semaphore::new(judge::AT_ONCE)),
            asked: Rotation::default(),
            config: cosign,
            divergence,
            memory: Mutex::default(),
        })))
    }

    /// Takes the next step: brings signed reports on, and proposes what is ready. Neither holds up the other. Returns whether
    /// there was one.
    ///
    /// # Errors
    /// If the database or the chain does not answer: the same step is taken again later.
    pub async fn tick(&self) -> Result<bool, Error> {
        let mut steps = Steps::default();
        steps.add(self.0.finish().await);
        if !self.0.divergence.stops_signing() {
            steps.add(self.0.propose().await);
        }
        steps.result()
    }

    /// As [`Self::tick`], and proposes nothing.
    ///
    /// # Errors
    /// As [`Self::tick`].
    pub async fn finish(&self) -> Result<bool, Error> {
        self.0.finish().await
    }

    /// Why this relayer's bundles would not get signed, if they would not.
    ///
    /// # Errors
    /// If the chain does not answer.
    pub async fn obstacles(&self) -> Result<Vec<String>, Error> {
        let inner = &self.0;
        let mut obstacles = Vec::new();
        let set = inner.set_in_force().await?;
        let own = inner.signer.address();
        match set.index(own) {
            None => obstacles.push(format!("{own} is not in relayer set {}", set.id)),
            Some(index) if set.is_disabled(index) => {
                obstacles.push(format!("{own} is disabled in relayer set {}", set.id));
            }
            Some(_) => {}
        }
        let policy = inner.policy_digest;
        if !inner.chain.registry.policyInForce(policy).call().await? {
            obstacles.push(format!("policy {policy} is not registered"));
        }
        if let Some(reason) = inner.lonely(&set) {
            obstacles.push(reason);
        }
        Ok(obstacles)
    }
}

impl Inner {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        // Nothing in it can be left half-done by a panic.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn heading(&self, set_id: u32) -> Heading {
        Heading {
            set_id,
            policy: self.policy_digest,
        }
    }
}
