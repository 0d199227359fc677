//! What reports did.

use alloy::primitives::Address;

use super::{
    super::{Batch, End, Granted, Place, Span, Standing, Tenure, What},
    Recorder,
};
use crate::{
    registry::IProofOfCloudRegistry::{BatchPosted, ItemSkipped, OperatorGranted, PlatformUpdated},
    replay::{Event, LaneWord, OperatorWord, PlatformWord, State, Subject},
};

impl Recorder<'_> {
    pub(super) fn platform_updated(&mut self, at: Place, e: &PlatformUpdated) {
        let word = PlatformWord(e.platformWord);
        let batch = self.batch().unwrap_or_default();
        let entered = Tenure {
            from: at,
            provider: e.provider,
            custody: small(word.custody()),
            custody_expiry: word.custody_expiry(),
            first_batch: batch,
            last_batch: batch,
            entries: 1,
        };
        self.say(
            at,
            What::Entered {
                platform: e.platformId,
                provider: entered.provider,
                custody: entered.custody,
                custody_expiry: entered.custody_expiry,
            },
        );
        let platform = self.history.platforms.entry(e.platformId).or_default();
        let changed = platform.changes.last().map(|change| change.at.key());
        match platform.tenures.last_mut() {
            Some(last)
                if (last.provider, last.custody) == (entered.provider, entered.custody)
                    && changed.is_none_or(|changed| changed < last.from.key()) =>
            {
                last.custody_expiry = entered.custody_expiry;
                last.last_batch = batch;
                last.entries += 1;
            }
            _ => platform.tenures.push(entered),
        }
        for (operator, lane) in self.owners(e.platformId) {
            let to = lane.expiry().max(at.time);
            if self.history.shorten(operator, to, End::PlatformLowered { at }) {
                let (platform, expiry) = (e.platformId, lane.expiry());
                self.say(
                    at,
                    What::Cut {
                        operator,
                        platform,
                        expiry,
                    },
                );
            }
        }
    }

    pub(super) fn operator_granted(&mut self, at: Place, e: &OperatorGranted) {
        let (word, lane) = (OperatorWord(e.operatorWord), LaneWord(e.laneWord));
        let standing = Standing {
            platform: e.platformId,
            workload: e.workloadId,
            instance: e.instanceId,
            provider: small(word.provider()),
            binding: small(word.binding()),
            custody: small(word.custody()),
            tcb: small(word.tcb()),
            tee_class: small(word.tee_class()),
            flags: small(word.flags()),
        };
        let batch = self.batch();
        let platform = self.history.platforms.entry(e.platformId).or_default();
        platform.operators.insert(e.operator);
        let operator = self.history.operators.entry(e.operator).or_default();
        let last = operator.spans.last();
        let before = last.map(|span| span.standing);
        let is_live = last.is_some_and(|span| span.to > at.time);
        if is_live && before == Some(standing) {
            self.history.lengthen(e.operator, at.time, lane.expiry(), batch);
        } else {
            self.history.shorten(e.operator, at.time, End::Regrant);
            let operator = self.history.operators.entry(e.operator).or_default();
            operator.spans.push(Span {
                from: at,
                to: lane.expiry().max(at.time),
                standing,
                first_batch: batch.unwrap_or_default(),
                last_batch: batch.unwrap_or_default(),
                renewals: 0,
                since: word.since(),
                end: End::Expiry,
            });
        }
        let granted = Granted {
            operator: e.operator,
            standing,
            before,
            after_gap: !is_live,
            digest: e.digest,
            evidence_time: word.evidence_time(),
            expiry: lane.expiry(),
        };
        self.say(at, What::Granted(Box::new(granted)));
    }

    pub(super) fn item_skipped(&mut self, at: Place, e: &ItemSkipped, about: &[Subject]) {
        let subject = about.first().copied();
        if let Some(Subject::Operator(operator)) = subject
            && let Some(operator) = self.history.operators.get_mut(&operator)
        {
            operator.skipped += 1;
        }
        let (item, reason) = (e.kind, e.reason);
        self.say(
            at,
            What::Skipped {
                item,
                subject,
                reason,
            },
        );
    }

    pub(super) fn batch_posted(&mut self, at: Place, e: &BatchPosted, about: &[Subject]) {
        for (subject, digest) in about.iter().zip(&e.digests) {
            let Subject::Operator(operator) = *subject else {
                continue;
            };
            let expiry = self.state.lane(self.state.operator(operator).lane()).expiry();
            self.history.lengthen(operator, at.time, expiry, Some(e.batch));
            let digest = *digest;
            self.say(
                at,
                What::Renewed {
                    operator,
                    digest,
                    expiry,
                },
            );
        }
        let batch = Batch {
            number: e.batch,
            at,
            relayer_set: (e.origin >> 72_usize).wrapping_to(),
            signer_mask: e.origin.wrapping_to(),
            issued_at: (e.origin >> 32_usize).wrapping_to::<u64>() & 0xff_ffff_ffff,
            policy: e.policyDigest,
            report: e.reportHash,
            manifest: e.archive,
            platforms: e.applied.wrapping_to::<u128>().count_ones(),
            grants: (e.applied >> 128_usize).wrapping_to::<u128>().count_ones(),
            renewals: u32::try_from(e.digests.len()).unwrap_or(u32::MAX),
            skipped: self.skipped_before(),
        };
        self.history.batches.push(batch);
        for relayer in members(self.state, batch.relayer_set, batch.signer_mask) {
            let relayer = self.history.relayers.entry(relayer).or_default();
            relayer.signed += 1;
            relayer.first_batch.get_or_insert(batch.number);
            relayer.last_batch = Some(batch.number);
        }
        self.say(at, What::Posted(batch));
    }

    /// Skipped items of the batch whose `BatchPosted` this is.
    fn skipped_before(&self) -> u32 {
        let before = self.logs.iter().take(self.i).rev();
        let of_batch = before.take_while(|log| !matches!(log.event, Event::BatchPosted(_)));
        let skipped = of_batch.filter(|log| matches!(log.event, Event::ItemSkipped(_)));
        u32::try_from(skipped.count()).unwrap_or(u32::MAX)
    }
}

/// The members of a set whose bits are in the mask.
pub(in crate::history) fn members(state: &State, set: u32, mask: u32) -> Vec<Address> {
    let set = state.relayer_sets().get(&set);
    let members = set.map_or(&[][..], |set| &set.members);
    let members = members.iter().zip(0..32).filter(|(_, i)| mask >> i & 1 == 1);
    members.map(|(member, _)| *member).collect()
}

/// A field of a word, whose width says that it fits.
fn small<T: TryFrom<u64> + Default>(field: u64) -> T {
    T::try_from(field).unwrap_or_default()
}
