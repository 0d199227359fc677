//! A bare-metal host with a discrete TPM, launched by Intel TXT, and a TD on it: scenario 2.
//!
//! **What is real.** The TPM: a `swtpm` process with its own rules for localities, PCRs, policies, quotes and credentials. A
//! key sealed to a launch really refuses to quote after another one. What the launch measures goes through the very
//! interfaces that hardware uses: a hash sequence at locality 4, which resets PCR 17–22, and extends at localities 3 and 2.
//!
//! **What is simulated.** Who stands at those localities. On a host the chipset knows; a software TPM believes its control
//! channel. So nothing here shows that a discrete TPM cannot be lied to about locality; that rests on the hardware, and on
//! the registrar having seen it. Nor does the host boot before its launch: PCR 0–16 stay as they are, and nobody quotes
//! them. The TD measures into its RTMRs and CCEL alone, for it has no TPM.
//!
//! Who vouches for the attestation key is apart from the host, as in life: [`Registrar::register`], or
//! [`BareMetal::iak_proof`].

mod agent;
mod ak;
mod ek;
mod guest;
mod iak;
mod launch;
mod manufacturer;
mod registrar;
mod service;
mod spec;
mod tss;

use std::path::{Path, PathBuf};

use anyhow::ensure;
use chassis_verifier::{challenge::AkName, tpm::HashAlg};
use tss_esapi::traits::Marshall as _;

use crate::{
    firmware::MeasuredBoot,
    intel::Platform,
    machine::Td,
    tpm::{Swtpm, connect},
};

pub use agent::{HostAgent, HostQuote};
pub use ak::{AkSpec, Authorization, Seal};
pub use ek::Credential;
pub use guest::Guest;
pub use iak::IakProof;
pub use launch::{Launch, LaunchPcrs};
pub use manufacturer::Manufacturer;
pub use registrar::{Endorsement, Registrar, Registration};
pub use service::{QuoteService, Service, ask_for_quote};
pub use spec::HostSpec;

/// A running host. Dropping it turns it off; its TPM's state stays.
#[derive(Debug)]
pub struct BareMetal {
    spec: HostSpec,
    td: Td,
    boot: MeasuredBoot,
    ak_public: Vec<u8>,
    endorsement: Endorsement,
    dir: PathBuf,
    tpm: Option<Swtpm>,
}

impl BareMetal {
    pub(crate) fn boot(
        dir: &Path,
        spec: HostSpec,
        platform: Platform,
        manufacturer: &Manufacturer,
    ) -> anyhow::Result<Self> {
        let boot = MeasuredBoot::of(&spec.td.image, &spec.td.shape);
        let td = Td::of(&spec.td, platform, &boot, [0; 48]);
        let tpm = Swtpm::start(&dir.join("tpm"))?;
        let endorsement = {
            let mut context = connect(&tpm.tcti())?;
            let (_, ek) = ek::create(&mut context)?;
            let endorsement = Endorsement::new(&ek, manufacturer)?;
            endorsement.leave_certificate(&mut context)?;
            endorsement
        };
        let mut host = Self {
            ak_public: ak_public(&tpm, &spec.ak)?,
            spec,
            td,
            boot,
            endorsement,
            dir: dir.to_owned(),
            tpm: Some(tpm),
        };
        host.launch()?;
        Ok(host)
    }

    /// Restarts the host with another launch, or without one. Its TPM and the key in it stay the same.
    ///
    /// # Errors
    /// If its TPM does not start again.
    pub fn reboot(&mut self, launch: Option<Launch>) -> anyhow::Result<()> {
        self.tpm = None;
        self.spec.launch = launch;
        self.tpm = Some(Swtpm::start(&self.dir.join("tpm"))?);
        self.launch()
    }

    /// Its agent.
    pub fn agent(&self) -> HostAgent {
        HostAgent {
            tcti: self.tcti(),
            ak: self.spec.ak.clone(),
            ak_public: self.ak_public.clone(),
            td: self.td.clone(),
            bank: self.spec.quoted_bank,
            drtm_log: self.drtm_log(),
        }
    }

