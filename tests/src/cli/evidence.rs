//! `chassis-sim evidence`.

use std::fs;

use alloy::{primitives::B256, signers::local::PrivateKeySigner};
use anyhow::ensure;
use chassis_sim::{
    Cloud, Owner, Seed, Witnesses,
    host::{HostSpec, Registrar},
    machine::{Machine, MachineSpec},
};
use chassis_verifier::{
    appraise,
    bundle::{Bundle, Tee},
};

use super::Folder;

const SEED: Seed = Seed(1);
const WEEK: u64 = 7 * 86_400;

/// How long after its block the evidence is appraised, seconds.
const AGE: u64 = 60;

/// The operator of the written bundle: worth nothing anywhere else.
const OPERATOR: [u8; 32] = [7; 32];

/// Boots an honest machine, writes what an appraisal of it takes, and turns it off.
///
/// Into the folder: `bundle.json`, `endorsements.json`, `policy.toml`, and `as-of` (Unix seconds). With that time they
/// stay good for ever. Beside them, what others say, in which this policy believes nobody: `poe`, `alliance-token`,
/// `registrar-statement`, and a host's launch, `drtm-log`.
#[derive(clap::Args)]
pub(super) struct Evidence {
    #[command(flatten)]
    folder: Folder,
}

impl Evidence {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let cloud = Cloud::new(&self.folder.dir, SEED)?;
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
        for (name, content) in claims(&cloud, &machine, &bundle)? {
            write(name, &content)?;
        }
        Ok(())
    }
}

/// What an owner and an alliance say of this machine, and a registrar of a host beside it.
fn claims(cloud: &Cloud, machine: &Machine, bundle: &Bundle) -> anyhow::Result<[(&'static str, Vec<u8>); 4]> {
    let pck = machine.td().pck();
    let Tee::Tdx { quote, .. } = &bundle.evidence.tee;
    let poe = Owner::new(SEED).endorse(pck.platform_instance_id, cloud.now());
    let token = Witnesses::new(SEED).token(quote, pck.ppid, cloud.now());
    let host = cloud.boot_host(HostSpec::new("host"))?;
    let manufacturer = cloud.tpm_manufacturer();
    let registered = Registrar::new(&manufacturer).register(&host, cloud.now(), cloud.now() + WEEK)?;
    let statement = registered.statement("hall 4", &SEED.key("registrar"))?;
    let log = host.agent().quote(B256::ZERO, &host.td_quote([0; 64]))?.drtm_log;
    Ok([
        ("poe", poe),
        ("alliance-token", token.into_bytes()),
        ("registrar-statement", statement),
        ("drtm-log", log),
    ])
}
