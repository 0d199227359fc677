//! What a store is, in memory: the rules without the SQL.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::store::{Attempt, Inclusion, Then, TxState};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bundle {
    pub(super) operator: Address,
    pub(super) is_public: bool,
    pub(super) received_at: i64,
    pub(super) state: State,
    pub(super) tries: i64,
    pub(super) result: Option<B256>,
    pub(super) fields: Option<String>,
    pub(super) report: Option<B256>,
    pub(super) reason: Option<String>,
    pub(super) is_claimed: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Post {
    pub(super) report: Option<B256>,
    pub(super) state: TxState,
    pub(super) nonce: Option<u64>,
    pub(super) inclusion: Option<Inclusion>,
    pub(super) attempts: Vec<Attempt>,
}

/// Name of an appraisal → result.
type Signatures = BTreeMap<(B256, B256, B256, u64), B256>;

#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    pub(super) bundles: BTreeMap<B256, Bundle>,
    signatures: Signatures,
    /// Whether each is open, and what it carries.
    pub(super) cosigned: BTreeMap<B256, (bool, BTreeSet<B256>)>,
    pub(super) reports: BTreeMap<B256, Vec<u8>>,
    /// By number, from 1.
    pub(super) posts: BTreeMap<i64, Post>,
}

/// Refused, with nothing changed.
pub(super) type Outcome<T = ()> = Result<T, ()>;

impl Model {
    pub(super) fn add(&mut self, new: &NewBundle) -> bool {
        if self.bundles.contains_key(&new.digest) {
            return false;
        }
        let bundle = Bundle {
            operator: new.operator,
            is_public: new.is_public,
            received_at: new.received_at,
            state: State::Received,
            tries: 0,
            result: None,
            fields: None,
            report: None,
            reason: None,
            is_claimed: false,
        };
        self.bundles.insert(new.digest, bundle);
        true
    }

    pub(super) fn appraise(&mut self, digest: B256, result: B256, fields: Option<&str>) -> bool {
        let Some(bundle) = self.bundles.get_mut(&digest) else {
            return false;
        };
        if bundle.state != State::Received {
            return false;
        }
        bundle.state = if fields.is_some() {
            State::Appraised
        } else {
            State::Rejected
        };
        bundle.result = Some(result);
        bundle.fields = fields.map(str::to_owned);
        (bundle.reason, bundle.is_claimed) = (None, false);
        true
    }

    pub(super) fn end(&mut self, digest: B256, state: State, reason: &str) {
        let Some(bundle) = self.bundles.get_mut(&digest) else {
            return;
        };
        if [State::Received, State::Appraised].contains(&bundle.state) {
            bundle.state = state;
            bundle.reason = Some(reason.to_owned());
            bundle.is_claimed = false;
        }
    }

    pub(super) fn put_back(&mut self, digest: B256, reason: &str) {
        if let Some(bundle) = self.bundles.get_mut(&digest)
            && bundle.state == State::Appraised
        {
            bundle.put_back(reason);
        }
    }

    pub(super) fn claim(&mut self, most: usize) -> Vec<B256> {
        let mut waiting: Vec<_> = self
            .bundles
            .iter_mut()
            .filter(|(_, bundle)| bundle.state == State::Received && !bundle.is_claimed)
            .collect();
        waiting.sort_by_key(|(digest, bundle)| (bundle.received_at, **digest));
        waiting
            .into_iter()
            .take(most)
            .map(|(digest, bundle)| {
                bundle.is_claimed = true;
                *digest
            })
            .collect()
    }

    pub(super) fn postpone(&mut self, digest: B256) {
        if let Some(bundle) = self.bundles.get_mut(&digest) {
            bundle.is_claimed = false;
        }
    }

    /// As `sign` in this folder's `mod.rs` does it.
    pub(super) fn sign(&mut self, report: B256, signings: &[Signing]) -> Outcome {
        let mut next = self.clone();
        next.cosigned.entry(report).or_insert((true, BTreeSet::new()));
        for signing in signings {
            let name = (
                signing.evidence,
                signing.policy,
                signing.endorsements,
                signing.as_of,
            );
            if *next.signatures.entry(name).or_insert(signing.result) != signing.result {
                return Err(());
            }
            let is_taken = next.take_along(signing);
            let (is_open, items) = next.cosigned.get_mut(&report).unwrap();
            *is_open |= is_taken;
            items.insert(signing.evidence);
        }
        *self = next;
        Ok(())
    }

