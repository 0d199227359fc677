//! The measured-boot logs, as Linux shows them under `/sys`.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use chassis_verifier::eventlog::{Ccel, TcgLog};

use crate::{Error, EventLogs};

const CCEL: &str = "sys/firmware/acpi/tables/data/CCEL";
const TPM_LOG: &str = "sys/kernel/security/tpm0/binary_bios_measurements";
const CCEL_HINT: &str = "; run as root on a TDX guest whose firmware gives a CCEL table";
const TPM_LOG_HINT: &str = "; run as root, with securityfs mounted and a TPM that the firmware used";

/// The logs under a root directory.
#[derive(Clone, Debug)]
pub struct SysLogs {
    root: PathBuf,
    /// Read while it was allowed.
    known: HashMap<&'static str, Vec<u8>>,
}

impl SysLogs {
    /// The logs under `sys_root`, which is `/` on a real machine.
    pub fn new(sys_root: &Path) -> Self {
        Self {
            root: sys_root.to_owned(),
            known: HashMap::new(),
        }
    }

    /// Reads the logs for later, while this process may. They tell of the boot, so they do not change until the next one.
    pub(crate) fn read_now(&mut self, with_tpm: bool) -> Result<(), Error> {
        let ccel = self.read(CCEL, CCEL_HINT)?;
        self.known.insert(CCEL, ccel);
        if with_tpm {
            let tpm_log = self.read(TPM_LOG, TPM_LOG_HINT)?;
            self.known.insert(TPM_LOG, tpm_log);
        }
        Ok(())
    }

    fn read(&self, path: &'static str, hint: &'static str) -> Result<Vec<u8>, Error> {
        if let Some(log) = self.known.get(path) {
            return Ok(log.clone());
        }
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
        let mut log = self.read(CCEL, CCEL_HINT)?;
        let content = Ccel::parse(&log)?.content_len();
        log.truncate(content);
        Ok(log)
    }

    fn tpm_log(&self) -> Result<Vec<u8>, Error> {
        let mut log = self.read(TPM_LOG, TPM_LOG_HINT)?;
        let content = TcgLog::parse(&log)?.content_len();
        log.truncate(content);
        Ok(log)
    }
}
