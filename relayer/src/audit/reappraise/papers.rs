//! The documents behind what was posted, from whichever archive has them.

use std::collections::HashMap;

use alloy::primitives::B256;
use chassis_verifier::{
    Endorsements, Policy,
    bundle::{Bundle, DEFAULT_LIMIT},
    consent_signer,
};
use serde::Deserialize;

use super::super::{documents::Documents, judge::Evidence};
use super::Entry;
use crate::{Error, archive::Kind, chain::Chain, history::Batch};

/// Documents that are kept, because what comes next may rest on them, too.
const KEPT: usize = 32;

/// The manifest, as far as it is read back.
#[derive(Debug, Deserialize)]
struct ManifestRead {
    items: Vec<ItemRead>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub(in crate::audit) struct ItemRead {
    pub(in crate::audit) result: B256,
    pub(in crate::audit) evidence: B256,
    pub(in crate::audit) endorsements: B256,
}

/// The documents behind a digest, as they were fetched.
pub(in crate::audit) struct Papers {
    pub(in crate::audit) manifest: Vec<u8>,
    pub(in crate::audit) bundle: Vec<u8>,
    pub(in crate::audit) endorsements: Vec<u8>,
    pub(in crate::audit) policy: Vec<u8>,
    /// When it was appraised, as somebody says.
    pub(in crate::audit) as_of: Option<u64>,
    pub(in crate::audit) item: ItemRead,
}

/// Archives, in the order in which they are asked.
pub(in crate::audit) struct Archives {
    places: Vec<Documents>,
    kept: HashMap<(Kind, B256), Vec<u8>>,
}

impl Archives {
    pub(in crate::audit) fn open(places: &[String]) -> Result<Self, Error> {
        let places = places.iter().map(|place| Documents::open(place));
        Ok(Self {
            places: places.collect::<Result<_, _>>()?,
            kept: HashMap::new(),
        })
    }

    /// All that a digest names, or what is missing.
    pub(super) async fn papers(&mut self, batch: &Batch, item: ItemRead) -> Result<Papers, String> {
        let result = self.get(Kind::Result, item.result).await.ok();
        let as_of = result.and_then(|result| {
            let result: serde_json::Value = serde_json::from_slice(&result).ok()?;
            result["asOf"].as_u64()
        });
        Ok(Papers {
            manifest: self.get(Kind::Manifest, batch.manifest).await?,
            bundle: self.get(Kind::Bundle, item.evidence).await?,
            endorsements: self.get(Kind::Endorsements, item.endorsements).await?,
            policy: self.get(Kind::Policy, batch.policy).await?,
            as_of,
            item,
        })
    }

    /// What a batch's manifest names.
    pub(super) async fn items(&mut self, batch: &Batch) -> Result<Vec<ItemRead>, String> {
        let manifest = self.get(Kind::Manifest, batch.manifest).await?;
        items(&manifest).ok_or_else(|| format!("manifest {} cannot be read", batch.manifest))
    }

    /// From the first that has it. Of bundles, one with the operator's consent is preferred: no digest names that, so a
    /// copy may have lost it.
    async fn get(&mut self, kind: Kind, digest: B256) -> Result<Vec<u8>, String> {
        if let Some(document) = self.kept.get(&(kind, digest)) {
            return Ok(document.clone());
        }
        let mut why = String::from("no archive was given");
        let mut found = None;
        for place in &self.places {
            match place.get(kind, digest).await {
                Ok(document) if kind == Kind::Bundle && !consents(&document) => {
                    found.get_or_insert(document);
                }
                Ok(document) => {
                    found = Some(document);
                    break;
                }
                Err(reason) => why = reason,
            }
        }
        let document = found.ok_or_else(|| format!("{} {digest}: {why}", kind.folder()))?;
        if !matches!(kind, Kind::Bundle | Kind::Result) {
            if self.kept.len() == KEPT {
                self.kept.clear();
            }
            self.kept.insert((kind, digest), document.clone());
        }
        Ok(document)
    }

    /// The zone that the endorsements of an entry name, if they are to be had. Zones are not on chain.
    pub(in crate::audit) async fn zone(&mut self, entry: &Entry, batch: &Batch) -> Option<String> {
        let items = self.items(batch).await.ok()?;
        let item = items.into_iter().find(|item| item.result == entry.digest)?;
        let set = self.get(Kind::Endorsements, item.endorsements).await.ok()?;
        let claims = Endorsements::parse(&set).ok()?.host_registry;
        let mut claims = claims.into_iter();
        let claim =
            claims.find(|claim| claim.platform_id == entry.standing.platform && !claim.zone.is_empty());
        claim.map(|claim| claim.zone)
    }
}

fn consents(bundle: &[u8]) -> bool {
    let bundle = Bundle::parse(bundle, DEFAULT_LIMIT);
    bundle.is_ok_and(|bundle| consent_signer(&bundle) == Some(bundle.evidence.operator))
}

fn items(manifest: &[u8]) -> Option<Vec<ItemRead>> {
    let manifest: ManifestRead = serde_json::from_slice(manifest).ok()?;
    Some(manifest.items)
}

/// What a manifest says of a digest.
pub(in crate::audit) fn item(manifest: &[u8], digest: B256) -> Option<ItemRead> {
    items(manifest)?.into_iter().find(|item| item.result == digest)
}

/// Reads the documents; the inner error is why one cannot be read. `last`: the last block that was read, which is final.
pub(in crate::audit) async fn evidence(
    papers: &Papers,
    chain: &Chain,
    last: u64,
) -> Result<Result<Evidence, String>, Error> {
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
    // What was posted by then cannot name a later block: that is a lie, and no endpoint is asked, for liars choose the
    // number, and some numbers are errors to endpoints. That an endpoint has forgotten a block is no lie.
    let anchor = if number > last {
        None
    } else if let Some(block) = chain.canonical(number).await? {
        Some(block)
    } else {
        return Ok(Err(format!(
            "block {number}, the evidence's anchor: no endpoint has it any more"
        )));
    };
    Ok(Ok(Evidence {
        bundle,
        endorsements,
        policy,
        anchor,
        as_of: papers.as_of,
    }))
}
