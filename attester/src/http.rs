//! HTTP as all of this crate does it: with time-outs and size limits, and without redirects. Whoever answers decides
//! neither where we connect next nor how much we read.

use std::time::Duration;

use reqwest::{Client, ClientBuilder, Response, Url, redirect::Policy};

pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);
const ANSWER_LIMIT: usize = 4 << 20;

pub(crate) fn client() -> Result<Client, String> {
    client_within(TIMEOUT)
}

/// A client that gives up on an answer that is not there, to its last byte, within `timeout`.
pub(crate) fn client_within(timeout: Duration) -> Result<Client, String> {
    builder(timeout).build().map_err(problem)
}

/// A client for an address that is this machine's own affair: no proxy is asked.
pub(crate) fn direct_client() -> Result<Client, String> {
    builder(TIMEOUT).no_proxy().build().map_err(problem)
}

fn builder(timeout: Duration) -> ClientBuilder {
    Client::builder()
        .timeout(timeout)
        .redirect(Policy::none())
        .user_agent(concat!("chassis-node/", env!("CARGO_PKG_VERSION")))
}

pub(crate) fn parse_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("`{text}` is no URL: {error}"))?;
    if matches!(url.scheme(), "http" | "https") {
        Ok(url)
    } else {
        Err(format!("scheme `{}` is neither http nor https", url.scheme()))
    }
}

/// What may be shown of `url`: its path and user often hold credentials.
pub(crate) fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

pub(crate) async fn body(mut response: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(problem)? {
        if body.len() + chunk.len() > ANSWER_LIMIT {
            return Err(format!("its answer is longer than {ANSWER_LIMIT} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// An error with its causes, without the URL.
pub(crate) fn problem(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Text from elsewhere must not move the cursor of an operator's terminal, turn its writing round, or fill it.
pub(crate) fn printable(text: &str) -> String {
    const LONGEST: usize = 2000;
    let moves = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.trim()
        .chars()
        .take(LONGEST)
        .map(|c| if moves(c) { ' ' } else { c })
        .collect()
}