    /// A quote by the TD on it.
    pub fn td_quote(&self, report_data: [u8; 64]) -> Vec<u8> {
        self.td.quote(report_data)
    }

    /// The TD's event log, as its ACPI table's data area holds it.
    pub fn ccel(&self) -> Vec<u8> {
        self.boot.ccel_area()
    }

    /// The launch's log; empty if there was none.
    pub fn drtm_log(&self) -> Vec<u8> {
        self.spec.launch.as_ref().map(Launch::log).unwrap_or_default()
    }

    /// Its attestation key's `TPMT_PUBLIC`.
    pub fn ak_public(&self) -> &[u8] {
        &self.ak_public
    }

    /// Its attestation key's name.
    pub fn ak_name(&self) -> AkName {
        AkName::of(&self.ak_public)
    }

    /// Its endorsement key, with the TPM maker's certificate: what an attacker passes off as an AK's.
    pub fn endorsement(&self) -> &Endorsement {
        &self.endorsement
    }

    /// What `credential` hides, if it is for this host's attestation key and TPM.
    ///
    /// # Errors
    /// If it is for another key or another TPM.
    pub fn activate(&self, credential: &Credential) -> anyhow::Result<Vec<u8>> {
        let mut context = connect(&self.tcti())?;
        let template = self.spec.ak.template(&mut context)?;
        let (ak, _) = ak::create(&mut context, template)?;
        ek::activate(&mut context, ak, credential)
    }

    /// The same for a credential in parts, as it travels: `TPMS_ID_OBJECT` and `TPMS_ECC_POINT`.
    ///
    /// # Errors
    /// As [`activate`](Self::activate).
    pub fn activate_parts(&self, blob: &[u8], secret: &[u8]) -> anyhow::Result<Vec<u8>> {
        self.activate(&Credential {
            blob: blob.try_into()?,
            secret: secret.try_into()?,
        })
    }

    /// PCR 17 and 18 of `bank`, as the TPM reports them.
    ///
    /// # Errors
    /// If the TPM does not answer, or has no such bank.
    pub fn pcrs(&self, bank: HashAlg) -> anyhow::Result<LaunchPcrs> {
        let selection = tss::selection(bank)?;
        let mut context = connect(&self.tcti())?;
        let (_, _, values) = context.execute_without_session(|context| context.pcr_read(selection))?;
        let [pcr17, pcr18] = values.value() else {
            anyhow::bail!("the TPM has no {bank} bank")
        };
        Ok(LaunchPcrs {
            bank,
            pcr17: pcr17.value().to_vec(),
            pcr18: pcr18.value().to_vec(),
        })
    }

    /// The TD on it.
    pub fn td(&self) -> &Td {
        &self.td
    }

    /// What the TD booted.
    pub fn measured_boot(&self) -> &MeasuredBoot {
        &self.boot
    }

    /// What was asked for.
    pub fn spec(&self) -> &HostSpec {
        &self.spec
    }

    /// How TSS clients reach its TPM.
    pub fn tcti(&self) -> String {
        self.swtpm().tcti()
    }

    /// The process that is its TPM.
    pub fn tpm_pid(&self) -> u32 {
        self.swtpm().pid()
    }

    /// Launches, and makes sure that the TPM agrees with what was computed.
    fn launch(&mut self) -> anyhow::Result<()> {
        let Some(launch) = &self.spec.launch else {
            return Ok(());
        };
        launch.perform(self.swtpm(), &self.spec.banks)?;
        for bank in &self.spec.banks {
            ensure!(
                self.pcrs(*bank)? == launch.pcrs(*bank),
                "the TPM's {bank} bank holds another launch"
            );
        }
        Ok(())
    }

    fn swtpm(&self) -> &Swtpm {
        self.tpm
            .as_ref()
            .expect("taken only by a reboot, which gives another or fails")
    }
}

fn ak_public(tpm: &Swtpm, ak: &AkSpec) -> anyhow::Result<Vec<u8>> {
    let mut context = connect(&tpm.tcti())?;
    let template = ak.template(&mut context)?;
    let (_, public) = ak::create(&mut context, template)?;
    Ok(public.marshall()?)
}