    fn take_along(&mut self, signing: &Signing) -> bool {
        let digest = signing.evidence;
        self.add(&NewBundle {
            digest,
            operator: Address::ZERO,
            is_public: true,
            received_at: 1_700_000_001,
        });
        let bundle = self.bundles.get_mut(&digest).unwrap();
        let is_taken = [State::Received, State::Appraised, State::Cosigning].contains(&bundle.state);
        if is_taken {
            bundle.state = State::Cosigning;
            bundle.result = Some(signing.result);
            bundle.fields = Some("{}".into());
            (bundle.reason, bundle.is_claimed) = (None, false);
        }
        is_taken
    }

    pub(super) fn queue(&mut self, report: B256, calldata: &[u8]) -> Outcome {
        let Some((is_open, items)) = self.cosigned.get_mut(&report) else {
            return Err(());
        };
        *is_open = false;
        self.reports.entry(report).or_insert(calldata.to_vec());
        for digest in items.iter() {
            let bundle = self.bundles.get_mut(digest).unwrap();
            if bundle.state == State::Cosigning {
                (bundle.state, bundle.report) = (State::Queued, Some(report));
            }
        }
        Ok(())
    }

    pub(super) fn close(&mut self, report: B256, reason: &str) {
        let Some((is_open, items)) = self.cosigned.get_mut(&report) else {
            return;
        };
        *is_open = false;
        for digest in items.clone() {
            let mut reports = self.cosigned.values();
            let waits = reports.any(|(is_open, items)| *is_open && items.contains(&digest));
            let bundle = self.bundles.get_mut(&digest).unwrap();
            if bundle.state == State::Cosigning && !waits {
                bundle.put_back(reason);
                bundle.tries -= 1;
            }
        }
    }

    pub(super) fn reserve(&mut self, report: Option<B256>, nonce: u64) -> Outcome {
        let is_taken = self
            .posts
            .values()
            .any(|post| post.nonce == Some(nonce) && TxState::LIVE.contains(&post.state));
        if is_taken {
            return Err(());
        }
        self.start(report, TxState::Reserved, Some(nonce), None)
    }

    /// Another relayer's.
    pub(super) fn posted(&mut self, report: B256, at: Inclusion) -> Outcome {
        self.start(Some(report), TxState::Included, None, Some(at))?;
        self.set_bundles(Some(report), State::Included);
        Ok(())
    }

    fn start(
        &mut self,
        report: Option<B256>,
        state: TxState,
        nonce: Option<u64>,
        inclusion: Option<Inclusion>,
    ) -> Outcome {
        if report.is_some_and(|report| !self.reports.contains_key(&report) || self.has_post(report)) {
            return Err(());
        }
        let post = Post {
            report,
            state,
            nonce,
            inclusion,
            attempts: Vec::new(),
        };
        self.posts
            .insert(i64::try_from(self.posts.len()).unwrap() + 1, post);
        Ok(())
    }

    pub(super) fn attempt(&mut self, id: i64, attempt: &Attempt) -> Outcome {
        let mut all = self.posts.values().flat_map(|post| &post.attempts);
        if !all.any(|known| known.hash == attempt.hash) {
            let post = self.posts.get_mut(&id).ok_or(())?;
            post.attempts.push(attempt.clone());
        }
        if self.step(id, &[TxState::Reserved], TxState::Signed) {
            self.set_bundles(self.posts[&id].report, State::Posted);
        }
        Ok(())
    }

    pub(super) fn broadcast(&mut self, id: i64) {
        self.step(id, &[TxState::Signed], TxState::Broadcast);
    }

