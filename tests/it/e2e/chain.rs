//! A local chain with the registry on it.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use alloy::{
    network::{EthereumWallet, TransactionBuilder},
    primitives::{Address, B256, Bytes, address, aliases::U40},
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::types::TransactionRequest,
    signers::local::PrivateKeySigner,
    sol_types::{SolCall, SolValue},
};
use chassis_relayer::registry::{IProofOfCloudRegistry, Registry};
use chassis_sim::{AZURE_ID, provider::PROVIDER_ID};
use serde_json::{Value, json};

/// anvil's well-known accounts: 0 deploys, 1 relays, 2 operates a node, 3 guards, 4 and 5 relay too where there are
/// three, 7 and 8 where there are five. 6 operates one more node.
pub(crate) const KEYS: [&str; 9] = [
    "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
    "0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6",
    "0x47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a",
    "0x8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba",
    "0x92db14e403b83dfe3df233f83dfa3a0d7096f21ca9b0d6d6b8d88b2b4ec1564e",
    "0x4bbbf85ce3377467afe5d46f804f221813b2bb87f24d81f60f1fcdbf7cbf4356",
    "0xdbda1821b80551c9d65939329250298aa3472ba22feea921c0cf5d620ea67b97",
];
/// A provider of bare metal, beside the simulation's own.
pub(crate) const METAL: u16 = 2;
const DAY: u64 = 86_400;
/// Guards, and governs.
const GUARDIAN: Address = address!("90F79bf6EB2c4f870365E785982E1f101E93b906");

/// anvil, killed on drop.
pub(crate) struct Chain {
    process: Child,
    pub(crate) url: String,
    pub(crate) provider: DynProvider,
    pub(crate) registry: Address,
}

impl Chain {
    /// Starts anvil with a block each second and deploys the registry: one relayer, threshold one, one policy.
    pub(crate) async fn start(policy: B256) -> Self {
        Self::start_with(policy, 1).await
    }

    /// The same, with blocks final after twice as many more as `epoch` says.
    pub(crate) async fn start_with(policy: B256, epoch: u32) -> Self {
        let mut chain = Self::spawn(&["--block-time", "1"], epoch).await;
        chain.registry = chain.deploy(policy, &[1], 1).await;
        chain
    }

    /// The same with several policies.
    pub(crate) async fn start_policies(policies: &[B256]) -> Self {
        let mut chain = Self::spawn(&["--block-time", "1"], 1).await;
        chain.registry = chain.deploy_with(policies, &[1], 1).await;
        chain
    }

    /// The same with the relayers that have these keys, `threshold` of whom must sign, reports and freezes.
    pub(crate) async fn start_set(policy: B256, relayers: &[usize], threshold: u8) -> Self {
        let mut chain = Self::spawn(&["--block-time", "1"], 1).await;
        chain.registry = chain.deploy(policy, relayers, threshold).await;
        chain
    }

    /// The same, that begins at a time of its own (Unix seconds).
    pub(crate) async fn start_at(time: u64, policy: B256, relayers: &[usize], threshold: u8) -> Self {
        let mut chain = Self::spawn(&["--block-time", "1", "--timestamp", &time.to_string()], 1).await;
        chain.registry = chain.deploy(policy, relayers, threshold).await;
        chain
    }

    /// The same, with blocks only when [`Chain::mine`] is called.
    pub(crate) async fn start_still(policy: B256) -> Self {
        Self::start_still_with(policy, &[]).await
    }

    /// The same, with more of anvil's options.
    pub(crate) async fn start_still_with(policy: B256, options: &[&str]) -> Self {
        let mut chain = Self::spawn(options, 1).await;
        chain.registry = chain.deploy(policy, &[1], 1).await;
        chain.ask("evm_setAutomine", json!([false])).await;
        chain
    }

    /// The same with the relayers that have these keys, `threshold` of whom must sign; the registry is final.
    pub(crate) async fn start_still_set(policy: B256, relayers: &[usize], threshold: u8) -> Self {
        let mut chain = Self::spawn(&[], 1).await;
        chain.registry = chain.deploy(policy, relayers, threshold).await;
        chain.ask("evm_setAutomine", json!([false])).await;
        chain.mine(4).await;
        chain
    }

