//! One request, one answer: in time, of bounded size, from where it was asked and nowhere else.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use chassis_program::unix_now;
use chassis_verifier::{Base64, sha256};
use reqwest::{StatusCode, redirect};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use super::Sources;
use crate::Error;

/// What a source said. As JSON: a recording.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Answer {
    pub(super) url: String,
    /// Unix seconds. What an answer is dated by, so that a recording is judged as of its own time.
    pub(super) fetched_at: u64,
    /// 200 or 404: everything else is a failure.
    pub(super) status: u16,
    /// Issuer chains, by lower-case name.
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Base64,
}

impl Answer {
    /// The source says that there is no such thing.
    pub(super) fn is_absent(&self) -> bool {
        self.status == StatusCode::NOT_FOUND
    }
}

/// Asks the network, or a folder of recordings.
#[derive(Clone, Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    permits: Arc<Semaphore>,
    max_bytes: usize,
    record: Option<PathBuf>,
    replay: Option<PathBuf>,
}

impl Client {
    pub(super) fn new(sources: &Sources) -> Result<Self, Error> {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(sources.timeout_s))
            .redirect(redirect::Policy::none())
            .user_agent(concat!("chassis/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Error::Io {
                doing: "set up TLS".into(),
                source: std::io::Error::other(error),
            })?;
        if let Some(folder) = &sources.record_dir {
            std::fs::create_dir_all(folder).map_err(|source| Error::Io {
                doing: format!("make {}", folder.display()),
                source,
            })?;
        }
        Ok(Self {
            http,
            permits: Arc::new(Semaphore::new(sources.max_concurrent)),
            max_bytes: sources.max_bytes,
            record: sources.record_dir.clone(),
            replay: sources.replay_dir.clone(),
        })
    }

    /// Whether answers are recordings, and so never become stale.
    pub(super) fn replays(&self) -> bool {
        self.replay.is_some()
    }

    /// Asks once.
    pub(super) async fn get(&self, url: &str) -> Result<Answer, String> {
        if let Some(folder) = &self.replay {
            return replay(folder, url, self.max_bytes);
        }
        // Never closed.
        let _permit = self.permits.acquire().await.map_err(|error| error.to_string())?;
        let answer = self.ask(url).await?;
        if let Some(folder) = &self.record {
            record(folder, &answer).map_err(|error| format!("record in {}: {error}", folder.display()))?;
        }
        Ok(answer)
    }

    async fn ask(&self, url: &str) -> Result<Answer, String> {
        let mut answer = self.http.get(url).send().await.map_err(reason)?;
        let status = answer.status();
        if status.is_redirection() {
            return Err(format!(
                "status {status}: redirects are not followed, configure the final URL"
            ));
        }
        if status != StatusCode::OK && status != StatusCode::NOT_FOUND {
            return Err(format!("status {status}"));
        }
        let headers = answer
            .headers()
            .iter()
            .filter(|(name, _)| name.as_str().ends_with(ISSUER_CHAIN));
        let headers = headers
            .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
            .collect();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(reason)? {
            if body.len() + chunk.len() > self.max_bytes {
                return Err(format!("more than {} bytes", self.max_bytes));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer {
            url: url.to_owned(),
            fetched_at: unix_now(),
            status: status.as_u16(),
            headers,
            body: Base64(body),
        })
    }
}

/// Whole or not at all.
fn record(folder: &Path, answer: &Answer) -> std::io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer_pretty(&mut file, answer)?;
    file.persist(path(folder, &answer.url))?;
    Ok(())
}

fn replay(folder: &Path, url: &str, max_bytes: usize) -> Result<Answer, String> {
    let path = path(folder, url);
    let text = std::fs::read(&path).map_err(|error| format!("not recorded: {}: {error}", path.display()))?;
    let answer: Answer =
        serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    if answer.url != url {
        return Err(format!("{} is the answer of {}", path.display(), answer.url));
    }
    if answer.body.len() > max_bytes {
        return Err(format!("more than {max_bytes} bytes"));
    }
    Ok(answer)
}

fn path(folder: &Path, url: &str) -> PathBuf {
    folder.join(format!("{}.json", hex::encode(sha256(url.as_bytes()))))
}

/// The cause, without the URL, which the error that carries it names.
fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// How Intel's service names the headers that hold certificates.
const ISSUER_CHAIN: &str = "issuer-chain";
