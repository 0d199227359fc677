//! `--reappraise`: everything that was posted about a subject, appraised again from the archive.

use std::collections::HashMap;

use alloy::primitives::{Address, B256};
use chassis_verifier::{Endorsements, Policy, bundle::Bundle, bundle::DEFAULT_LIMIT};
use serde::{Deserialize, Serialize};

use super::{
    documents::Documents,
    judge::{Evidence, Judgement, Posted, judge},
};
use crate::{
    Error,
    archive::Kind,
    chain::Chain,
    history::{Batch, Happening, History, Standing, What},
};

/// A digest that was posted.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    pub(super) batch: u64,
    pub(super) time: u64,
    pub(super) operator: Address,
    pub(super) digest: B256,
    pub(super) is_grant: bool,
    pub(super) expiry: u64,
    #[serde(skip)]
    pub(super) standing: Standing,
    #[serde(skip)]
    pub(super) evidence_time: Option<u64>,
}

/// What became of it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Finding {
    pub(super) entry: Entry,
    /// Who signed it.
    pub(super) signers: Vec<Address>,
    /// The evidence's digest, by the manifest.
    pub(super) evidence: Option<B256>,
    /// The answer.
    #[serde(flatten)]
    pub(super) answer: Answer,
    /// The proof's file, if one was written.
    pub(super) proof: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Answer {
    Judged(Judgement),
    /// Something is not to be had.
    Missing {
        missing: String,
    },
}

/// The manifest, as far as it is read back.
#[derive(Debug, Deserialize)]
pub(super) struct ManifestRead {
    pub(super) items: Vec<ItemRead>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct ItemRead {
    pub(super) result: B256,
    pub(super) evidence: B256,
    pub(super) endorsements: B256,
}

/// The documents behind a digest, as they were fetched.
pub(super) struct Papers {
    pub(super) manifest: Vec<u8>,
    pub(super) bundle: Vec<u8>,
    pub(super) endorsements: Vec<u8>,
    pub(super) policy: Vec<u8>,
    /// When the archived result says it was appraised.
    pub(super) as_of: Option<u64>,
    pub(super) item: ItemRead,
}

impl Entry {
    /// `None`: nothing was attested.
    pub(super) fn of(history: &History, happening: &Happening) -> Option<Self> {
        let batch = happening.batch?;
        let time = happening.at.time;
        match &happening.what {
            What::Granted(granted) => Some(Self {
                batch,
                time,
                operator: granted.operator,
                digest: granted.digest,
                is_grant: true,
                expiry: granted.expiry,
                standing: granted.standing,
                evidence_time: Some(granted.evidence_time),
            }),
            What::Renewed {
                operator,
                digest,
                expiry,
            } => Some(Self {
                batch,
                time,
                operator: *operator,
                digest: *digest,
                is_grant: false,
                expiry: *expiry,
                standing: history.operator(*operator)?.spans.last()?.standing,
                evidence_time: None,
            }),
            _ => None,
        }
    }

    pub(super) fn posted(&self, batch: &Batch) -> Posted {
        Posted {
            operator: self.operator,
            digest: self.digest,
            issued_at: batch.issued_at,
            standing: Some(self.standing),
            expiry: Some(self.expiry),
            evidence_time: self.evidence_time,
        }
    }
}

/// Appraises again; documents are fetched once.
pub(super) struct Reappraiser<'a> {
    pub(super) chain: &'a Chain,
    pub(super) archives: Vec<Documents>,
    fetched: HashMap<(&'static str, B256), Vec<u8>>,
}

impl<'a> Reappraiser<'a> {
    pub(super) fn new(chain: &'a Chain, places: &[String]) -> Result<Self, Error> {
        let archives = places.iter().map(|place| Documents::open(place));
        Ok(Self {
            chain,
            archives: archives.collect::<Result<_, _>>()?,
            fetched: HashMap::new(),
        })
    }

    /// What the evidence behind an entry says, and the documents if they could be had.
    pub(super) async fn answer(
        &mut self,
        entry: &Entry,
        batch: &Batch,
    ) -> Result<(Answer, Option<Papers>), Error> {
        let papers = match self.papers(entry.digest, batch).await? {
            Ok(papers) => papers,
            Err(missing) => return Ok((Answer::Missing { missing }, None)),
        };
        let evidence = match evidence(&papers, self.chain).await? {
            Ok(evidence) => evidence,
            Err(missing) => return Ok((Answer::Missing { missing }, Some(papers))),
        };
        let judgement = judge(&entry.posted(batch), &evidence);
        Ok((Answer::Judged(judgement), Some(papers)))
    }