    /// Mines, and makes all but the last two blocks final.
    pub(crate) async fn mine(&self, blocks: u64) {
        self.ask("anvil_mine", json!([format!("{blocks:#x}")])).await;
    }

    /// Any method of anvil's.
    pub(crate) async fn ask(&self, method: &'static str, params: Value) -> Value {
        self.provider.raw_request(method.into(), params).await.unwrap()
    }

    /// Has the guardian call the registry.
    pub(crate) async fn guard(&self, call: &impl SolCall) {
        let data = Bytes::from(call.abi_encode());
        let transaction = json!({"from": GUARDIAN, "to": self.registry, "data": data});
        self.ask("eth_sendTransaction", json!([transaction])).await;
    }

    async fn spawn(arguments: &[&str], epoch: u32) -> Self {
        let port = free_port();
        let process = Command::new(contracts().join("bin/anvil"))
            .args([
                "--port",
                &port.to_string(),
                "--slots-in-an-epoch",
                &epoch.to_string(),
                "--silent",
            ])
            .args(arguments)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let url = format!("http://127.0.0.1:{port}");
        let wallet = EthereumWallet::from(signer(0));
        let provider = ProviderBuilder::new()
            .wallet(wallet)
            .connect_http(url.parse().unwrap())
            .erased();
        let chain = Self {
            process,
            url,
            provider,
            registry: Address::ZERO,
        };
        until("anvil answers", || async {
            chain.provider.get_block_number().await.is_ok()
        })
        .await;
        chain
    }

    pub(crate) fn registry(&self) -> Registry {
        IProofOfCloudRegistry::new(self.registry, self.provider.clone())
    }

    /// How many reports the registry has applied.
    pub(crate) async fn batches(&self) -> u64 {
        self.registry().control().call().await.unwrap().nextBatch
    }

    /// Another registry on it.
    pub(crate) async fn deploy(&self, policy: B256, relayers: &[usize], threshold: u8) -> Address {
        self.deploy_with(&[policy], relayers, threshold).await
    }

    async fn deploy_with(&self, policies: &[B256], relayers: &[usize], threshold: u8) -> Address {
        let config = IProofOfCloudRegistry::Config {
            relayers: relayers.iter().map(|key| signer(*key).address()).collect(),
            threshold,
            freezeThreshold: threshold,
            governor: GUARDIAN,
            guardians: vec![GUARDIAN],
            policies: policies.to_vec(),
            providers: vec![PROVIDER_ID, METAL, AZURE_ID],
            maxTtl: 86_400,
            delay: U40::from(3 * DAY),
            relayerSetDelay: U40::from(7 * DAY),
        };
        let extension = self.create(bytecode("RegistryExtension").to_vec()).await;
        let arguments = (config, extension).abi_encode_params();
        self.create([bytecode("ProofOfCloudRegistry").to_vec(), arguments].concat())
            .await
    }

    async fn create(&self, code: Vec<u8>) -> Address {
        let request = TransactionRequest::default().with_deploy_code(Bytes::from(code));
        let receipt = self
            .provider
            .send_transaction(request)
            .await
            .unwrap()
            .get_receipt()
            .await
            .unwrap();
        receipt.contract_address.unwrap()
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) fn signer(index: usize) -> PrivateKeySigner {
    KEYS[index].parse().unwrap()
}

pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// Polls `done` for at most a minute.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut done: impl FnMut() -> F) {
    for _ in 0..600 {
        if done().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("waited a minute in vain: {what}");
}

fn contracts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts")
}

/// What `forge build` made of a contract.
fn bytecode(contract: &str) -> Bytes {
    let path = contracts().join(format!("out/{contract}.sol/{contract}.json"));
    let text = std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; run `npm run build` in contracts", path.display()));
    let artifact: serde_json::Value = serde_json::from_slice(&text).unwrap();
    artifact["bytecode"]["object"].as_str().unwrap().parse().unwrap()
}
