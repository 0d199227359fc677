//! The log of the host's dynamic launch.

use std::path::Path;

use chassis_verifier::eventlog::DrtmLog;

use crate::Error;

/// The log in `path`, without padding. Linux's Secure Launch has it at `/sys/kernel/security/slaunch/eventlog`.
///
/// # Errors
/// If it cannot be read, or is no TCG2 log.
pub fn drtm_log(path: &Path) -> Result<Vec<u8>, Error> {
    let mut log = std::fs::read(path).map_err(|source| Error::File {
        doing: "read the launch log",
        path: path.to_owned(),
        source,
        hint: "; was this host launched by Intel TXT (Secure Launch, tboot), and is securityfs mounted?",
    })?;
    let content = DrtmLog::parse(&log)?.content_len();
    log.truncate(content);
    Ok(log)
}
