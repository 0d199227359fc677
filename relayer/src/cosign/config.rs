//! `[cosign]`: who the other relayers are, and how long they are waited for.
//!
//! Who may sign, and how many must, is the registry's to say. This section only tells where members can be reached.

use std::{net::IpAddr, time::Duration};

use alloy::primitives::Address;
use reqwest::Url;
use serde::{Deserialize, Serialize};

/// The section's content.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cosign {
    /// Where the other members of the relayer set are reached.
    pub peers: Vec<Peer>,
    /// How long a peer is waited for, and how long the next in turn waits, seconds. Less than `limits.request_timeout_s`.
    pub stage_seconds: u64,
    /// Most bundles in one proposal, sent or taken.
    pub max_items: usize,
    /// Messages that one peer may send at once.
    pub max_concurrent: usize,
    /// Messages that one peer may send in a minute.
    pub max_per_minute: u32,
    /// Lets peers' URLs be `http://` beyond this machine. What is sent is signed either way; without TLS everybody on
    /// the path reads evidence that operators may have wanted kept from the public.
    pub danger_cleartext: bool,
}

/// One other relayer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Peer {
    /// The address under which the registry knows it.
    pub address: Address,
    /// Where its HTTP interface is, without `/v1/cosign`.
    pub url: Url,
}

impl Default for Cosign {
    fn default() -> Self {
        Self {
            peers: Vec::new(),
            stage_seconds: 20,
            max_items: 64,
            max_concurrent: 4,
            max_per_minute: 600,
            danger_cleartext: false,
        }
    }
}

impl Cosign {
    /// How long one stage lasts.
    pub fn stage(&self) -> Duration {
        Duration::from_secs(self.stage_seconds)
    }

    /// Everything wrong with the section. `own`: this relayer's address.
    pub fn mistakes(&self, own: Option<Address>) -> Vec<String> {
        let mut mistakes = Vec::new();
        for (index, peer) in self.peers.iter().enumerate() {
            let at = format!("cosign.peers[{index}]");
            if Some(peer.address) == own {
                mistakes.push(format!("{at}: {} is this relayer itself", peer.address));
            }
            if self.peers[..index]
                .iter()
                .any(|other| other.address == peer.address)
            {
                mistakes.push(format!("{at}: {} is listed twice", peer.address));
            }
            match peer.url.scheme() {
                "https" => {}
                "http" if self.danger_cleartext || is_loopback(&peer.url) => {}
                "http" => mistakes.push(format!(
                    "{at}: `{}` is not https; set cosign.danger_cleartext to send evidence in the clear",
                    peer.url
                )),
                _ => mistakes.push(format!("{at}: `{}` is no http(s) URL", peer.url)),
            }
        }
        let limits = [
            ("stage_seconds", self.stage_seconds, 1, 25),
            ("max_items", as_u64(self.max_items), 1, 128),
            ("max_concurrent", as_u64(self.max_concurrent), 1, 64),
            ("max_per_minute", self.max_per_minute.into(), 10, 100_000),
        ];
        for (name, value, least, most) in limits {
            if !(least..=most).contains(&value) {
                mistakes.push(format!("cosign.{name} is {value}: from {least} to {most}"));
            }
        }
        mistakes
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || literal.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

fn as_u64(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(byte: u8, url: &str) -> Peer {
        Peer {
            address: Address::repeat_byte(byte),
            url: url.parse().unwrap(),
        }
    }

    #[test]
    fn nothing_is_needed() {
        let cosign: Cosign = toml::from_str("").unwrap();
        assert_eq!(cosign.mistakes(Some(Address::ZERO)), [""; 0]);
        assert_eq!(cosign.stage(), Duration::from_secs(20));
    }

    #[test]
    fn cleartext_stays_on_this_machine() {
        let mut cosign = Cosign {
            peers: vec![
                peer(1, "http://127.0.0.1:1"),
                peer(2, "http://[::1]:1"),
                peer(3, "http://localhost:1"),
                peer(4, "https://relayer.example"),
            ],
            ..Cosign::default()
        };
        assert_eq!(cosign.mistakes(None), [""; 0]);
        cosign.peers = vec![peer(1, "http://127.0.0.1.example"), peer(2, "http://10.0.0.1")];
        let mistakes = cosign.mistakes(None);
        assert_eq!(mistakes.len(), 2, "{mistakes:?}");
        cosign.danger_cleartext = true;
        assert_eq!(cosign.mistakes(None), [""; 0]);
        cosign.peers = vec![peer(1, "ftp://relayer.example")];
        assert_eq!(cosign.mistakes(None).len(), 1);
    }

    #[test]
    fn every_mistake_is_named() {
        let own = Address::repeat_byte(1);
        let cosign = Cosign {
            peers: vec![peer(1, "https://a"), peer(2, "https://b"), peer(2, "https://c")],
            stage_seconds: 0,
            max_items: 129,
            max_concurrent: 0,
            max_per_minute: 9,
            ..Cosign::default()
        };
        let mistakes = cosign.mistakes(Some(own)).join("\n");
        for part in [
            "itself",
            "twice",
            "stage_seconds",
            "max_items",
            "max_concurrent",
            "max_per_minute",
        ] {
            assert!(mistakes.contains(part), "{part} in {mistakes}");
        }
    }
}
