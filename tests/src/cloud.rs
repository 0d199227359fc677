//! The cloud as a whole: one Intel, one provider, and the machines that were booted.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use chassis_verifier::{Base64, HostRegistryClaim, Policy};
use dcap_qvl::QuoteCollateralV3;

use crate::{
    CrlSpec, Seed,
    azure::AzureVm,
    host::{BareMetal, HostSpec, Manufacturer},
    intel::{CollateralSpec, Intel},
    machine::{Machine, MachineSpec, Place},
    policy::{self, AZURE_ID},
    provider::{Instance, Provider},
};

const WEEK: u64 = 7 * 86_400;

/// A simulated cloud. Everything but the TPMs' own keys is the same for the same seed and time.
#[derive(Debug)]
pub struct Cloud {
    dir: PathBuf,
    seed: Seed,
    now: u64,
    intel: Intel,
    provider: Provider,
    collateral: Mutex<CollateralSpec>,
    hosts: Mutex<BTreeMap<[u8; 16], HostRegistryClaim>>,
    /// Serial numbers.
    revoked: Mutex<Vec<Vec<u8>>>,
}

impl Cloud {
    /// A cloud that keeps its files in `dir`, as of now.
    ///
    /// # Errors
    /// If `dir` cannot be made or written to.
    pub fn new(dir: &Path, seed: Seed) -> anyhow::Result<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        Self::at(dir, seed, now)
    }

    /// A cloud that keeps its files in `dir`, with collateral issued a day before `now` (Unix seconds).
    ///
    /// # Errors
    /// If `dir` cannot be made or written to.
    pub fn at(dir: &Path, seed: Seed, now: u64) -> anyhow::Result<Self> {
        fs::create_dir_all(dir)?;
        let cloud = Self {
            dir: dir.canonicalize()?,
            seed,
            now,
            intel: Intel::new(seed),
            provider: Provider::new(seed),
            collateral: Mutex::new(CollateralSpec::fresh([0; 6], now)),
            hosts: Mutex::default(),
            revoked: Mutex::default(),
        };
        fs::create_dir_all(cloud.dir.join("roots"))?;
        fs::write(cloud.intel_root_path(), cloud.intel.root_der())?;
        fs::write(cloud.provider_root_path(), cloud.provider.root_der())?;
        fs::write(cloud.intermediate_path(), cloud.provider.intermediate_der())?;
        fs::write(cloud.policy_path(), cloud.policy_toml()?)?;
        Ok(cloud)
    }

    /// Boots a machine, and reboots it if there is one of this name already: its TPM and platform stay the same.
    ///
    /// # Errors
    /// If its TPM does not start or its files cannot be written.
    pub fn boot(&self, spec: MachineSpec) -> anyhow::Result<Machine> {
        let pck = spec
            .pck
            .clone()
            .unwrap_or_else(|| self.intel.pck_spec(&spec.name));
        let rogue;
        let provider = match spec.place {
            Place::DataCenter => {
                let claim = self.provider.host_registry_claim(pck.ppid, &spec.zone);
                lock(&self.hosts).insert(pck.ppid, claim);
                &self.provider
            }
            // Somebody who calls himself a provider.
            Place::Basement => {
                rogue = Provider::new(Seed(self.seed.0.wrapping_add(1)));
                &rogue
            }
        };
        let instance = Instance {
            zone: spec.zone.clone(),
            project_number: 347_853_335_121,
            project_id: spec.project_id.clone(),
            // Real ones exceed i64.
            instance_id: u64::from_be_bytes(self.seed.bytes(&format!("instance/{}", spec.name))) | (1 << 63),
            name: spec.name.clone(),
            is_production: spec.is_production,
        };
        let dir = self.dir.join("machines").join(&spec.name);
        Machine::boot(&dir, spec, self.intel.platform(pck), provider, instance)
    }

    /// Sets up a bare-metal host, and reboots it if there is one of this name already: its TPM and platform stay the same.
    ///
    /// Nobody lists or registers it by that: see [`Registrar`](crate::host::Registrar).
    ///
    /// # Errors
    /// If its TPM does not start, or does not hold the launch.
    pub fn boot_host(&self, spec: HostSpec) -> anyhow::Result<BareMetal> {
        let pck = spec
            .td
            .pck
            .clone()
            .unwrap_or_else(|| self.intel.pck_spec(&spec.td.name));
        let dir = self.dir.join("hosts").join(&spec.td.name);
        BareMetal::boot(&dir, spec, self.intel.platform(pck), &self.tpm_manufacturer())
    }

    /// Boots a machine under a paravisor, on a platform of its own that the host registry lists.
    ///
    /// # Errors
    /// If its TPM does not start, or no port is free.
    pub async fn boot_azure(&self, name: &str) -> anyhow::Result<AzureVm> {
        let pck = self.intel.pck_spec(name);
        let claim = HostRegistryClaim {
            provider: AZURE_ID,
            ..self.provider.host_registry_claim(pck.ppid, "azure-1")
        };
        lock(&self.hosts).insert(pck.ppid, claim);
        let platform = self.intel.platform(pck);
        let dir = self.dir.join("azure").join(name);
        AzureVm::boot(&dir, name, platform, &self.azure()).await
    }

    /// The provider of machines under a paravisor.
    pub fn azure(&self) -> Provider {
        Provider::new(Seed(self.seed.0.wrapping_add(2)))
    }

    /// The maker of the hosts' TPMs, in data centers and basements alike.
    pub fn tpm_manufacturer(&self) -> Manufacturer {
        Manufacturer::new(self.seed)
    }

    /// The simulated Intel.
    pub fn intel(&self) -> &Intel {
        &self.intel
    }

    /// The simulated provider.
    pub fn provider(&self) -> &Provider {
        &self.provider
    }

    /// Changes what Intel says from now on, of every platform.
    pub fn update_collateral(&self, change: impl FnOnce(&mut CollateralSpec)) {
        change(&mut lock(&self.collateral));
    }

    /// Has Intel revoke the PCK certificate of the platform with this PPID.
    pub fn revoke(&self, ppid: [u8; 16]) {
        self.update_collateral(|collateral| {
            collateral.revoked.push(ppid);
            collateral.crl_number += 1;
        });
    }

    /// Has Intel demand an update of every platform: those with [`NEXT_SVNS`](crate::intel::NEXT_SVNS) have it.
    pub fn demand_update(&self) {
        self.update_collateral(|collateral| {
            collateral.demands_next = true;
            collateral.evaluation_number += 1;
        });
    }

    /// What Intel says of platforms with this FMSPC.
    pub fn collateral(&self, fmspc: [u8; 6]) -> QuoteCollateralV3 {
        self.intel.collateral(&CollateralSpec {
            fmspc,
            ..lock(&self.collateral).clone()
        })
    }

    /// The same as JSON, in `dcap-qvl`'s form.
    pub fn collateral_json(&self, fmspc: [u8; 6]) -> String {
        serde_json::to_string(&self.collateral(fmspc)).expect("strings only")
    }

    /// What the provider's host registry says of this CPU.
    pub fn host_registry_claim(&self, ppid: [u8; 16]) -> Option<HostRegistryClaim> {
        lock(&self.hosts).get(&ppid).cloned()
    }

    /// The whole host registry.
    pub fn host_registry(&self) -> Vec<HostRegistryClaim> {
        lock(&self.hosts).values().cloned().collect()
    }

    /// Puts a host on the provider's registry.
    pub fn list(&self, ppid: [u8; 16], zone: &str) {
        let claim = self.provider.host_registry_claim(ppid, zone);
        lock(&self.hosts).insert(ppid, claim);
    }

    /// Strikes a host off the provider's registry.
    pub fn unlist(&self, ppid: [u8; 16]) {
        lock(&self.hosts).remove(&ppid);
    }

    /// Has the provider revoke the certificate with this serial number, which its intermediate has issued.
    pub fn revoke_certificate(&self, serial: &[u8]) {
        lock(&self.revoked).push(serial.to_vec());
    }

    /// The provider's CRLs (DER): root's, then intermediate's, issued a day ago for a week.
    pub fn provider_crls(&self) -> [Base64; 2] {
        self.provider.crls(&self.crl_spec()).map(Base64::from)
    }

    /// The root's CRL (DER) after it has revoked the intermediate.
    pub fn provider_crl_without_intermediate(&self) -> Base64 {
        self.provider.crl_without_intermediate(&self.crl_spec()).into()
    }

    fn crl_spec(&self) -> CrlSpec {
        let this_update = self.now - 86_400;
        let revoked = lock(&self.revoked).clone();
        CrlSpec {
            number: 1 + revoked.len() as u64,
            this_update,
            next_update: this_update + WEEK,
            revoked,
        }
    }

    /// A policy that trusts exactly this cloud's roots and the reviewed image.
    ///
    /// # Errors
    /// Never in practice: every part of it has a TOML form.
    pub fn policy_toml(&self) -> anyhow::Result<String> {
        policy::policy_toml(&self.policy())
    }

    /// A policy that trusts exactly this cloud's roots and the reviewed image.
    pub fn policy(&self) -> Policy {
        policy::policy(&self.intel, &self.provider)
    }

    /// The same policy, which also lets [`Self::azure`]'s paravisor speak for its guest.
    pub fn policy_with_paravisor(&self) -> Policy {
        policy::with_paravisor(self.policy(), &self.azure())
    }

    /// When it began, Unix seconds: what its collateral and anchors are dated by.
    pub fn now(&self) -> u64 {
        self.now
    }

    /// Where its files are.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The file with Intel's root (DER).
    pub fn intel_root_path(&self) -> PathBuf {
        self.dir.join("roots/intel.der")
    }

    /// The file with the provider's root (DER).
    pub fn provider_root_path(&self) -> PathBuf {
        self.dir.join("roots/provider.der")
    }

    /// The file with the provider's intermediate (DER), for a node's `--ak-intermediates`.
    pub fn intermediate_path(&self) -> PathBuf {
        self.dir.join("roots/provider-intermediate.der")
    }

    /// The file with [`Self::policy_toml`].
    pub fn policy_path(&self) -> PathBuf {
        self.dir.join("policy.toml")
    }
}

/// Nothing here can be left half-done by a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
