//! What fuzz targets share: the bound on memory, and an honest appraisal to spoil.
//!
//! A target is one file in `targets/` and one `[[bin]]` in `Cargo.toml`; `seed.sh` gives it something to begin with. It
//! should say more than *does not panic*: what was read must be readable again, and what was spoiled must not pass.

mod logs;
mod world;

pub use logs::check_log;
pub use world::{Spoiled, World, measured};

/// Bytes that any parser may hold, whatever its input: error messages, small tables.
const SLACK: usize = 16 << 10;

/// Runs `parse`, which reads `len` bytes of input.
///
/// # Panics
/// If at any time it holds more than four times its input, [`SLACK`] aside.
pub fn bounded<T>(len: usize, parse: impl FnOnce() -> T) -> T {
    let mut parsed = None;
    let used = allocation_counter::measure(|| parsed = Some(parse())).bytes_max;
    let limit = 4 * len + SLACK;
    assert!(used <= limit as u64, "{used} bytes held for {len} bytes of input");
    parsed.expect("set above")
}
