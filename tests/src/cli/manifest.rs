//! `sim.json`: what runs, for scripts.

use std::{
    collections::BTreeMap,
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use chassis_sim::{
    Cloud,
    machine::{Machine, Parts},
};
use chassis_verifier::platform_id;
use serde::{Deserialize, Serialize};

const FILE: &str = "sim.json";

/// What runs. The file is there only while all of it is true.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    /// The simulation's own process.
    pub(super) pid: u32,
    /// Where [`super::http`] is served.
    pub(super) http: String,
    /// The policy that trusts this simulation.
    pub(super) policy: PathBuf,
    /// Files with certificates (DER).
    pub(super) roots: Roots,
    /// By name.
    pub(super) machines: BTreeMap<String, Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Roots {
    pub(super) intel: PathBuf,
    pub(super) provider: PathBuf,
    pub(super) provider_intermediate: PathBuf,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    pub(super) tcti: String,
    pub(super) sys_root: PathBuf,
    pub(super) ak_intermediates: PathBuf,
    pub(super) tpm_pid: u32,
    pub(super) image: String,
    pub(super) zone: String,
    pub(super) ppid: String,
    pub(super) platform_id: String,
    pub(super) fmspc: String,
}

impl Manifest {
    pub(super) fn of(cloud: &Cloud, address: SocketAddr, machines: &[Machine]) -> Self {
        Self {
            pid: std::process::id(),
            http: format!("http://{address}"),
            policy: cloud.policy_path(),
            roots: Roots {
                intel: cloud.intel_root_path(),
                provider: cloud.provider_root_path(),
                provider_intermediate: cloud.intermediate_path(),
            },
            machines: machines
                .iter()
                .map(|machine| (machine.spec().name.clone(), Entry::of(machine)))
                .collect(),
        }
    }

    pub(super) fn read(dir: &Path) -> anyhow::Result<Self> {
        let path = dir.join(FILE);
        let text = fs::read(&path).with_context(|| {
            format!(
                "no {}; run `chassis-sim up --dir {}`",
                path.display(),
                dir.display()
            )
        })?;
        serde_json::from_slice(&text).with_context(|| format!("{} is not a manifest", path.display()))
    }

    pub(super) fn write(&self, dir: &Path) -> anyhow::Result<()> {
        let temporary = dir.join(".sim.json");
        fs::write(&temporary, serde_json::to_vec_pretty(self)?)?;
        Ok(fs::rename(temporary, dir.join(FILE))?)
    }

    pub(super) fn remove(dir: &Path) -> io::Result<()> {
        match fs::remove_file(dir.join(FILE)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    pub(super) fn parts(&self, name: &str) -> anyhow::Result<Parts> {
        let entry = self.machines.get(name).with_context(|| {
            let known: Vec<_> = self.machines.keys().map(String::as_str).collect();
            format!("no machine `{name}` runs; these do: {}", known.join(", "))
        })?;
        Ok(Parts {
            sys_root: entry.sys_root.clone(),
            tcti: entry.tcti.clone(),
            ak_intermediates: entry.ak_intermediates.clone(),
        })
    }
}

impl Entry {
    fn of(machine: &Machine) -> Self {
        let pck = machine.td().pck();
        Self {
            tcti: machine.tcti(),
            sys_root: machine.sys_root(),
            ak_intermediates: machine.parts().ak_intermediates,
            tpm_pid: machine.tpm_pid(),
            image: machine.spec().image.name.clone(),
            zone: machine.spec().zone.clone(),
            ppid: hex::encode(pck.ppid),
            platform_id: platform_id(&pck.ppid).to_string(),
            fmspc: hex::encode(pck.fmspc),
        }
    }
}
