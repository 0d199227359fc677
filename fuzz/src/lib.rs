//! What fuzz targets share: the bound on memory, and an honest appraisal to spoil.
//!
//! A target is one file in `targets/` and one `[[bin]]` in `Cargo.toml`; `seed.sh` gives it something to begin with. It
//! should say more than *does not panic*: what was read must be readable again, and what was spoiled must not pass.

mod logs;
mod world;

pub use logs::check_log;
pub use world::{Spoiled, World, measured};

/// Bytes that any parser may hold, whatever its input: error messages, small tables.
const SLACK: usize = 32 << 10;

/// Bytes that a certificate of 8 KiB, the largest that is read, may take when it is made to have many parts.
pub const CERTIFICATE: usize = 512 << 10;

/// Runs `parse`, which reads `len` bytes of input.
///
/// # Panics
/// If at any time it holds more than four times its input, [`SLACK`] aside.
pub fn bounded<T>(len: usize, parse: impl FnOnce() -> T) -> T {
    within(4 * len + SLACK, parse)
}

/// Runs `parse`.
///
/// # Panics
/// If at any time it holds more than `limit` bytes. While a block grows, it counts twice.
pub fn within<T>(limit: usize, parse: impl FnOnce() -> T) -> T {
    let mut parsed = None;
    let held = allocation_counter::measure(|| parsed = Some(parse())).bytes_max;
    assert!(held <= limit as u64, "{held} bytes held, {limit} allowed");
    parsed.expect("set above")
}
