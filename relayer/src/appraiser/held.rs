//! Bundles that intake has parsed, kept for the appraiser, so that it need not read and parse them again.
//!
//! There is room for so many. When there is none, intake waits a moment for the appraiser to take some: a relayer that takes in
//! faster than it appraises does all of it twice, and is slower for it.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use alloy::primitives::B256;
use chassis_verifier::bundle::Bundle;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout},
};

/// Most KiB of documents whose bundles are kept. What finds no place is read from the archive.
const ROOM: usize = 8 << 10;

/// How long intake waits for a place.
const PATIENCE: Duration = Duration::from_millis(500);

/// Whoever takes nothing for so long is not waited for.
const STUCK: Duration = Duration::from_secs(3);

/// How long one is kept. Another replica may have taken what nobody asks for here.
const KEPT_FOR: Duration = Duration::from_mins(1);

/// Parsed bundles. What is here is in the archive too: this only saves work.
///
/// A digest is the evidence's. Two documents can have it that differ in the operator's consent; intake has checked each.
#[derive(Debug)]
pub struct Held<T = Bundle> {
    shelf: Arc<Mutex<Shelf<T>>>,
    room: Arc<Semaphore>,
}

/// Room for one bundle.
#[derive(Debug)]
pub struct Place(OwnedSemaphorePermit);

impl From<Place> for OwnedSemaphorePermit {
    fn from(place: Place) -> Self {
        place.0
    }
}

impl<T> Default for Held<T> {
    fn default() -> Self {
        Self {
            shelf: Arc::default(),
            room: Arc::new(Semaphore::new(ROOM)),
        }
    }
}

impl<T> Clone for Held<T> {
    fn clone(&self) -> Self {
        Self {
            shelf: Arc::clone(&self.shelf),
            room: Arc::clone(&self.room),
        }
    }
}

impl<T> Held<T> {
    /// Waits for a place for a bundle whose document has so many bytes. `None`: there is none.
    pub async fn place(&self, bytes: usize) -> Option<Place> {
        let is_stuck = self.shelf().is_stuck(Instant::now());
        let patience = if is_stuck { Duration::ZERO } else { PATIENCE };
        let kib = u32::try_from(bytes.div_ceil(1 << 10)).ok()?;
        let place = timeout(patience, Arc::clone(&self.room).acquire_many_owned(kib)).await;
        place.ok()?.ok().map(Place)
    }

    /// Keeps a bundle there.
    pub fn keep(&self, digest: B256, bundle: T, place: Place) {
        self.shelf().keep(digest, bundle, place, Instant::now());
    }

    /// Gives a bundle away, if it is here, with its place, which is free again when that is dropped.
    pub fn take(&self, digest: B256) -> Option<(T, Place)> {
        self.shelf().take(digest, Instant::now())
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf<T>> {
        // Nothing in it can be left half-done by a panic.
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct Shelf<T> {
    things: HashMap<B256, (T, Place)>,
    /// When they came, the oldest first; also of some that were taken.
    order: VecDeque<(B256, Instant)>,
    last_taken: Option<Instant>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self {
            things: HashMap::new(),
            order: VecDeque::new(),
            last_taken: None,
        }
    }
}

impl<T> Shelf<T> {
    fn keep(&mut self, digest: B256, thing: T, place: Place, now: Instant) {
        // The same twice is one.
        if let Entry::Vacant(vacant) = self.things.entry(digest) {
            vacant.insert((thing, place));
            self.order.push_back((digest, now));
        }
    }

    fn take(&mut self, digest: B256, now: Instant) -> Option<(T, Place)> {
        let taken = self.things.remove(&digest)?;
        self.last_taken = Some(now);
        // The oldest are asked for first: what came long before this one, another replica has taken.
        if let Some((_, came)) = self.order.iter().find(|(other, _)| *other == digest).copied() {
            self.forget(|earlier| came - earlier >= STUCK);
        }
        Some(taken)
    }

    /// Whether nothing was taken for long, though there was something.
    fn is_stuck(&mut self, now: Instant) -> bool {
        self.forget(|came| now - came >= KEPT_FOR);
        let oldest = self.order.front().map(|(_, came)| *came);
        oldest.is_some_and(|came| now - self.last_taken.map_or(came, |taken| taken.max(came)) >= STUCK)
    }

    /// Forgets the first, as long as they are gone or `is_old` says so of when they came.
    fn forget(&mut self, is_old: impl Fn(Instant) -> bool) {
        while let Some((oldest, came)) = self.order.front().copied()
            && (is_old(came) || !self.things.contains_key(&oldest))
        {
            self.things.remove(&oldest);
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(n: u32) -> B256 {
        B256::left_padding_from(&n.to_be_bytes())
    }

    /// Four things, and no room left.
    async fn filled() -> Held<u32> {
        let held = Held::default();
        for n in 0..4 {
            let place = held.place(ROOM << 8).await.unwrap();
            held.keep(name(n), n, place);
        }
        held
    }

    fn earlier(held: &Held<u32>, by: Duration) {
        for (_, came) in &mut held.shelf().order {
            *came -= by;
        }
    }

    #[tokio::test]
    async fn intake_waits_for_a_place_until_one_is_free() {
        let held = filled().await;
        let start = Instant::now();
        assert!(held.place(1).await.is_none(), "nobody takes any");
        assert!(start.elapsed() >= PATIENCE);
        let waiting = tokio::spawn({
            let held = held.clone();
            async move { held.place(ROOM << 8).await.is_some() }
        });
        tokio::task::yield_now().await;
        assert_eq!(held.take(name(2)).unwrap().0, 2);
        assert!(held.take(name(2)).is_none(), "each once");
        assert!(waiting.await.unwrap());
    }

    #[tokio::test]
    async fn the_same_twice_takes_one_place() {
        let held = Held::default();
        for n in [7, 8] {
            let place = held.place(ROOM << 9).await.unwrap();
            held.keep(name(1), n, place);
        }
        assert_eq!(held.take(name(1)).unwrap().0, 7);
        assert_eq!(held.room.available_permits(), ROOM);
    }

    #[tokio::test]
    async fn who_takes_nothing_is_not_waited_for_and_who_takes_slowly_is() {
        let held = filled().await;
        assert!(!held.shelf().is_stuck(Instant::now()));
        earlier(&held, STUCK);
        let start = Instant::now();
        assert!(held.place(1).await.is_none());
        assert!(start.elapsed() < PATIENCE, "nothing was taken since they came");
        drop(held.take(name(1)));
        assert!(
            !held.shelf().is_stuck(Instant::now()),
            "the others are as old as before"
        );
    }

    #[tokio::test]
    async fn what_others_have_taken_makes_room() {
        let held = filled().await;
        drop(held.take(name(3)));
        earlier(&held, STUCK);
        let place = held.place(1).await.unwrap();
        held.keep(name(9), 9, place);
        assert!(held.take(name(9)).is_some(), "it came long after the three");
        assert_eq!(held.room.available_permits(), ROOM);
        assert!(held.shelf().order.is_empty());

        let held = filled().await;
        earlier(&held, KEPT_FOR);
        assert!(held.place(1).await.is_some(), "after a while, all are gone");
    }
}