    async fn papers(&mut self, digest: B256, batch: &Batch) -> Result<Result<Papers, String>, Error> {
        let manifest = match self.get(Kind::Manifest, batch.archive).await? {
            Ok(manifest) => manifest,
            Err(why) => return Ok(Err(why)),
        };
        let Some(item) = item(&manifest, digest) else {
            let manifest = batch.archive;
            return Ok(Err(format!("manifest {manifest} does not name {digest}")));
        };
        let mut documents = Vec::new();
        for (kind, digest) in [
            (Kind::Bundle, item.evidence),
            (Kind::Endorsements, item.endorsements),
            (Kind::Policy, batch.policy),
        ] {
            match self.get(kind, digest).await? {
                Ok(document) => documents.push(document),
                Err(why) => return Ok(Err(why)),
            }
        }
        let result = self.get(Kind::Result, digest).await?.ok();
        let as_of = result.and_then(|result| {
            let result: serde_json::Value = serde_json::from_slice(&result).ok()?;
            result["asOf"].as_u64()
        });
        let mut documents = documents.into_iter();
        let mut next = || documents.next().unwrap_or_default();
        Ok(Ok(Papers {
            manifest,
            bundle: next(),
            endorsements: next(),
            policy: next(),
            as_of,
            item,
        }))
    }

    /// From the first archive that has it.
    async fn get(&mut self, kind: Kind, digest: B256) -> Result<Result<Vec<u8>, String>, Error> {
        let key = (kind.folder(), digest);
        if let Some(document) = self.fetched.get(&key) {
            return Ok(Ok(document.clone()));
        }
        let mut why = String::from("no archive was given");
        for archive in &self.archives {
            match archive.get(kind, digest).await? {
                Ok(document) => {
                    // What every entry has of its own is not asked for again.
                    if matches!(kind, Kind::Manifest | Kind::Policy) {
                        self.fetched.insert(key, document.clone());
                    }
                    return Ok(Ok(document));
                }
                Err(reason) => why = reason,
            }
        }
        Ok(Err(format!("{} {digest}: {why}", kind.folder())))
    }
}

/// What a manifest says of a digest.
pub(super) fn item(manifest: &[u8], digest: B256) -> Option<ItemRead> {
    let manifest: ManifestRead = serde_json::from_slice(manifest).ok()?;
    manifest.items.into_iter().find(|item| item.result == digest)
}

/// Reads the documents; the inner error is why one cannot be read.
pub(super) async fn evidence(papers: &Papers, chain: &Chain) -> Result<Result<Evidence, String>, Error> {
    let read = || -> Result<_, String> {
        let bundle = Bundle::parse(&papers.bundle, DEFAULT_LIMIT).map_err(|e| format!("the bundle: {e}"))?;
        let endorsements =
            Endorsements::parse(&papers.endorsements).map_err(|e| format!("the endorsements: {e}"))?;
        let policy: Policy =
            serde_json::from_slice(&papers.policy).map_err(|e| format!("the policy: {e}"))?;
        Ok((bundle, endorsements, policy))
    };
    let (bundle, endorsements, policy) = match read() {
        Ok(read) => read,
        Err(why) => return Ok(Err(why)),
    };
    let number = endorsements.anchor.number;
    let anchor = chain.canonical(number).await?;
    // That there is no such block yet is a lie; that an endpoint has forgotten it is none.
    if anchor.is_none() && number <= chain.finalized().await?.number {
        return Ok(Err(format!(
            "block {number}, the evidence's anchor: no endpoint has it any more"
        )));
    }
    Ok(Ok(Evidence {
        bundle,
        endorsements,
        policy,
        anchor,
        as_of: papers.as_of,
    }))
}

/// The zone that the endorsements of an entry name, if an archive has them. Zones are not on chain.
pub(super) async fn zone(archive: &Documents, entry: &Entry, batch: &Batch) -> Result<Option<String>, Error> {
    let Ok(manifest) = archive.get(Kind::Manifest, batch.archive).await? else {
        return Ok(None);
    };
    let Some(item) = item(&manifest, entry.digest) else {
        return Ok(None);
    };
    let Ok(set) = archive.get(Kind::Endorsements, item.endorsements).await? else {
        return Ok(None);
    };
    let Ok(set) = Endorsements::parse(&set) else {
        return Ok(None);
    };
    let claim = set
        .host_registry
        .into_iter()
        .find(|claim| claim.platform_id == entry.standing.platform && !claim.zone.is_empty());
    Ok(claim.map(|claim| claim.zone))
}
