//! A confidential virtual machine: a TD and a vTPM on one platform, as software inside sees them.

mod frankenstein;
mod paravisor;
mod spec;
mod sys;
mod td;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest, Sha256};

use crate::{
    firmware::{Image, MeasuredBoot},
    intel::Platform,
    provider::{Instance, Provider},
    tpm::Swtpm,
};

pub use frankenstein::{Parts, assemble};
pub use paravisor::hcl_report;
pub use spec::{MachineSpec, Place, Pzid};
pub use td::Td;

pub(crate) use sys::{TsmService, write_boot_id, write_td};
pub(crate) use td::paravisor_report;

const INTERMEDIATE: &str = "ak-intermediate.der";

/// A running machine. Dropping it turns it off; its TPM's state and its files stay.
#[derive(Debug)]
pub struct Machine {
    spec: MachineSpec,
    instance: Instance,
    boot: MeasuredBoot,
    td: Arc<Td>,
    ak_certificate: Vec<u8>,
    dir: PathBuf,
    // Dropped in this order: nobody answers for a machine whose TPM is gone.
    tsm: Option<TsmService>,
    tpm: Option<Swtpm>,
}

impl Machine {
    pub(crate) fn boot(
        dir: &Path,
        spec: MachineSpec,
        platform: Platform,
        provider: &Provider,
        instance: Instance,
    ) -> anyhow::Result<Self> {
        fs::create_dir_all(dir)?;
        let boot = MeasuredBoot::of(&spec.image, &spec.shape);
        let owner = match (spec.place, &spec.pzid) {
            (_, Pzid::Of(owner)) => *owner,
            (Place::DataCenter, Pzid::Honest) => instance.pzid(),
            (Place::Basement, Pzid::Honest) | (_, Pzid::Silent) => [0; 48],
        };
        let td = Arc::new(Td::of(&spec, platform, &boot, owner));
        fs::write(dir.join(INTERMEDIATE), provider.intermediate_der())?;
        let (tpm, ak_certificate) = provisioned_tpm(dir, provider, &instance)?;
        let mut machine = Self {
            spec,
            instance,
            boot,
            td,
            ak_certificate,
            dir: dir.to_owned(),
            tsm: None,
            tpm: Some(tpm),
        };
        machine.come_up()?;
        Ok(machine)
    }

    /// Restarts the machine with another image; its TPM's keys and its platform stay the same.
    ///
    /// # Errors
    /// If its TPM does not start again.
    pub fn reboot(&mut self, image: Image) -> anyhow::Result<()> {
        self.tsm = None;
        self.tpm = None;
        self.spec.image = image;
        self.boot = MeasuredBoot::of(&self.spec.image, &self.spec.shape);
        self.td = Arc::new(self.td.measuring(&self.spec.image, &self.boot));
        self.tpm = Some(Swtpm::start(&self.dir.join("tpm"))?);
        self.come_up()
    }

    /// Has its provider give its TPM another attestation key.
    ///
    /// # Errors
    /// If its TPM does not answer.
    pub fn rotate_ak(&mut self, provider: &Provider) -> anyhow::Result<()> {
        self.ak_certificate = self.swtpm().rotate(provider, &self.instance)?;
        Ok(())
    }

    /// Writes another machine's certificate into its TPM, as a copied disk image of a TPM's owner would.
    ///
    /// # Errors
    /// If its TPM does not answer.
    pub fn plant_ak_certificate(&self, certificate: &[u8]) -> anyhow::Result<()> {
        self.swtpm().plant(certificate)
    }

    /// A quote by this machine's TD, from memory: what its `/sys` would answer.
    pub fn td_quote(&self, report_data: [u8; 64]) -> Vec<u8> {
        self.td.quote(report_data)
    }

    /// How TSS clients reach its TPM.
    pub fn tcti(&self) -> String {
        self.swtpm().tcti()
    }

    /// The process that is its TPM.
    pub fn tpm_pid(&self) -> u32 {
        self.swtpm().pid()
    }

    /// A folder that stands for its `/`: `sys` with both event logs and configfs-tsm.
    pub fn sys_root(&self) -> PathBuf {
        self.dir.join("root")
    }

    /// What a node that runs on it needs to attest.
    pub fn parts(&self) -> Parts {
        Parts {
            sys_root: self.sys_root(),
            tcti: self.tcti(),
            ak_intermediates: self.dir.join(INTERMEDIATE),
        }
    }

    /// What booted on it.
    pub fn measured_boot(&self) -> &MeasuredBoot {
        &self.boot
    }

    /// Its platform and registers.
    pub fn td(&self) -> &Td {
        &self.td
    }

    /// What was asked for.
    pub fn spec(&self) -> &MachineSpec {
        &self.spec
    }

    /// What its provider calls it.
    pub fn instance(&self) -> &Instance {
        &self.instance
    }

    /// Its attestation key's certificate (DER).
    pub fn ak_certificate(&self) -> &[u8] {
        &self.ak_certificate
    }

    fn come_up(&mut self) -> anyhow::Result<()> {
        self.swtpm().measure(&self.boot)?;
        sys::write_logs(&self.sys_root(), &self.boot)?;
        sys::write_boot_id(&self.sys_root())?;
        self.tsm = Some(TsmService::start(&self.sys_root(), {
            let td = Arc::clone(&self.td);
            move |report_data| Ok(td.quote(report_data))
        })?);
        Ok(())
    }

    fn swtpm(&self) -> &Swtpm {
        self.tpm
            .as_ref()
            .expect("taken only by a reboot, which gives another or fails")
    }
}

/// The machine's TPM: the one it had, or a new one if it had none or was another instance.
fn provisioned_tpm(dir: &Path, provider: &Provider, instance: &Instance) -> anyhow::Result<(Swtpm, Vec<u8>)> {
    let (state, certificate_file, identity_file) = (
        dir.join("tpm"),
        dir.join("ak-certificate.der"),
        dir.join("instance"),
    );
    let identity = format!(
        "{instance:?} of {}",
        hex::encode(Sha256::digest(provider.root_der()))
    );
    if fs::read_to_string(&identity_file).is_ok_and(|known| known == identity) {
        return Ok((Swtpm::start(&state)?, fs::read(certificate_file)?));
    }
    if state.exists() {
        fs::remove_dir_all(&state)?;
    }
    let tpm = Swtpm::start(&state)?;
    let certificate = tpm.provision(provider, instance)?;
    fs::write(certificate_file, &certificate)?;
    // Last: without it, the next boot starts over.
    fs::write(identity_file, identity)?;
    Ok((tpm, certificate))
}
