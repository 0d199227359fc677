//! `chassis-node doctor`.

use std::{fs, path::PathBuf, process::ExitCode};

use alloy_primitives::Address;
use chassis_attester::{
    Error,
    doctor::{self, Setup},
};
use clap::{Args, ValueEnum};

use super::{Output, args::MachineArgs};

/// Says, line by line, what is there and what is missing for which level, and what to do about it. Sends no evidence,
/// signs nothing, and needs no operator's key. Run it as root.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    machine: MachineArgs,
    /// RPC endpoint of the registry's chain; without it, the chain and the clock are not looked at.
    #[arg(long, env = "CHASSIS_RPC_URL", value_name = "URL", hide_env_values = true)]
    rpc_url: Option<String>,
    /// The registry's address.
    #[arg(long, env = "CHASSIS_REGISTRY", value_name = "ADDRESS")]
    registry: Option<Address>,
    /// Relayers' base URLs; may be given several times. One that is ready is enough.
    #[arg(
        long,
        env = "CHASSIS_RELAYER",
        value_name = "URL",
        value_delimiter = ',',
        hide_env_values = true
    )]
    relayer: Vec<String>,
    /// The level that must be reachable for exit code 0. By default the best that the named TPM can give: chassis with --host,
    /// quote with --no-tpm or --azure, else virtual-tpm.
    #[arg(long, value_enum)]
    level: Option<Level>,
    /// Trust this root (DER) of PCK certificates in place of Intel's: for simulated machines.
    #[arg(long, value_name = "FILE")]
    danger_intel_root: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Level {
    /// A TD quote that names the operator.
    Quote,
    /// With a provider's vTPM.
    VirtualTpm,
    /// With the host's own TPM.
    Chassis,
    /// That the CPU is in a data center.
    Custody,
}

impl DoctorArgs {
    pub(crate) async fn run(self, output: &Output) -> Result<ExitCode, Error> {
        let level = self.level.unwrap_or(match self.machine.host {
            Some(_) => Level::Chassis,
            None if self.machine.no_tpm || self.machine.azure => Level::Quote,
            None => Level::VirtualTpm,
        });
        let setup = Setup {
            tpm: self.machine.tpm()?,
            sys_root: self.machine.sys_root,
            danger_intel_root: self.danger_intel_root.as_deref().map(read).transpose()?,
            user: self.machine.user,
            rpc_url: self.rpc_url,
            registry: self.registry,
            relayers: self.relayer,
        };
        let report = doctor::examine(&setup).await;
        Ok(output.findings(&report, level.into(), &doctor::Level::ALL))
    }
}

fn read(path: &std::path::Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| Error::File {
        doing: "read",
        path: path.to_owned(),
        source,
        hint: "",
    })
}

impl From<Level> for doctor::Level {
    fn from(level: Level) -> Self {
        match level {
            Level::Quote => Self::Quote,
            Level::VirtualTpm => Self::VirtualTpm,
            Level::Chassis => Self::Chassis,
            Level::Custody => Self::Custody,
        }
    }
}
