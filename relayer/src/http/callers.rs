//! How many connections each client has open. A proxy brings many clients, and is not counted.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use super::client::network;
use crate::config::LimitSection;

/// Counts connections by client: an IPv4 address or an IPv6 /64.
#[derive(Clone, Debug)]
pub(super) struct Callers {
    /// 0: any number.
    most: usize,
    proxies: Vec<IpAddr>,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// A connection that is counted, until it is dropped.
#[derive(Debug)]
pub(super) struct Call {
    callers: Callers,
    client: Option<IpAddr>,
}

impl Callers {
    pub(super) fn new(limits: &LimitSection) -> Self {
        Self {
            most: limits.client_connections,
            proxies: limits.proxies.clone(),
            open: Arc::default(),
        }
    }

    /// Counts a connection from `peer`; `None` if it has as many as it may.
    pub(super) fn enter(&self, peer: IpAddr) -> Option<Call> {
        let peer = peer.to_canonical();
        let is_counted = self.most > 0 && !self.proxies.contains(&peer);
        let client = is_counted.then(|| network(peer));
        if let Some(client) = client {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            let count = open.entry(client).or_default();
            if *count >= self.most {
                return None;
            }
            *count += 1;
        }
        Some(Call {
            callers: self.clone(),
            client,
        })
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let Some(client) = self.client else { return };
        let mut open = self.callers.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&client) {
            *count -= 1;
            if *count == 0 {
                open.remove(&client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_has_its_share_and_a_proxy_all() {
        let callers = Callers::new(&LimitSection {
            client_connections: 2,
            ..LimitSection::default()
        });
        let enter = |address: &str| callers.enter(address.parse().unwrap());
        let first = enter("192.0.2.1").unwrap();
        let second = enter("::ffff:192.0.2.1").unwrap();
        assert!(enter("192.0.2.1").is_none());
        let other = enter("192.0.2.2").unwrap();
        let network = [enter("2001:db8::1").unwrap(), enter("2001:db8::2").unwrap()];
        assert!(enter("2001:db8::3").is_none(), "one /64 is one client");
        let proxied: Vec<_> = (0..9).map(|_| enter("127.0.0.1").unwrap()).collect();
        drop(proxied);
        drop(first);
        assert!(enter("192.0.2.1").is_some());
        drop((second, other, network));
        assert!(
            callers.open.lock().unwrap().is_empty(),
            "nothing is kept of who has gone"
        );
    }
}
