//! Fetches endorsements. URLs come from the configuration; of the evidence, only hex digits enter them.

use std::time::Duration;

use chassis_verifier::{
    AnchorClaim, Base64, Endorsements, HostRegistryClaim,
    bundle::{Bundle, Tee},
    platform_id,
};
use dcap_qvl::{QuoteCollateralV3, intel, quote::Quote};
use reqwest::{Client, StatusCode, redirect};

use crate::{Error, config::Sources};

/// Largest answer accepted, in bytes.
const LIMIT: usize = 1 << 20;

/// Fetches what others say about evidence.
#[derive(Clone, Debug)]
pub struct Endorser {
    client: Client,
    sources: Sources,
}

impl Endorser {
    /// A fetcher for these sources.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub fn new(sources: Sources) -> Result<Self, Error> {
        let client = Client::builder()
            .timeout(Duration::from_secs(20))
            .redirect(redirect::Policy::none())
            .build()
            .map_err(|error| Error::Endorsement {
                url: "client".into(),
                problem: error.to_string(),
            })?;
        Ok(Self { client, sources })
    }

    /// The endorsement set for a bundle.
    ///
    /// # Errors
    /// If a source does not answer as it should. A host that is not listed is an answer.
    pub async fn endorse(&self, bundle: &Bundle, anchor: AnchorClaim) -> Result<Endorsements, Error> {
        let platform = Platform::of(bundle);
        let mut set = Endorsements {
            version: 1,
            anchor,
            tdx_collateral: None,
            provider_crls: Vec::new(),
            host_registry: Vec::new(),
        };
        for url in &self.sources.provider_crls {
            set.provider_crls
                .push(Base64(self.fetch(url).await?.ok_or_else(|| absent(url))?));
        }
        // Without a readable platform there is nothing to ask for, and the appraisal will say why.
        let Some(platform) = platform else { return Ok(set) };
        let url = self
            .sources
            .collateral
            .replace("{fmspc}", &hex::encode(platform.fmspc));
        if let Some(collateral) = self.fetch(&url).await? {
            set.tdx_collateral = Some(parse::<QuoteCollateralV3>(&url, &collateral)?);
        }
        if let Some(template) = &self.sources.host_registry {
            let url = template.replace("{ppid}", &hex::encode(&platform.ppid));
            if let Some(claim) = self.fetch(&url).await? {
                let claim = parse::<HostRegistryClaim>(&url, &claim)?;
                if claim.platform_id != platform_id(&platform.ppid) {
                    return Err(Error::Endorsement {
                        url,
                        problem: "it speaks of another platform".into(),
                    });
                }
                set.host_registry.push(claim);
            }
        }
        Ok(set)
    }

    /// `None`: the source says that there is no such thing.
    async fn fetch(&self, url: &str) -> Result<Option<Vec<u8>>, Error> {
        let fail = |problem: String| Error::Endorsement {
            url: url.to_owned(),
            problem,
        };
        let mut answer = self
            .client
            .get(url)
            .send()
            .await
            .map_err(|error| fail(error.to_string()))?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        if !answer.status().is_success() {
            return Err(fail(format!("status {}", answer.status())));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| fail(error.to_string()))? {
            if body.len() + chunk.len() > LIMIT {
                return Err(fail(format!("more than {LIMIT} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Some(body))
    }
}

/// What the quote's PCK certificate says about the machine. Not verified: it decides only what is asked for.
struct Platform {
    fmspc: [u8; 6],
    ppid: Vec<u8>,
}

impl Platform {
    fn of(bundle: &Bundle) -> Option<Self> {
        let Tee::Tdx { quote, .. } = &bundle.evidence.tee;
        let quote = Quote::parse(quote).ok()?;
        let chain = intel::extract_cert_chain(&quote).ok()?;
        let pck = intel::parse_pck_extension(chain.first()?).ok()?;
        Some(Self {
            fmspc: pck.fmspc,
            ppid: pck.ppid,
        })
    }
}

fn parse<T: serde::de::DeserializeOwned>(url: &str, body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|error| Error::Endorsement {
        url: url.to_owned(),
        problem: error.to_string(),
    })
}

fn absent(url: &str) -> Error {
    Error::Endorsement {
        url: url.to_owned(),
        problem: "not found".into(),
    }
}
