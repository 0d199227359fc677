//! The wall clock.

use std::time::{SystemTime, UNIX_EPOCH};

/// The present, Unix seconds.
pub(crate) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs())
}
