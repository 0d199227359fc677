//! The wall clock.

use std::time::{SystemTime, UNIX_EPOCH};

/// The present by this machine's clock, Unix seconds: for what people wait for and pay, and for how old something is. Results and
/// reports go by blocks' times.
pub fn unix_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs())
}
