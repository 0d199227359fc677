//! A cloud with many machines, a chain, and a relayer that knows both.

use std::{path::PathBuf, sync::Arc, time::Duration};

use alloy::{eips::BlockNumberOrTag, providers::Provider};
use anyhow::Context as _;
use chassis_sim::{
    Cloud, Seed,
    fleet::Fleet,
    machine::{Machine, MachineSpec},
};
use chassis_verifier::{AnchorClaim, Endorsements, Policy, bundle::Anchor};
use tempfile::TempDir;

use crate::{BUNDLES, chain::Chain, outside::Outside, programs::Relayer, sender::Load, states::States};

/// The registry takes 64 operators on one platform.
const PER_PLATFORM: usize = 50;
const PARTS: usize = 4;

pub(crate) struct Stage {
    pub(crate) cloud: Arc<Cloud>,
    pub(crate) chain: Chain,
    machine: Machine,
    relayer: Relayer,
    states: States,
    _outside: Outside,
    dir: TempDir,
    /// By platform.
    endorsements: Vec<Endorsements>,
}

impl Stage {
    pub(crate) async fn set() -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let cloud = Arc::new(Cloud::new(&dir.path().join("cloud"), Seed(1))?);
        let machine = cloud.boot(MachineSpec::new("bench"))?;
        let chain = Chain::start(cloud.policy().digest()?).await;
        let outside = Outside::serve(Arc::clone(&cloud)).await;
        let top = format!("rpc_url = {:?}\nmax_queue = 100000", chain.url);
        let sections = "[limits]\nclient_per_second = 0\nnewcomers_mib_per_day = 0";
        let mut relayer = Relayer::configured(&chain, &cloud, &outside, &top, sections);
        // What tests have asked for each second is asked for each hour.
        relayer.configure(|text| text.replace("refresh_s = 1\n", ""));
        relayer.start(None).await;
        let mut stage = Self {
            cloud,
            chain,
            machine,
            states: States::open(&relayer.data()).await?,
            relayer,
            _outside: outside,
            dir,
            endorsements: Vec::new(),
        };
        stage.write_bundles().await?;
        Ok(stage)
    }

    /// The bundles of a part, each with what an honest relayer appraises it with.
    pub(crate) fn bundles(&self, part: usize) -> anyhow::Result<Vec<(Vec<u8>, Endorsements)>> {
        let numbers = part * BUNDLES..(part + 1) * BUNDLES;
        let bundle = |number| {
            Ok((
                std::fs::read(self.file(number))?,
                self.endorsements[number / PER_PLATFORM].clone(),
            ))
        };
        numbers.map(bundle).collect()
    }

    /// The policy of cloud and relayer.
    pub(crate) fn policy(&self) -> Policy {
        self.cloud.policy()
    }

    /// A part to be sent, by 16 clients as fast as they can unless `change` says otherwise.
    pub(crate) fn load(&self, part: usize, change: impl FnOnce(&mut Load)) -> Load {
        let mut load = Load {
            url: self.relayer.url.clone(),
            folder: self.folder(part),
            clients: 16,
            interval: Duration::ZERO,
        };
        change(&mut load);
        load
    }

    /// Waits until the relayer has appraised as many bundles as this, all of them well.
    pub(crate) async fn until_appraised(&mut self, count: usize) -> anyhow::Result<()> {
        loop {
            let counts = self.states.counts().await?;
            let is_good = ["rejected", "failed"]
                .iter()
                .all(|state| !counts.contains_key(*state));
            anyhow::ensure!(is_good, "the relayer rejects bundles that are good: {counts:?}");
            let appraised = counts.iter().filter(|(state, _)| *state != "received");
            if appraised.map(|(_, count)| count).sum::<usize>() >= count {
                return Ok(());
            }
            pause().await;
        }
    }

    /// Makes gas so dear that the relayer's transactions wait, or cheap again. The node, which elsewhere has processors of its
    /// own, then has nothing to do meanwhile.
    pub(crate) async fn make_gas_dear(&self, is_dear: bool) -> anyhow::Result<()> {
        let gwei: u128 = if is_dear { 100_000 } else { 1 };
        let fee = format!("{:#x}", gwei * 1_000_000_000);
        let request = self
            .chain
            .provider
            .raw_request::<_, serde_json::Value>("anvil_setNextBlockBaseFeePerGas".into(), [fee]);
        request.await?;
        // It holds from the next block on.
        tokio::time::sleep(Duration::from_secs(2)).await;
        Ok(())
    }

    /// Waits until all that it took is appraised and in signed reports.
    pub(crate) async fn until_signed(&mut self) -> anyhow::Result<()> {
        self.until_none_is(&["received", "appraised", "cosigning"]).await
    }

    /// Waits until all that it took is in blocks.
    pub(crate) async fn until_posted(&mut self) -> anyhow::Result<()> {
        self.until_none_is(&["received", "appraised", "cosigning", "queued", "posted"])
            .await
    }

    async fn until_none_is(&mut self, states: &[&str]) -> anyhow::Result<()> {
        loop {
            let counts = self.states.counts().await?;
            if states.iter().all(|state| !counts.contains_key(*state)) {
                return Ok(());
            }
            pause().await;
        }
    }

    /// Replaces the bundles of a part by fresh ones of the same operators.
    pub(crate) async fn write_renewals(&self, part: usize) -> anyhow::Result<()> {
        let claim = self.anchor().await?;
        let fleet = self.fleet()?;
        for number in part * BUNDLES..(part + 1) * BUNDLES {
            let bundle = fleet.bundle_at(number, number, anchor_of(&claim))?;
            std::fs::write(self.file(number), bundle.to_json()?)?;
        }
        Ok(())
    }

    fn fleet(&self) -> anyhow::Result<Fleet<'_>> {
        Fleet::packed(
            &self.cloud,
            &self.machine,
            PARTS * BUNDLES / PER_PLATFORM,
            PER_PLATFORM,
        )
    }

    /// The most memory that the relayer had in use.
    pub(crate) fn peak_memory_mb(&self) -> f64 {
        self.relayer.peak_memory() as f64 / 1e6
    }

    async fn write_bundles(&mut self) -> anyhow::Result<()> {
        let claim = self.anchor().await?;
        let fleet = self.fleet()?;
        let anchor = anchor_of(&claim);
        fleet.list();
        for part in 0..PARTS {
            std::fs::create_dir_all(self.folder(part))?;
        }
        for number in 0..PARTS * BUNDLES {
            std::fs::write(
                self.file(number),
                fleet.bundle_at(number, number, anchor)?.to_json()?,
            )?;
        }
        let all = Endorsements {
            anchor: claim,
            ..fleet.endorsements()
        };
        let of = |platform: usize| {
            let id = fleet.platform_id(platform * PER_PLATFORM);
            let host_registry = all
                .host_registry
                .iter()
                .filter(|claim| Some(claim.platform_id) == id);
            Endorsements {
                host_registry: host_registry.cloned().collect(),
                ..all.clone()
            }
        };
        let endorsements = (0..PARTS * BUNDLES / PER_PLATFORM).map(of).collect();
        drop(fleet);
        self.endorsements = endorsements;
        Ok(())
    }

    /// The latest finalized block, as an honest relayer sees it.
    async fn anchor(&self) -> anyhow::Result<AnchorClaim> {
        let provider = &self.chain.provider;
        let finalized = provider.get_block_by_number(BlockNumberOrTag::Finalized).await?;
        let header = finalized.context("no block is finalized yet")?.header;
        Ok(AnchorClaim {
            chain_id: provider.get_chain_id().await?,
            registry: self.chain.registry,
            number: header.number,
            hash: header.hash,
            timestamp: header.timestamp,
        })
    }

    fn file(&self, number: usize) -> PathBuf {
        self.folder(number / BUNDLES).join(format!("{number:06}.json"))
    }

    fn folder(&self, part: usize) -> PathBuf {
        self.dir.path().join(format!("part-{part}"))
    }
}

/// Between two looks, each of which is work for the processors that are measured.
async fn pause() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}

fn anchor_of(claim: &AnchorClaim) -> Anchor {
    Anchor {
        chain_id: claim.chain_id,
        registry: claim.registry,
        block_number: claim.number,
        block_hash: claim.hash,
    }
}
