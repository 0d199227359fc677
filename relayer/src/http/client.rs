//! Who asks, and how often it may.

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    num::NonZeroU32,
    time::Duration,
};

use axum::http::{HeaderMap, HeaderName};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter, clock::Clock};

use crate::config::LimitSection;

/// Whom a request is counted for: an address, or a network of IPv6.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client(pub(crate) IpAddr);

/// Counts requests by client.
#[derive(Debug)]
pub struct Clients {
    limiter: Option<DefaultKeyedRateLimiter<IpAddr>>,
    header: Option<HeaderName>,
    proxies: Vec<IpAddr>,
}

impl Clients {
    /// Nobody has asked yet.
    pub fn new(limits: &LimitSection) -> Self {
        let burst = NonZeroU32::new(limits.client_burst).unwrap_or(NonZeroU32::MIN);
        let limiter = NonZeroU32::new(limits.client_per_second)
            .map(|rate| RateLimiter::keyed(Quota::per_second(rate).allow_burst(burst)));
        Self {
            limiter,
            header: limits
                .client_header
                .as_deref()
                .and_then(|name| HeaderName::try_from(name).ok()),
            proxies: limits.proxies.clone(),
        }
    }

    /// Who asks.
    pub(super) fn identify(&self, peer: SocketAddr, headers: &HeaderMap) -> Client {
        Client(network(self.client(peer.ip(), headers)))
    }

    /// Counts a request.
    ///
    /// # Errors
    /// How long until this client may ask again.
    pub(super) fn admit(&self, Client(client): Client) -> Result<(), Duration> {
        let Some(limiter) = &self.limiter else {
            return Ok(());
        };
        limiter
            .check_key(&client)
            .map_err(|refused| refused.wait_time_from(limiter.clock().now()))
    }

    /// Whose share of something a request takes. `None`: a proxy's that does not tell for whom it asks.
    pub(super) fn who(&self, peer: SocketAddr, headers: &HeaderMap) -> Option<IpAddr> {
        let client = self.client(peer.ip(), headers);
        (!self.proxies.contains(&client)).then(|| network(client))
    }

    /// Forgets clients that have all their requests saved up again, so that nobody fills the memory with addresses.
    pub fn forget(&self) {
        if let Some(limiter) = &self.limiter {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }

    /// A proxy appends the address that it sees, so only the last one is its own word.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        let Some(header) = &self.header else { return peer };
        if !self.proxies.contains(&peer) {
            return peer;
        }
        let told = headers.get_all(header).iter().next_back();
        let told = told.and_then(|value| value.to_str().ok()?.rsplit(',').next());
        told.and_then(|address| address.trim().parse::<IpAddr>().ok())
            .map_or(peer, |address| address.to_canonical())
    }
}

/// Whoever has one IPv6 address has the whole /64.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let prefix = address.to_bits() & !u128::from(u64::MAX);
            Ipv6Addr::from_bits(prefix).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clients(header: Option<&str>) -> Clients {
        Clients::new(&LimitSection {
            client_per_second: 1,
            client_burst: 2,
            client_header: header.map(str::to_owned),
            ..LimitSection::default()
        })
    }

    fn forwarded(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", value.parse().unwrap());
        headers
    }

    fn peer(address: &str) -> SocketAddr {
        SocketAddr::new(address.parse().unwrap(), 1)
    }

    #[test]
    fn one_client_cannot_use_up_anothers_requests() {
        let clients = clients(None);
        let none = HeaderMap::new();
        for _ in 0..2 {
            assert!(clients.admit(clients.identify(peer("192.0.2.1"), &none)).is_ok());
        }
        let wait = clients
            .admit(clients.identify(peer("192.0.2.1"), &none))
            .unwrap_err();
        assert!(wait <= Duration::from_secs(1), "{wait:?}");
        assert!(clients.admit(clients.identify(peer("192.0.2.2"), &none)).is_ok());
    }

    #[test]
    fn a_network_of_ipv6_addresses_is_one_client() {
        let clients = clients(None);
        let none = HeaderMap::new();
        for host in 1..=2 {
            assert!(
                clients
                    .admit(clients.identify(peer(&format!("2001:db8::{host}")), &none))
                    .is_ok()
            );
        }
        assert!(
            clients
                .admit(clients.identify(peer("2001:db8::3"), &none))
                .is_err()
        );
        assert!(
            clients
                .admit(clients.identify(peer("2001:db8:0:1::3"), &none))
                .is_ok()
        );
    }

    #[test]
    fn only_a_known_proxy_is_believed_and_only_its_own_word() {
        let clients = clients(Some("x-forwarded-for"));
        let (proxy, stranger) = ("127.0.0.1".parse().unwrap(), "192.0.2.9".parse().unwrap());
        let forged = forwarded("198.51.100.1, 192.0.2.7");
        assert_eq!(clients.client(proxy, &forged).to_string(), "192.0.2.7");
        assert_eq!(clients.client(stranger, &forged).to_string(), "192.0.2.9");
        assert_eq!(
            clients.client(proxy, &forwarded("nobody")).to_string(),
            "127.0.0.1"
        );
    }
}
