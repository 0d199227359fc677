//! Places for pages that are kept up to date: few, and no client has them all.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

/// Places. Clones are one.
#[derive(Clone, Debug)]
pub(super) struct Places(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    all: usize,
    per_client: usize,
    taken: Mutex<HashMap<IpAddr, usize>>,
}

/// A place, given back on drop.
#[derive(Debug)]
pub(super) struct Place {
    places: Places,
    client: IpAddr,
}

impl Places {
    pub(super) fn new(all: usize, per_client: usize) -> Self {
        Self(Arc::new(Inner {
            all,
            per_client,
            taken: Mutex::default(),
        }))
    }

    /// `None`: all are taken, or the client has its own.
    pub(super) fn take(&self, client: IpAddr) -> Option<Place> {
        let mut taken = self.0.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.values().sum::<usize>() >= self.0.all {
            return None;
        }
        let own = taken.get(&client).copied().unwrap_or(0);
        if own >= self.0.per_client {
            return None;
        }
        taken.insert(client, own + 1);
        Some(Place {
            places: self.clone(),
            client,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.0.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = taken.get_mut(&self.client) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_client_has_them_all_and_they_are_given_back() {
        let places = Places::new(3, 2);
        let [one, two, three] = [1, 2, 3].map(|n| IpAddr::from([192, 0, 2, n]));
        let first = places.take(one).unwrap();
        let second = places.take(one).unwrap();
        assert!(places.take(one).is_none(), "two for each");
        let third = places.take(two).unwrap();
        assert!(places.take(three).is_none(), "three in all");
        drop(first);
        let fourth = places.take(three).unwrap();
        drop((second, third, fourth));
        assert!(places.0.taken.lock().unwrap().is_empty());
    }
}
