//! Appraisals by the digest that was posted, from an archive. Nothing in them is believed: they are shown as what the archive
//! says, and every word of them is text.

use std::{path::Path, time::Duration};

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

/// Where appraisals are: the first place that has one is asked no further. None at all is possible.
#[derive(Clone, Debug, Default)]
pub struct Results(Vec<Place>);

#[derive(Clone, Debug)]
enum Place {
    /// The relayer's own archive, or another folder.
    Folder(Archive),
    /// A relayer's interface, without `/v1/…`.
    Remote { client: Client, url: Url },
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
    /// The relayer's own archive.
    pub fn own(archive: Archive) -> Self {
        Self(vec![Place::Folder(archive)])
    }

    /// Relayers' interfaces, where a place begins with `http`; otherwise folders of archives.
    ///
    /// # Errors
    /// If one is neither.
    pub fn open(places: &[String]) -> Result<Self, Error> {
        let places = places.iter().map(|place| Place::open(place));
        places.collect::<Result<_, _>>().map(Self)
    }

    /// An archive's address, for others to use. One with a password or a key in it is not theirs.
    pub(super) fn public_url(&self) -> Option<&Url> {
        self.0.iter().find_map(|place| match place {
            Place::Remote { url, .. } => {
                let is_plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
                is_plain.then_some(url)
            }
            Place::Folder(_) => None,
        })
    }

    pub(super) fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// The appraisal with this digest. `None`: it is not there. The error: what is there cannot be read.
    pub(super) async fn get(&self, digest: B256) -> Result<Option<Appraised>, String> {
        let mut problem = None;
        for place in &self.0 {
            match place.get(digest).await {
                Ok(Some(appraised)) => return Ok(Some(appraised)),
                Ok(None) => {}
                Err(found) => problem = Some(found),
            }
        }
        problem.map_or(Ok(None), Err)
    }
}

impl Place {
    fn open(place: &str) -> Result<Self, Error> {
        let wrong = |problem: String| Error::Io {
            doing: format!("open the archive {place}"),
            source: std::io::Error::other(problem),
        };
        if place.starts_with("http://") || place.starts_with("https://") {
            let client = Client::builder()
                .redirect(redirect::Policy::none())
                .timeout(PATIENCE)
                .build();
            return Ok(Self::Remote {
                client: client.map_err(|error| wrong(error.to_string()))?,
                url: place.parse().map_err(|error| wrong(format!("{error}")))?,
            });
        }
        let folder = Path::new(place);
        if !folder.is_dir() {
            return Err(wrong("it is neither an http(s) URL nor a folder".into()));
        }
        Archive::open(folder).map(Self::Folder)
    }

    async fn get(&self, digest: B256) -> Result<Option<Appraised>, String> {
        let document = match self {
            Self::Folder(archive) => {
                let document = archive.get(Kind::Result, digest).await;
                document.map_err(|error| error.topic())?
            }
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
