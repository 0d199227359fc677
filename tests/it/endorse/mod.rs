//! The relayer's own fetcher against a stand-in for Intel and the provider that goes wrong in every way there is.

mod faults;
mod offline;
mod platforms;

use std::sync::Arc;

use alloy::signers::local::PrivateKeySigner;
use chassis_relayer::{
    Error,
    endorse::{Endorser, Sources},
};
use chassis_sim::{Cloud, Seed, machine::MachineSpec, pcs::Pcs};
use chassis_verifier::{Endorsements, appraise, bundle::Bundle};
use tempfile::TempDir;

/// One machine's bundle, and who is asked about it.
struct World {
    cloud: Arc<Cloud>,
    pcs: Pcs,
    bundle: Bundle,
    _dir: TempDir,
}

impl World {
    async fn new() -> Self {
        Self::of(MachineSpec::new("a")).await
    }

    async fn of(spec: MachineSpec) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let cloud = Arc::new(Cloud::new(dir.path(), Seed(11)).unwrap());
        let machine = cloud.boot(spec).unwrap();
        let operator = PrivateKeySigner::random();
        let bundle = cloud.bundle(&machine.parts(), &operator).unwrap();
        Self {
            pcs: Pcs::serve(Arc::clone(&cloud)).await.unwrap(),
            cloud,
            bundle,
            _dir: dir,
        }
    }

    /// Everything from the stand-in, and asked for anew each time.
    fn sources(&self) -> Sources {
        let url = self.pcs.url();
        Sources {
            pcs: Some(url.clone()),
            host_registry: Some(format!("{url}/host-registry/{{ppid}}")),
            provider_crls: vec![format!("{url}/crls/0"), format!("{url}/crls/1")],
            timeout_s: 2,
            refresh_s: 0,
            ..Sources::default()
        }
    }

    fn endorser(&self, sources: Sources) -> Endorser {
        Endorser::new(sources, &self.cloud.policy()).unwrap()
    }

    async fn fetch(&self, endorser: &Endorser) -> Result<Endorsements, Error> {
        endorser.endorse(&self.bundle, self.cloud.anchor()).await
    }

    /// Whether the set endorses the bundle.
    fn holds(&self, set: &Endorsements) -> bool {
        let policy = self.cloud.policy();
        let appraisal = appraise(&self.bundle, set, &policy, self.cloud.now() + 60).unwrap();
        appraisal.is_attestable()
    }
}
