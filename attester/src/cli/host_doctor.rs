//! `chassis-node host-doctor`.

use std::{path::PathBuf, process::ExitCode};

use chassis_attester::{
    Error, SocketAddress,
    doctor::{HostSetup, Level, examine_host},
};
use clap::Args;

use super::{Output, enroll::Bank};

/// Says, line by line, what the host lacks for its agent to answer. Signs nothing.
#[derive(Debug, Args)]
pub(crate) struct HostDoctorArgs {
    /// Where the host's TPM is.
    #[arg(long, env = "CHASSIS_TCTI", default_value = "device:/dev/tpmrm0")]
    tcti: String,
    /// The bank whose PCR 17 and 18 the policy lists.
    #[arg(long, env = "CHASSIS_BANK", value_enum, default_value_t = Bank::Sha384)]
    bank: Bank,
    /// What `chassis-node enroll` wrote.
    #[arg(
        long,
        env = "CHASSIS_ENROLMENT",
        default_value = "/var/lib/chassis-host/enrolment.json",
        value_name = "FILE"
    )]
    enrolment: PathBuf,
    /// The log of the host's dynamic launch.
    #[arg(
        long,
        env = "CHASSIS_DRTM_LOG",
        default_value = "/sys/kernel/security/slaunch/eventlog",
        value_name = "FILE"
    )]
    drtm_log: PathBuf,
    /// Where the quote generation service (QGS) of this host listens.
    #[arg(
        long,
        env = "CHASSIS_QUOTE_SERVICE",
        default_value = "unix:/var/run/tdx-qgs/qgs.socket",
        value_name = "ADDRESS"
    )]
    quote_service: SocketAddress,
}

impl HostDoctorArgs {
    pub(crate) async fn run(self, output: &Output) -> Result<ExitCode, Error> {
        let report = examine_host(&HostSetup {
            tcti: self.tcti,
            bank: self.bank.into(),
            drtm_log: self.drtm_log,
            enrolment: self.enrolment,
            quote_service: self.quote_service,
        })
        .await;
        Ok(output.findings(&report, Level::Chassis, &[Level::Chassis]))
    }
}
