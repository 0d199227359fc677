//! Archived documents, from a relayer's HTTP interface or from a folder. None is believed: each has its hash for a name.

use std::path::PathBuf;

use alloy::primitives::B256;
use reqwest::{StatusCode, Url};

use crate::{
    Error,
    archive::{Archive, Kind},
};

/// More than any document a relayer takes.
const LIMIT: usize = 8 << 20;
const PATIENCE: std::time::Duration = std::time::Duration::from_mins(1);

/// Where documents are asked for.
pub(super) enum Documents {
    Relayer(Url, reqwest::Client),
    Folder(Archive),
}

impl Documents {
    /// A URL that begins with `http`, or a folder.
    pub(super) fn open(place: &str) -> Result<Self, Error> {
        let wrong = |problem: String| Error::Io {
            doing: format!("open the archive {place}"),
            source: std::io::Error::other(problem),
        };
        if place.starts_with("http://") || place.starts_with("https://") {
            let url: Url = place.parse().map_err(|error| wrong(format!("{error}")))?;
            let client = reqwest::Client::builder()
                .timeout(PATIENCE)
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .map_err(|error| wrong(error.to_string()))?;
            return Ok(Self::Relayer(url, client));
        }
        let folder = PathBuf::from(place);
        if !folder.is_dir() {
            return Err(wrong("it is neither an http(s) URL nor a folder".into()));
        }
        Archive::open(&folder).map(Self::Folder)
    }

    /// A document; the inner error is why it is not to be had.
    pub(super) async fn get(&self, kind: Kind, digest: B256) -> Result<Result<Vec<u8>, String>, Error> {
        match self {
            Self::Folder(archive) => match archive.get(kind, digest).await {
                Ok(Some(document)) => Ok(Ok(document)),
                Ok(None) => Ok(Err("it is not in the archive".into())),
                Err(error @ Error::ArchiveCorrupt { .. }) => Ok(Err(error.to_string())),
                Err(error) => Err(error),
            },
            Self::Relayer(base, client) => fetch(client, base, kind, digest).await,
        }
    }
}

async fn fetch(
    client: &reqwest::Client,
    base: &Url,
    kind: Kind,
    digest: B256,
) -> Result<Result<Vec<u8>, String>, Error> {
    // Relayers answer to `bundles` with what became of one, not with the evidence.
    let folder = if kind == Kind::Bundle {
        "evidence"
    } else {
        kind.folder()
    };
    let url = format!("{}/v1/{folder}/{digest}", base.as_str().trim_end_matches('/'));
    let failed = |problem: String| Error::Io {
        doing: format!("fetch {url}"),
        source: std::io::Error::other(problem),
    };
    let mut answer = client
        .get(&url)
        .send()
        .await
        .map_err(|error| failed(error.to_string()))?;
    match answer.status() {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND => return Ok(Err("the relayer does not have it".into())),
        StatusCode::FORBIDDEN => {
            return Ok(Err("its operator shows it to credentialed auditors only".into()));
        }
        status => return Err(failed(status.to_string())),
    }
    let mut document = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(|error| failed(error.to_string()))? {
        document.extend_from_slice(&part);
        if document.len() > LIMIT {
            return Ok(Err(format!("it is larger than {LIMIT} bytes")));
        }
    }
    if kind.matches(digest, &document) {
        Ok(Ok(document))
    } else {
        Ok(Err("what the relayer sent has another hash".into()))
    }
}
