//! The measured-boot logs, as Linux shows them under `/sys`.

use std::path::{Path, PathBuf};

use chassis_verifier::eventlog::{Ccel, TcgLog};

use crate::{Error, EventLogs};

const CCEL: &str = "sys/firmware/acpi/tables/data/CCEL";
const TPM_LOG: &str = "sys/kernel/security/tpm0/binary_bios_measurements";

/// The logs under a root directory.
#[derive(Clone, Debug)]
pub struct SysLogs {
    root: PathBuf,
}

impl SysLogs {
    /// The logs under `sys_root`, which is `/` on a real machine.
    pub fn new(sys_root: &Path) -> Self {
        Self {
            root: sys_root.to_owned(),
        }
    }

    fn read(&self, path: &str, hint: &'static str) -> Result<Vec<u8>, Error> {
        let path = self.root.join(path);
        std::fs::read(&path).map_err(|source| Error::File {
            doing: "read the event log",
            path,
            source,
            hint,
        })
    }
}

impl EventLogs for SysLogs {
    fn ccel(&self) -> Result<Vec<u8>, Error> {
        let mut log = self.read(
            CCEL,
            "; run as root on a TDX guest whose firmware gives a CCEL table",
        )?;
        let content = Ccel::parse(&log)?.content_len();
        log.truncate(content);
        Ok(log)
    }

    fn tpm_log(&self) -> Result<Vec<u8>, Error> {
        let mut log = self.read(
            TPM_LOG,
            "; run as root, with securityfs mounted and a TPM that the firmware used",
        )?;
        let content = TcgLog::parse(&log)?.content_len();
        log.truncate(content);
        Ok(log)
    }
}
