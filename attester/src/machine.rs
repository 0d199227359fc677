//! The machine this runs on: its sources, and who may use them.

use std::path::Path;

use crate::{
    Azure, AzureTpmQuote, CertificatePool, ConfigfsTsm, CustodyClaims, Error, GoogleAk, HostTpm,
    SocketAddress, Sources, SysLogs, Tpm, TpmQuoter,
    privileges::{User, be_root, become_user},
};

/// The sources of a managed VM, of one under Azure's paravisor, or of a TD on a bare-metal host.
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
    /// It is kept by Azure's paravisor, by way of which the TD quotes too.
    Azure(Azure),
}

#[derive(Clone, Debug)]
enum Quoting {
    Google(GoogleAk),
    Host(HostTpm),
    Azure(Azure),
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
                TpmPlace::Azure(azure) => Some(Quoting::Azure(azure)),
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
        if !matches!(self.tpm, Some(Quoting::Azure(_))) {
            self.logs.read_now(matches!(self.tpm, Some(Quoting::Google(_))))?;
            self.td.hand_over(user)?;
        }
        become_user(user)?;
        match &self.tpm {
            Some(Quoting::Google(GoogleAk { tcti, .. }) | Quoting::Azure(Azure { tcti, .. })) => {
                Tpm::open(tcti).map(drop)
            }
            Some(Quoting::Host(_)) | None => Ok(()),
        }
    }

    /// What evidence is collected from.
    pub fn sources<'a>(&'a self, claims: &'a dyn CustodyClaims) -> Sources<'a> {
        let tpm: Option<&dyn TpmQuoter> = match &self.tpm {
            None => None,
            Some(Quoting::Google(tpm)) => Some(tpm),
            Some(Quoting::Host(tpm)) => Some(tpm),
            Some(Quoting::Azure(azure)) => match azure.tpm_quote {
                AzureTpmQuote::LeftOut => None,
                AzureTpmQuote::Carried => Some(azure),
            },
        };
        Sources {
            td: match &self.tpm {
                Some(Quoting::Azure(azure)) => azure,
                _ => &self.td,
            },
            tpm,
            logs: &self.logs,
            claims,
        }
    }
}
