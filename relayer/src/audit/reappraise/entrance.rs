//! Platforms' entries. The registry ties no digest to them: some evidence in the batch's manifest must show what they say.

use std::ops::RangeInclusive;

use alloy::primitives::B256;
use chassis_verifier::{Appraisal, Appraiser};

use super::{
    Answer, Reappraiser,
    claim::{Entrance, said},
    evidence, of_one_claim,
    papers::ItemRead,
    times,
};
use crate::{
    Error,
    audit::judge::{Evidence, Falsehood, Judgement, anchor_fault, window},
    history::Batch,
};

/// What a batch's evidence shows of platforms, as far as it was looked at.
#[derive(Default)]
pub(super) struct Shown {
    batch: Option<u64>,
    places: Vec<Place>,
    /// What could not be looked at.
    missing: Option<String>,
    rest: Vec<ItemRead>,
}

/// A platform, as evidence shows it.
struct Place {
    platform: B256,
    provider: u16,
    custody: u8,
    custody_expiry: u64,
    as_of: u64,
}

impl Place {
    /// `None`: relayers may not sign it.
    fn of(appraisal: &Appraisal) -> Option<Self> {
        let result = &appraisal.result;
        appraisal.is_attestable().then_some(Self {
            platform: result.platformId,
            provider: result.provider,
            custody: result.custody,
            custody_expiry: appraisal.verdict.custody_expiry,
            as_of: result.asOf.to(),
        })
    }

    fn shows(&self, entrance: &Entrance) -> bool {
        (self.platform, self.provider) == (entrance.platform, entrance.provider)
            && self.custody >= entrance.custody
            && self.custody_expiry >= entrance.custody_expiry
    }
}

impl Reappraiser<'_> {
    /// Whether some evidence of the batch shows what was entered.
    pub(super) async fn entered(&mut self, entrance: &Entrance, batch: &Batch) -> Result<Answer, Error> {
        if self.shown.batch != Some(batch.number) {
            let (rest, missing) = match self.archives.items(batch).await {
                Ok(items) => (items, None),
                Err(why) => (Vec::new(), Some(why)),
            };
            self.shown = Shown {
                batch: Some(batch.number),
                places: Vec::new(),
                missing,
                rest,
            };
        }
        loop {
            let mut places = self.shown.places.iter();
            if let Some(place) = places.find(|place| place.shows(entrance)) {
                return Ok(Answer::Judged(Judgement::True { as_of: place.as_of }));
            }
            let Some(item) = self.shown.rest.pop() else { break };
            match of_one_claim(self.place(item, batch).await)? {
                Ok(place) => self.shown.places.extend(place),
                Err(why) => self.shown.missing = Some(why),
            }
        }
        if let Some(missing) = self.shown.missing.clone() {
            return Ok(Answer::Missing { missing });
        }
        let of_it = self
            .shown
            .places
            .iter()
            .filter(|place| place.platform == entrance.platform);
        let shown: Vec<_> = of_it
            .map(|place| said(place.provider, place.custody, place.custody_expiry))
            .collect();
        let shown = if shown.is_empty() {
            "nothing".to_owned()
        } else {
            shown.join("; ")
        };
        Ok(Answer::Judged(Judgement::False(Falsehood {
            as_of: batch.issued_at,
            digest: None,
            failed: Vec::new(),
            faults: vec![format!(
                "platform: posted {entrance}, by all evidence of the batch {shown}"
            )],
        })))
    }

    /// What one bundle shows; nothing, if it does not pass. The inner error is why that cannot be said.
    async fn place(&mut self, item: ItemRead, batch: &Batch) -> Result<Result<Option<Place>, String>, Error> {
        let papers = match self.archives.papers(batch, item).await {
            Ok(papers) => papers,
            Err(why) => return Ok(Err(why)),
        };
        let evidence = match evidence(&papers, self.chain, self.last).await? {
            Ok(evidence) => evidence,
            Err(why) => return Ok(Err(why)),
        };
        if anchor_fault(&evidence).is_some() {
            return Ok(Ok(None));
        }
        let window = window(batch.issued_at, &evidence);
        let told = evidence.as_of.filter(|time| window.contains(time));
        let blocks = match times(self.chain, batch.at.block, window.clone()).await? {
            Ok(blocks) => blocks,
            Err(why) => return Ok(Err(why)),
        };
        let shown = shown(&evidence, item.result, told, blocks, window);
        Ok(shown.map_err(|error| format!("the evidence cannot be read: {error}")))
    }
}

/// By the appraisal that was signed; if no second gives that, by the latest that relayers may sign.
fn shown(
    evidence: &Evidence,
    digest: B256,
    told: Option<u64>,
    blocks: Vec<u64>,
    window: RangeInclusive<u64>,
) -> Result<Option<Place>, chassis_verifier::Error> {
    let appraiser = Appraiser::new(&evidence.endorsements, &evidence.policy)?.danger_supposing_consent();
    let appraise = |time| appraiser.appraise(&evidence.bundle, time);
    // Nobody need believe what is told.
    if let Some(time) = told {
        let appraisal = appraise(time)?;
        if appraisal.digest() == digest {
            return Ok(Place::of(&appraisal));
        }
    }
    let seconds: [Box<dyn Iterator<Item = u64>>; 2] = [Box::new(blocks.into_iter()), Box::new(window.rev())];
    for times in seconds {
        let mut latest = None;
        for time in times {
            let appraisal = appraise(time)?;
            if appraisal.digest() == digest {
                return Ok(Place::of(&appraisal));
            }
            latest = latest.or_else(|| Place::of(&appraisal));
        }
        if latest.is_some() {
            return Ok(latest);
        }
    }
    Ok(None)
}
