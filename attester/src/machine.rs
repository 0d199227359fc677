//! The machine this runs on: its sources, and who may use them.

use std::path::Path;

use crate::{
    CertificatePool, ConfigfsTsm, Error, GoogleAk, Sources, SysLogs, Tpm,
    privileges::{User, become_user},
};

/// The sources of a managed VM.
#[derive(Clone, Debug)]
pub struct Machine {
    td: ConfigfsTsm,
    tpm: Option<GoogleAk>,
    logs: SysLogs,
}

impl Machine {
    /// The machine whose `/` is `sys_root`. `tpm`: where its TPM is, and what is known of its certificates; `None` leaves
    /// the TPM out.
    pub fn new(sys_root: &Path, tpm: Option<(String, CertificatePool)>) -> Self {
        Self {
            td: ConfigfsTsm::new(sys_root),
            tpm: tpm.map(|(tcti, intermediates)| GoogleAk { tcti, intermediates }),
            logs: SysLogs::new(sys_root),
        }
    }

    /// Does what only root can, then goes on as `user` for good: reads the event logs, makes a report entry and gives it to
    /// `user`. The TPM is opened anew for each use, so `user` must be allowed to, by the group of its device.
    ///
    /// # Errors
    /// If a device is missing or closed to `user`, or privileges are left. Then end the process.
    pub fn hand_over(&mut self, user: &User) -> Result<(), Error> {
        self.logs.read_now(self.tpm.is_some())?;
        self.td.hand_over(user)?;
        become_user(user)?;
        if let Some(tpm) = &self.tpm {
            Tpm::open(&tpm.tcti)?;
        }
        Ok(())
    }

    /// What evidence is collected from.
    pub fn sources(&self) -> Sources<'_> {
        Sources {
            td: &self.td,
            tpm: self.tpm.as_ref().map(|tpm| tpm as _),
            logs: &self.logs,
        }
    }
}
