//! Appraisals by the digest that was posted, from an archive. Nothing in them is believed: they are shown as what the archive
//! says, and every word of them is text.

use std::time::Duration;

use alloy::primitives::B256;
use reqwest::{Client, Url, redirect};
use serde::Deserialize;

use crate::{
    Error,
    archive::{Archive, Kind},
};

/// Largest document that is read.
const LARGEST: usize = 1 << 20;
const PATIENCE: Duration = Duration::from_secs(4);

/// Where appraisals are.
#[derive(Clone, Debug)]
pub enum Results {
    /// Nowhere.
    None,
    /// In the relayer's own archive.
    Own(Archive),
    /// At a relayer's interface.
    Remote {
        /// Asks it.
        client: Client,
        /// Where it answers, without `/v1/…`.
        url: Url,
    },
}

/// An appraisal as its document says.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Appraised {
    pub(super) digest: B256,
    pub(super) evidence_digest: B256,
    pub(super) policy_digest: B256,
    pub(super) endorsements_digest: B256,
    pub(super) as_of: u64,
    pub(super) checks: Vec<Checked>,
}

/// One check.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Checked {
    pub(super) id: u16,
    pub(super) name: String,
    pub(super) outcome: String,
    #[serde(default)]
    pub(super) detail: String,
    #[serde(default)]
    pub(super) rule: Option<String>,
}

impl Results {
    /// A relayer's interface.
    ///
    /// # Errors
    /// If no client can be made.
    pub fn remote(url: Url) -> Result<Self, Error> {
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .timeout(PATIENCE)
            .build();
        let client = client.map_err(|error| Error::Rpc(format!("cannot ask {url}: {error}")))?;
        Ok(Self::Remote { client, url })
    }

    /// The archive's address, for others to use. One with a password or a key in it is not theirs.
    pub(super) fn public_url(&self) -> Option<&Url> {
        match self {
            Self::Remote { url, .. } => {
                let is_plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
                is_plain.then_some(url)
            }
            Self::None | Self::Own(_) => None,
        }
    }

    pub(super) fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// The appraisal with this digest. `None`: it is not there. The inner error: what is there cannot be read.
    pub(super) async fn get(&self, digest: B256) -> Result<Option<Appraised>, String> {
        let document = match self {
            Self::None => return Ok(None),
            Self::Own(archive) => archive
                .get(Kind::Result, digest)
                .await
                .map_err(|error| error.topic())?,
            Self::Remote { client, url } => fetch(client, url, digest).await?,
        };
        let Some(document) = document else { return Ok(None) };
        let appraised: Appraised = serde_json::from_slice(&document)
            .map_err(|_| "the archive's document is no appraisal".to_owned())?;
        if appraised.digest != digest {
            return Err("the archive's document has another digest".into());
        }
        Ok(Some(appraised))
    }
}

async fn fetch(client: &Client, url: &Url, digest: B256) -> Result<Option<Vec<u8>>, String> {
    let base = url.as_str().trim_end_matches('/');
    let away = |_| "the archive cannot be reached".to_owned();
    let mut answer = client
        .get(format!("{base}/v1/results/{digest}"))
        .send()
        .await
        .map_err(away)?;
    if answer.status() == 404 {
        return Ok(None);
    }
    if !answer.status().is_success() {
        return Err(format!("the archive answers {}", answer.status()));
    }
    let mut document = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(away)? {
        if document.len() + piece.len() > LARGEST {
            return Err("the archive's document is too large".into());
        }
        document.extend_from_slice(&piece);
    }
    Ok(Some(document))
}
