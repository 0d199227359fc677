//! A cloud of its own for each test, and appraisals in it.

use alloy::signers::local::PrivateKeySigner;
use chassis_attester::consent;
use chassis_sim::{
    Cloud, Seed,
    machine::{Machine, MachineSpec, Parts},
};
use chassis_verifier::{
    Appraisal, CheckId, Endorsements, Error, Outcome, Policy, appraise,
    bundle::{Bundle, DEFAULT_LIMIT, Evidence, Tpm},
};
use tempfile::TempDir;

/// A cloud, removed with all its files when dropped.
pub(crate) struct World {
    pub(crate) cloud: Cloud,
    pub(crate) policy: Policy,
    pub(crate) operator: PrivateKeySigner,
    folder: TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let cloud = Cloud::new(&folder.path().join("cloud"), Seed(42)).expect("a cloud");
        Self {
            policy: Policy::from_toml(&cloud.policy_toml().expect("a policy")).expect("a policy"),
            operator: PrivateKeySigner::from_slice(&[7; 32]).expect("a key"),
            cloud,
            folder,
        }
    }

    pub(crate) fn boot(&self, spec: MachineSpec) -> Machine {
        self.cloud.boot(spec).expect("a machine")
    }

    /// Attests as a node with these parts would.
    pub(crate) fn attest(&self, parts: &Parts) -> Bundle {
        self.cloud.bundle(parts, &self.operator).expect("a bundle")
    }

    /// TD and CCEL of one machine, TPM and its log of another.
    pub(crate) fn join(&self, td: &Machine, tpm: &Machine) -> Parts {
        let dir = self.folder.path().join("frankenstein");
        chassis_sim::machine::assemble(&dir, &td.parts(), &tpm.parts()).expect("parts")
    }

    /// Signs `bundle` again after `change`, so that nothing but the change is wrong with it, and reads it as it would arrive.
    pub(crate) fn tamper(&self, bundle: &Bundle, change: impl FnOnce(&mut Evidence)) -> Bundle {
        Bundle::parse(&self.tampered(bundle, change), DEFAULT_LIMIT).expect("a readable bundle")
    }

    /// The same, as it would be sent.
    pub(crate) fn tampered(&self, bundle: &Bundle, change: impl FnOnce(&mut Evidence)) -> Vec<u8> {
        let mut evidence = bundle.evidence.clone();
        change(&mut evidence);
        let bundle = consent(evidence, &self.operator).expect("the operator's own evidence");
        bundle.to_json().expect("JSON")
    }

    /// What an honest relayer says of evidence with this machine's TD.
    pub(crate) fn appraise(&self, bundle: &Bundle, td: &Machine) -> Appraisal {
        self.appraise_with(bundle, &self.cloud.endorsements(td.td().pck()))
    }

    pub(crate) fn appraise_with(&self, bundle: &Bundle, endorsements: &Endorsements) -> Appraisal {
        appraise(bundle, endorsements, &self.policy, self.cloud.now() + 60).expect("readable evidence")
    }

    /// The same for evidence that may not even be readable.
    pub(crate) fn try_appraise(&self, bundle: &Bundle, td: &Machine) -> Result<Appraisal, Error> {
        appraise(
            bundle,
            &self.cloud.endorsements(td.td().pck()),
            &self.policy,
            self.cloud.now() + 60,
        )
    }
}

/// The checks that failed.
pub(crate) fn failed(appraisal: &Appraisal) -> Vec<CheckId> {
    let failed = appraisal
        .checks
        .iter()
        .filter(|check| check.outcome == Outcome::Fail);
    failed.map(|check| check.id).collect()
}

/// The TPM's part, which all of these bundles have.
pub(crate) fn tpm(evidence: &mut Evidence) -> &mut Tpm {
    evidence.tpm.as_mut().expect("a TPM's evidence")
}
