//! Asks other relayers.

use std::time::Duration;

use alloy::primitives::{Address, B256};
use chassis_program::unix_now;
use reqwest::{Client, redirect};
use serde::de::DeserializeOwned;

use super::{
    Inner, Peer,
    auth::{self, PATH},
    message::{Message, Refusal},
};
use crate::Error;

/// Largest answer that is no document, in bytes: 128 votes with eight reasons each.
pub(super) const ANSWER_LIMIT: usize = 512 << 10;

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);

/// The client for all peers. What another relayer answers never sends this one anywhere else.
pub(super) fn client() -> Result<Client, Error> {
    Client::builder()
        .connect_timeout(CONNECT)
        .redirect(redirect::Policy::none())
        .build()
        .map_err(|error| Error::Io {
            doing: "set up TLS for peers".into(),
            source: std::io::Error::other(error),
        })
}

/// What another relayer says, fit for logs and terminals.
pub(super) fn tame(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}

impl Inner {
    /// Where a member is reached; `None` if the configuration does not say.
    pub(super) fn peer(&self, address: Address) -> Option<&Peer> {
        self.config.peers.iter().find(|peer| peer.address == address)
    }

    /// Asks, and reads the answer.
    ///
    /// # Errors
    /// [`Error::Peer`]: it does not answer, refuses, or answers what is no answer.
    pub(super) async fn ask<T: DeserializeOwned>(&self, peer: &Peer, message: &Message) -> Result<T, Error> {
        let body = self.ask_bytes(peer, message, ANSWER_LIMIT).await?;
        serde_json::from_slice(&body).map_err(|error| Error::Peer {
            peer: peer.address,
            problem: format!("its answer to {} is unreadable: {error}", message.name()),
        })
    }

    /// Asks, and takes the answer of at most `limit` bytes as it is, if it is signed.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub(super) async fn ask_bytes(
        &self,
        peer: &Peer,
        message: &Message,
        limit: usize,
    ) -> Result<Vec<u8>, Error> {
        let asked = tokio::time::timeout(self.config.stage(), self.ask_unbounded(peer, message, limit)).await;
        let result = asked.unwrap_or_else(|_| Err(format!("no answer in {} s", self.config.stage_seconds)));
        let outcome = if result.is_ok() { "answered" } else { "failed" };
        metrics::counter!("chassis_cosign_requests_total", "message" => message.name(), "outcome" => outcome)
            .increment(1);
        result.map_err(|problem| Error::Peer {
            peer: peer.address,
            problem: format!("{}: {problem}", message.name()),
        })
    }

    async fn ask_unbounded(&self, peer: &Peer, message: &Message, limit: usize) -> Result<Vec<u8>, String> {
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let body = serde_json::to_vec(message).map_err(|error| text(&error))?;
        let signed = auth::sign_request(&self.signer, &self.domain, peer.address, &body, unix_now())
            .await
            .map_err(|error| text(&error))?;
        let url = peer
            .url
            .join(PATH.trim_start_matches('/'))
            .map_err(|error| text(&error))?;
        let mut request = self.client.post(url).header("content-type", "application/json");
        for (name, value) in &signed.headers {
            request = request.header(*name, value);
        }
        let mut answer = request
            .body(body)
            .send()
            .await
            .map_err(|error| text(&error.without_url()))?;
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| text(&error.without_url()))? {
            if bytes.len() + chunk.len() > limit {
                return Err(format!("it answers more than {limit} bytes"));
            }
            bytes.extend_from_slice(&chunk);
        }
        let status = answer.status();
        if !self.is_answer(peer.address, signed.digest, &answer, &bytes) {
            return Err(format!("status {status}, not signed by {}", peer.address));
        }
        if status.is_success() {
            return Ok(bytes);
        }
        let refusal = serde_json::from_slice::<Refusal>(&bytes);
        Err(refusal.map_or_else(|_| format!("status {status}"), |refusal| tame(&refusal.reason)))
    }

    fn is_answer(&self, peer: Address, request: B256, answer: &reqwest::Response, body: &[u8]) -> bool {
        let status = answer.status().as_u16();
        auth::verify_answer(peer, &self.domain, request, status, body, answer.headers())
    }
}

#[cfg(test)]
mod tests {
    use super::tame;

    #[test]
    fn what_others_say_commands_no_terminal_and_fills_no_log() {
        assert_eq!(tame("too\u{1b}[2J old\n"), "too[2J old");
        assert_eq!(tame(&"x".repeat(1_000)).len(), 300);
    }
}
