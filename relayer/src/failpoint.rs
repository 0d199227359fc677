//! Places where a test may have the process die, as a power cut would have it. Not in release builds.

/// Aborts if this is the place that `CHASSIS_FAILPOINT` names.
pub(crate) fn failpoint(name: &str) {
    if cfg!(debug_assertions) && std::env::var("CHASSIS_FAILPOINT").is_ok_and(|wanted| wanted == name) {
        tracing::error!(name, "failpoint: aborting");
        std::process::abort();
    }
}
