//! Archived documents, from a relayer's HTTP interface or from a folder. None is believed: each has its hash for a name.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use alloy::primitives::B256;
use reqwest::{Response, StatusCode, Url, header::RETRY_AFTER};

use crate::{
    Error,
    archive::{Archive, Kind},
};

/// More than any document a relayer takes.
const LIMIT: usize = 8 << 20;
const PATIENCE: Duration = Duration::from_mins(1);
/// How often a relayer may ask to come later.
const TRIES: usize = 10;

/// Where documents are asked for.
pub(super) enum Documents {
    Relayer(Relayer),
    Folder(Archive),
}

pub(super) struct Relayer {
    base: Url,
    client: reqwest::Client,
    /// It was waited for as long as it may be, so it is not asked again.
    is_given_up: AtomicBool,
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
            return Ok(Self::Relayer(Relayer {
                base: url,
                client,
                is_given_up: AtomicBool::new(false),
            }));
        }
        let folder = PathBuf::from(place);
        if !folder.is_dir() {
            return Err(wrong("it is neither an http(s) URL nor a folder".into()));
        }
        Archive::open(&folder).map(Self::Folder)
    }

    /// A document, or why it is not to be had here.
    pub(super) async fn get(&self, kind: Kind, digest: B256) -> Result<Vec<u8>, String> {
        match self {
            Self::Folder(archive) => match archive.get(kind, digest).await {
                Ok(Some(document)) => Ok(document),
                Ok(None) => Err("it is not in the archive".into()),
                Err(error) => Err(error.to_string()),
            },
            Self::Relayer(relayer) => {
                let answer = relayer.fetch(kind, digest).await;
                // What it says goes into findings, and its URL may hold a password.
                answer.map_err(|why| format!("{}: {why}", relayer.host()))
            }
        }
    }
}

impl Relayer {
    /// Its name, without what its URL may hold in confidence.
    fn host(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        match self.base.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// Asks again as long as the relayer says when to.
    async fn fetch(&self, kind: Kind, digest: B256) -> Result<Vec<u8>, String> {
        if self.is_given_up.load(Ordering::Relaxed) {
            return Err(format!(
                "it asked {TRIES} times to come later, and is not asked any more"
            ));
        }
        // Relayers answer to `bundles` with what became of one, not with the evidence.
        let folder = if kind == Kind::Bundle {
            "evidence"
        } else {
            kind.folder()
        };
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["v1", folder, &digest.to_string()]);
        }
        for _ in 0..TRIES {
            let answer = self.client.get(url.clone()).send().await;
            let answer = answer.map_err(|error| error.without_url().to_string())?;
            let later = answer
                .headers()
                .get(RETRY_AFTER)
                .and_then(|text| text.to_str().ok()?.parse().ok());
            match (answer.status(), later) {
                (StatusCode::OK, _) => return document(answer, kind, digest).await,
                (StatusCode::NOT_FOUND, _) => return Err("it does not have it".into()),
                (StatusCode::FORBIDDEN, _) => {
                    return Err("its operator has not made it public: only an archive itself (--archive FOLDER) has it".into());
                }
                (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE, Some(seconds)) => {
                    tokio::time::sleep(Duration::from_secs(seconds).min(PATIENCE)).await;
                }
                (status, _) => return Err(status.to_string()),
            }
        }
        self.is_given_up.store(true, Ordering::Relaxed);
        Err(format!("it asked {TRIES} times to come later"))
    }
}

async fn document(mut answer: Response, kind: Kind, digest: B256) -> Result<Vec<u8>, String> {
    let mut document = Vec::new();
    while let Some(part) = answer
        .chunk()
        .await
        .map_err(|error| error.without_url().to_string())?
    {
        document.extend_from_slice(&part);
        if document.len() > LIMIT {
            return Err(format!("it is larger than {LIMIT} bytes"));
        }
    }
    if kind.matches(digest, &document) {
        Ok(document)
    } else {
        Err("what the relayer sent has another hash".into())
    }
}

#[cfg(test)]
mod tests {
    use axum::{Router, http::StatusCode, routing::get};
    use chassis_verifier::sha256;

