//! The TD quotes that this host's CPU made not long ago.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use alloy_primitives::B256;
use chassis_verifier::sha256;

/// Between a quote's making and its guest's asking lie seconds.
const KEPT: Duration = Duration::from_mins(10);
/// Older ones make room: a host has far fewer guests.
const MOST: usize = 4096;

/// What the relay saw made. It is not kept over a restart: a guest makes another quote.
#[derive(Debug, Default)]
pub(super) struct MadeHere(Mutex<VecDeque<(Instant, B256)>>);

impl MadeHere {
    pub(super) fn remember(&self, td_quote: &[u8]) {
        let mut made = self.current();
        if made.len() == MOST {
            made.pop_front();
        }
        made.push_back((Instant::now(), digest(td_quote)));
    }

    pub(super) fn knows(&self, td_quote: &[u8]) -> bool {
        let digest = digest(td_quote);
        self.current().iter().any(|(_, known)| *known == digest)
    }

    fn current(&self) -> MutexGuard<'_, VecDeque<(Instant, B256)>> {
        // Nothing here can be left half-done by a panic.
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while made.front().is_some_and(|(at, _)| at.elapsed() > KEPT) {
            made.pop_front();
        }
        made
    }
}

/// Hypervisors and kernels hand quotes on in larger buffers: zeros after it are nobody's.
fn digest(td_quote: &[u8]) -> B256 {
    let end = td_quote
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last + 1);
    sha256(&td_quote[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_known_whatever_zeros_follow_and_the_oldest_make_room() {
        let made = MadeHere::default();
        made.remember(b"first\0");
        assert!(made.knows(b"first") && made.knows(b"first\0\0\0"));
        assert!(!made.knows(b"firs") && !made.knows(b""));
        for number in 0..MOST {
            made.remember(&number.to_be_bytes());
        }
        assert!(!made.knows(b"first"));
        assert!(made.knows(&(MOST - 1).to_be_bytes()));
    }
}
