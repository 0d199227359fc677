//! `chassis-node doctor`.

use std::{fs, path::PathBuf, process::ExitCode};

use alloy_primitives::Address;
use chassis_attester::{
    CertificatePool, Error,
    doctor::{self, Finding, Outcome, Reach, Report, Setup},
};
use clap::{Args, ValueEnum};
use serde_json::json;

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
    /// The level that must be reachable for exit code 0.
    #[arg(long, value_enum, default_value_t = Level::VirtualTpm)]
    level: Level,
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
        let setup = Setup {
            sys_root: self.machine.sys_root,
            tcti: (!self.machine.no_tpm).then_some(self.machine.tcti),
            intermediates: CertificatePool::read(&self.machine.ak_intermediates)?,
            danger_intel_root: self.danger_intel_root.as_deref().map(read).transpose()?,
            user: self.machine.user,
            rpc_url: self.rpc_url,
            registry: self.registry,
            relayers: self.relayer,
        };
        let report = doctor::examine(&setup).await;
        let wanted = report.reach(self.level.into());
        output.result(
            &text(&report, &wanted),
            &json!({
                "wanted": wanted.level,
                "reachable": wanted.reachable,
                "levels": report.levels(),
                "findings": report.findings,
            }),
        );
        Ok(ExitCode::from(code(&wanted)))
    }
}

/// 4 where only what is outside of this machine stands in the way.
fn code(wanted: &Reach) -> u8 {
    let is_outside = |id: &&str| id.starts_with("rpc") || *id == "relayer";
    match &wanted.missing[..] {
        [] => 0,
        all if all.iter().all(is_outside) => 4,
        _ => 3,
    }
}

fn text(report: &Report, wanted: &Reach) -> String {
    let mut lines: Vec<String> = report.findings.iter().map(line).collect();
    lines.push(String::new());
    for reach in report.levels() {
        lines.push(if reach.reachable {
            format!("{:<10}  reachable", reach.level)
        } else {
            format!("{:<10}  missing: {}", reach.level, reach.missing.join(", "))
        });
    }
    lines.push(String::new());
    lines.push(if wanted.reachable {
        format!(
            "{} is reachable; whether it is given, relayers' policies decide",
            wanted.level
        )
    } else {
        format!("{} is not reachable: see each line marked MISSING", wanted.level)
    });
    lines.join("\n")
}

fn line(finding: &Finding) -> String {
    let Finding {
        id,
        outcome,
        needed,
        found,
        todo,
    } = finding;
    let needed = match outcome {
        Outcome::Missing => format!(" (for {needed})"),
        _ => String::new(),
    };
    let first = format!("{outcome:<7}  {id:<15}  {found}{needed}");
    match todo {
        Some(todo) => format!("{first}\n{:26}→ {todo}", ""),
        None => first,
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