    use super::*;

    /// Answers everything with this, and the second time with `then`.
    async fn serve(first: StatusCode, then: StatusCode) -> String {
        serve_times(1, first, then).await
    }

    async fn serve_times(times: usize, first: StatusCode, then: StatusCode) -> String {
        let calls = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let answer = move || {
            let call = calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            async move {
                (
                    if call < times { first } else { then },
                    [("retry-after", "0")],
                    "{}",
                )
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let router = Router::new().route("/{*path}", get(answer));
        tokio::spawn(async { axum::serve(listener, router).await });
        url
    }

    #[tokio::test]
    async fn an_archive_that_fails_says_so_and_one_that_asks_to_wait_is_waited_for() {
        let get = async |url: &str| {
            Documents::open(url)
                .unwrap()
                .get(Kind::Policy, sha256(b"{}"))
                .await
        };
        let ok = StatusCode::OK;
        assert_eq!(get(&serve(ok, ok).await).await.unwrap(), b"{}");
        for later in [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE] {
            assert_eq!(get(&serve(later, ok).await).await.unwrap(), b"{}", "{later}");
            let why = get(&serve(later, later).await).await.unwrap_err();
            assert!(why.contains("come later"), "{why}");
        }
        let broken = StatusCode::INTERNAL_SERVER_ERROR;
        let why = get(&serve(broken, ok).await).await.unwrap_err();
        assert!(why.contains("500"), "{why}");
        let why = get("http://127.0.0.1:9").await.unwrap_err();
        assert!(why.contains("127.0.0.1:9"), "{why}");
    }

    #[tokio::test]
    async fn an_archive_is_asked_under_its_own_path_and_with_its_own_query() {
        let asked = sha256(b"{}");
        let expected = format!("/deep/v1/policies/{asked}?key=secret");
        let answer = move |uri: axum::http::Uri| {
            let status = if uri == expected.as_str() {
                StatusCode::OK
            } else {
                StatusCode::NOT_FOUND
            };
            async move { (status, "{}") }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap();
        let router = Router::new().fallback(answer);
        tokio::spawn(async { axum::serve(listener, router).await });
        for (place, is_it) in [
            ("deep?key=secret", true),
            ("deep/?key=secret", true),
            ("deep/", false),
            ("?key=secret", false),
        ] {
            let archive = Documents::open(&format!("http://{host}/{place}")).unwrap();
            let answer = archive.get(Kind::Policy, asked).await;
            assert_eq!(answer.is_ok(), is_it, "{place}: {answer:?}");
        }
    }

    #[tokio::test]
    async fn one_that_asks_to_wait_for_too_long_is_not_asked_again() {
        let digest = sha256(b"{}");
        for (times, is_given_up) in [(TRIES - 1, false), (TRIES, true)] {
            let url = serve_times(times, StatusCode::TOO_MANY_REQUESTS, StatusCode::OK).await;
            let archive = Documents::open(&url).unwrap();
            assert_eq!(archive.get(Kind::Policy, digest).await.is_err(), is_given_up);
            let again = archive.get(Kind::Policy, digest).await;
            assert_eq!(again.is_err(), is_given_up, "it would have it by now");
        }
    }

    #[tokio::test]
    async fn findings_name_an_archive_by_its_host_alone() {
        for status in [
            StatusCode::NOT_FOUND,
            StatusCode::FORBIDDEN,
            StatusCode::BAD_GATEWAY,
        ] {
            let url = serve(status, status).await;
            let host = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
            let url = format!("http://me:secret@{host}/?key=secret");
            let archive = Documents::open(&url).unwrap();
            let why = archive.get(Kind::Policy, sha256(b"{}")).await.unwrap_err();
            assert!(why.starts_with(&host) && !why.contains("secret"), "{why}");
        }
        let archive = Documents::open("http://me:secret@127.0.0.1:9/?key=secret").unwrap();
        let why = archive.get(Kind::Policy, sha256(b"{}")).await.unwrap_err();
        assert!(
            why.starts_with("127.0.0.1:9: ") && !why.contains("secret"),
            "{why}"
        );
    }
}
