//! Fetches endorsements. URLs come from the configuration; of the evidence, only hex digits enter them, and only after
//! its PCK certificate has verified.

mod cache;
mod client;
mod health;
mod pcs;
mod signed;
mod sources;

use chassis_program::unix_now;
use chassis_verifier::{
    AnchorClaim, Endorsements, HostRegistryClaim, Memo, Policy,
    bundle::{Bundle, Tee},
    platform_id,
    td::{CertifiedPlatform, INTEL_ROOT, TdQuote},
};
use dcap_qvl::QuoteCollateralV3;
use tracing::debug;

pub use sources::{Sources, TcbUpdate};

use cache::{Cache, Worth};
use client::{Answer, Client};
use pcs::Pcs;

use crate::Error;

/// A host that is not listed is asked for again after so many seconds: it may be new.
const ABSENT_FOR: u64 = 60;

/// Fetches what others say about evidence.
#[derive(Clone, Debug)]
pub struct Endorser {
    cache: Cache,
    sources: Sources,
    pcs: Option<Pcs>,
    /// DER.
    intel_root: Vec<u8>,
    /// Signatures of PCK certificates.
    memo: Memo,
}

impl Endorser {
    /// A fetcher for these sources, of evidence that `policy` is to judge.
    ///
    /// # Errors
    /// If TLS or the folder for recordings cannot be set up.
    pub fn new(sources: Sources, policy: &Policy) -> Result<Self, Error> {
        let root = policy.danger_intel_root.as_deref().unwrap_or(INTEL_ROOT);
        Ok(Self {
            cache: Cache::new(Client::new(&sources)?, &sources),
            pcs: sources
                .pcs
                .as_deref()
                .map(|base| Pcs::new(base, &sources, root.to_vec())),
            intel_root: root.to_vec(),
            memo: Memo::default(),
            sources,
        })
    }

    /// The endorsement set for a bundle.
    ///
    /// A quote whose PCK certificate does not verify has nothing fetched for it: the appraisal will say why.
    ///
    /// # Errors
    /// If a source does not answer as it should. A host that is not listed is an answer.
    pub async fn endorse(&self, bundle: &Bundle, anchor: AnchorClaim) -> Result<Endorsements, Error> {
        let mut set = Endorsements {
            version: 1,
            anchor,
            tdx_collateral: None,
            provider_crls: Vec::new(),
            host_registry: Vec::new(),
        };
        let Tee::Tdx { quote, .. } = &bundle.evidence.tee;
        let certified = |quote: TdQuote<'_>| quote.certified_platform(Some(&self.intel_root), unix_now());
        let platform = TdQuote::parse(quote).map_err(|error| error.to_string());
        let platform = match self.memo.scope(|| platform.and_then(certified)) {
            Ok(platform) => platform,
            Err(problem) => {
                debug!(digest = %bundle.digest, problem, "nothing is fetched for it");
                return Ok(set);
            }
        };
        let (collateral, claim) = tokio::try_join!(self.collateral(&platform), self.host(&platform))?;
        set.tdx_collateral = Some(collateral);
        set.host_registry.extend(claim);
        for url in &self.sources.provider_crls {
            let crl = self.cache.get("provider_crl", url, |answer| {
                present(answer)?;
                signed::read_crl(&answer.body, answer.fetched_at)
            });
            set.provider_crls.push(crl.await?.body.clone());
        }
        Ok(set)
    }

    /// Which sources fail, in words.
    pub fn warnings(&self) -> Vec<String> {
        self.cache.health.warnings()
    }

    async fn collateral(&self, platform: &CertifiedPlatform) -> Result<QuoteCollateralV3, Error> {
        if let Some(pcs) = &self.pcs {
            return pcs.collateral(&self.cache, platform).await;
        }
        let fmspc = hex::encode(platform.fmspc);
        let template = self.sources.collateral.as_deref().unwrap_or_default();
        let url = template.replace("{fmspc}", &fmspc);
        let answer = self.cache.get("collateral", &url, |answer| {
            present(answer)?;
            pcs::check_whole(answer, &self.intel_root, &fmspc)
        });
        parse(&url, &*answer.await?)
    }

    async fn host(&self, platform: &CertifiedPlatform) -> Result<Option<HostRegistryClaim>, Error> {
        let Some(template) = &self.sources.host_registry else {
            return Ok(None);
        };
        let url = template.replace("{ppid}", &hex::encode(&platform.ppid));
        let wanted = platform_id(&platform.ppid);
        let answer = self.cache.get("host_registry", &url, |answer| {
            let worth = |seconds| Worth {
                until: answer.fetched_at + seconds,
                number: 0,
            };
            if answer.is_absent() {
                return Ok(worth(ABSENT_FOR.min(self.sources.unsigned_ttl_s)));
            }
            let claim: HostRegistryClaim =
                serde_json::from_slice(&answer.body).map_err(|error| error.to_string())?;
            if claim.platform_id != wanted {
                return Err("it speaks of another platform".into());
            }
            Ok(worth(self.sources.unsigned_ttl_s))
        });
        let answer = answer.await?;
        if answer.is_absent() {
            return Ok(None);
        }
        parse(&url, &answer).map(Some)
    }
}

fn present(answer: &Answer) -> Result<(), String> {
    if answer.is_absent() {
        return Err("status 404".into());
    }
    Ok(())
}

fn parse<T: serde::de::DeserializeOwned>(url: &str, answer: &Answer) -> Result<T, Error> {
    serde_json::from_slice(&answer.body).map_err(|error| Error::Endorsement {
        url: cache::nameless(url),
        problem: error.to_string(),
    })
}
