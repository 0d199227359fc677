//! `chassis-sim evidence`.

use std::fs;

use alloy::signers::local::PrivateKeySigner;
use anyhow::ensure;
use chassis_sim::{Cloud, Seed, machine::MachineSpec};
use chassis_verifier::appraise;

use super::Folder;

/// How long after its block the evidence is appraised, seconds.
const AGE: u64 = 60;

/// The operator of the written bundle: worth nothing anywhere else.
const OPERATOR: [u8; 32] = [7; 32];

/// Boots an honest machine, writes what an appraisal of it takes, and turns it off.
///
/// Into the folder: `bundle.json`, `endorsements.json`, `policy.toml`, and `as-of` (Unix seconds). With that time they
/// stay good for ever.
#[derive(clap::Args)]
pub(super) struct Evidence {
    #[command(flatten)]
    folder: Folder,
}

impl Evidence {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let cloud = Cloud::new(&self.folder.dir, Seed(1))?;
        let machine = cloud.boot(MachineSpec::new("a"))?;
        let bundle = cloud.bundle(&machine.parts(), &PrivateKeySigner::from_slice(&OPERATOR)?)?;
        let endorsements = cloud.endorsements(machine.td().pck());
        let as_of = cloud.now() + AGE;
        let appraisal = appraise(&bundle, &endorsements, &cloud.policy(), as_of)?;
        ensure!(
            appraisal.is_attestable(),
            "an honest machine's evidence fails: {:?}",
            appraisal.failed().collect::<Vec<_>>()
        );
        let write = |name: &str, content: &[u8]| fs::write(cloud.dir().join(name), content);
        write("bundle.json", &bundle.to_json()?)?;
        write("endorsements.json", &endorsements.to_json()?)?;
        write("as-of", as_of.to_string().as_bytes())?;
        Ok(())
    }
}
