//! The machine this runs on: its sources, and who may use them.

use std::path::Path;

use crate::{
    CertificatePool, ConfigfsTsm, Error, GoogleAk, HostTpm, SocketAddress, Sources, SysLogs, Tpm, TpmQuoter,
    privileges::{User, be_root, become_user},
};

/// The sources of a managed VM, or of a TD on a bare-metal host.
#[derive(Clone, Debug)]
pub struct Machine {
    td: ConfigfsTsm,
    tpm: Option<Quoting>,
    logs: SysLogs,
}

/// Where the TPM is.
#[derive(Clone, Debug)]
pub enum TpmPlace {
    /// It is left out.
    LeftOut,
    /// It is this machine's own.
    Here {
        /// See [`Tpm::open`].
        tcti: String,
        /// What is known of its key's certificates.
        intermediates: CertificatePool,
    },
    /// It is the host's, behind the agent at this address.
    Host(SocketAddress),
}

#[derive(Clone, Debug)]
enum Quoting {
    Google(GoogleAk),
    Host(HostTpm),
}

impl Machine {
    /// The machine whose `/` is `sys_root`.
    pub fn new(sys_root: &Path, tpm: TpmPlace) -> Self {
        Self {
            td: ConfigfsTsm::new(sys_root),
            tpm: match tpm {
                TpmPlace::LeftOut => None,
                TpmPlace::Here { tcti, intermediates } => {
                    Some(Quoting::Google(GoogleAk { tcti, intermediates }))
                }
                TpmPlace::Host(agent) => Some(Quoting::Host(HostTpm { agent })),
            },
            logs: SysLogs::new(sys_root),
        }
    }

    /// Does what only root can, then goes on as `user` for good: reads the event logs, makes a report entry and gives it to
    /// `user`. The TPM is opened anew for each use, so `user` must be allowed to, by the group of its device.
    ///
    /// # Errors
    /// If a device is missing or closed to `user`, or privileges are left. Then end the process.
    pub fn hand_over(&mut self, user: &User) -> Result<(), Error> {
        be_root(user)?;
        self.logs.read_now(matches!(self.tpm, Some(Quoting::Google(_))))?;
        self.td.hand_over(user)?;
        become_user(user)?;
        if let Some(Quoting::Google(tpm)) = &self.tpm {
            Tpm::open(&tpm.tcti)?;
        }
        Ok(())
    }

    /// What evidence is collected from.
    pub fn sources(&self) -> Sources<'_> {
        Sources {
            td: &self.td,
            tpm: self.tpm.as_ref().map(|tpm| -> &dyn TpmQuoter {
                match tpm {
                    Quoting::Google(tpm) => tpm,
                    Quoting::Host(tpm) => tpm,
                }
            }),
            logs: &self.logs,
        }
    }
}