    pub(super) fn include(&mut self, id: i64, at: Inclusion) -> bool {
        let is_news = self.step(id, &[TxState::Signed, TxState::Broadcast], TxState::Included);
        if is_news {
            self.posts.get_mut(&id).unwrap().inclusion = Some(at);
            self.set_bundles(self.posts[&id].report, State::Included);
        }
        is_news
    }

    pub(super) fn reorg(&mut self, id: i64) -> bool {
        let is_own = self.posts.get(&id).is_some_and(|post| post.nonce.is_some());
        let (to, bundles) = if is_own {
            (TxState::Broadcast, State::Posted)
        } else {
            (TxState::Dropped, State::Queued)
        };
        let is_news = self.step(id, &[TxState::Included], to);
        if is_news {
            self.posts.get_mut(&id).unwrap().inclusion = None;
            self.set_bundles(self.posts[&id].report, bundles);
        }
        is_news
    }

    pub(super) fn finalize(&mut self, id: i64, skipped: B256) -> bool {
        let is_news = self.step(id, &[TxState::Included], TxState::Final);
        if is_news {
            if let Some(bundle) = self.bundles.get_mut(&skipped)
                && bundle.state == State::Included
            {
                bundle.put_back("the registry skipped it");
            }
            self.set_bundles(self.posts[&id].report, State::Final);
        }
        is_news
    }

    pub(super) fn drop_post(&mut self, id: i64, then: Then<'_>) -> bool {
        let is_news = self.step(id, &TxState::LIVE, TxState::Dropped);
        if is_news {
            let report = self.posts[&id].report;
            self.set_bundles(report, State::Queued);
            match then {
                Then::Requeue | Then::PostedBy(_) => {}
                Then::Reappraise(reason) => self.put_back_all(report, 1, reason),
                Then::Refresh(reason) => self.put_back_all(report, 0, reason),
            }
        }
        is_news
    }

    pub(super) fn withdraw(&mut self, report: B256, reason: &str) {
        if !self.has_post(report) {
            self.put_back_all(Some(report), 1, reason);
        }
    }

    fn put_back_all(&mut self, report: Option<B256>, tries: i64, reason: &str) {
        let bundles = self.bundles.values_mut();
        for bundle in bundles.filter(|bundle| bundle.state == State::Queued && bundle.report == report) {
            bundle.put_back(reason);
            bundle.tries += tries - 1;
        }
    }

    pub(super) fn inside(&self, state: State) -> Vec<B256> {
        let mut found: Vec<_> = self
            .bundles
            .iter()
            .filter(|(_, bundle)| bundle.state == state)
            .collect();
        found.sort_by_key(|(digest, bundle)| (bundle.received_at, **digest));
        found.into_iter().map(|(digest, _)| *digest).collect()
    }

    /// In the order of their issue.
    pub(super) fn to_post(&self) -> Vec<B256> {
        let queued = self.inside(State::Queued).into_iter();
        let reports: BTreeSet<_> = queued
            .map(|digest| self.bundles[&digest].report.unwrap())
            .collect();
        let mut found: Vec<_> = reports
            .into_iter()
            .filter(|report| !self.has_post(*report))
            .collect();
        found.sort_by_key(|report| (issued_at(*report), *report));
        found
    }

    fn has_post(&self, report: B256) -> bool {
        let mut posts = self.posts.values();
        posts.any(|post| post.report == Some(report) && post.state != TxState::Dropped)
    }

    fn step(&mut self, id: i64, from: &[TxState], to: TxState) -> bool {
        match self.posts.get_mut(&id) {
            Some(post) if from.contains(&post.state) => {
                post.state = to;
                true
            }
            _ => false,
        }
    }

    fn set_bundles(&mut self, report: Option<B256>, state: State) {
        let on_the_way = [State::Queued, State::Posted, State::Included];
        let bundles = self.bundles.values_mut();
        for bundle in bundles.filter(|bundle| bundle.report == report && on_the_way.contains(&bundle.state)) {
            bundle.state = state;
        }
    }
}

impl Bundle {
    fn put_back(&mut self, reason: &str) {
        self.state = State::Received;
        self.report = None;
        self.tries += 1;
        self.reason = Some(reason.to_owned());
        self.is_claimed = false;
    }
}
