//! Transactions and endpoints that go wrong, against the whole `chassis relay` on a chain that is mined by the test.

mod chaos;
mod endpoints;
mod fees;
mod kill;
mod nonces;
mod trouble;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use alloy::{
    consensus::{Transaction as _, TxEnvelope},
    eips::eip2718::Decodable2718,
    network::{EthereumWallet, TransactionBuilder},
    primitives::{Address, B256},
    providers::{Provider, ProviderBuilder},
    rpc::types::TransactionRequest,
};
use chassis_sim::{
    Cloud, Seed,
    machine::{Machine, MachineSpec},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    chain::{Chain, signer, until},
    outside::Outside,
    programs::{Relayer, attest},
    proxy::Proxy,
};

const GWEI: u64 = 1_000_000_000;

/// A relayer behind proxies, with machines to attest. The chain stands still unless the test moves it.
struct Scene {
    cloud: Arc<Cloud>,
    chain: Arc<Chain>,
    relayer: Relayer,
    proxies: Vec<Proxy>,
    machines: Vec<Machine>,
    mining: Arc<AtomicBool>,
    _dir: TempDir,
}

/// How a scene differs from the plain one.
#[derive(Clone, Copy)]
struct Setup {
    machines: usize,
    proxies: usize,
    /// Keys at the top of the configuration.
    top: &'static str,
    /// Keys in `[post]`.
    post: &'static str,
}

const PLAIN: Setup = Setup {
    machines: 1,
    proxies: 1,
    top: "",
    post: "",
};

impl Scene {
    async fn new(setup: Setup) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let cloud = Arc::new(Cloud::new(&dir.path().join("cloud"), Seed(7)).unwrap());
        let chain = Chain::start_still(cloud.policy().digest().unwrap()).await;
        chain.mine(4).await;
        let outside = Outside::serve(Arc::clone(&cloud)).await;
        let mut proxies = Vec::new();
        for _ in 0..setup.proxies {
            proxies.push(Proxy::start(&chain.url).await);
        }
        let urls: Vec<_> = proxies.iter().map(|proxy| proxy.url.as_str()).collect();
        let top = format!("poll_ms = 50\n{}", setup.top);
        let sections = format!(
            "[rpc]\nurls = {urls:?}\nprobe_ms = 200\nskip_ms = 200\ntimeout_ms = 2000\n\
             [tasks]\nmax_backoff_s = 1\n[post]\n{}\n",
            setup.post
        );
        let relayer = Relayer::configured(&chain, &cloud, &outside, &top, &sections);
        let boot = |index| cloud.boot(MachineSpec::new(["a", "b", "c", "d"][index])).unwrap();
        let machines = (0..setup.machines).map(boot).collect();
        Self {
            cloud,
            chain: Arc::new(chain),
            relayer,
            proxies,
            machines,
            mining: Arc::default(),
            _dir: dir,
        }
    }

    /// The scene with its relayer running.
    async fn started(setup: Setup) -> Self {
        let mut scene = Self::new(setup).await;
        scene.relayer.start(None).await;
        scene
    }

    /// Attests a machine for an operator of its own and submits the bundle. Some time has passed since the last one, so
    /// that what is granted lasts longer.
    async fn submit(&self, machine: usize) -> String {
        let bundle = self.attested(machine).await;
        self.send(&bundle).await
    }

    /// Submits a bundle.
    async fn send(&self, bundle: &[u8]) -> String {
        let mut answer = self.relayer.post(bundle).await;
        // An endpoint is behind: who sends it comes again.
        for _ in 0..20 {
            if answer.1["type"] != json!("urn:chassis:problem:not-final") {
                break;
            }
            self.chain.mine(1).await;
            answer = self.relayer.post(bundle).await;
        }
        let (status, answer) = answer;
        assert_eq!(status, 202, "{answer}");
        super::digest(&answer)
    }

    /// The bundle alone.
    async fn attested(&self, machine: usize) -> Vec<u8> {
        self.chain.ask("evm_increaseTime", json!([128])).await;
        self.chain.mine(4).await;
        let parts = self.machines[machine].parts();
        let key = [2, 4, 5, 6][machine];
        attest(&self.chain, &self.cloud, &parts, key)
    }

    async fn state(&self, digest: &str) -> String {
        self.relayer.bundle(digest).await["state"]
            .as_str()
            .unwrap_or("")
            .to_owned()
    }

    async fn until_state(&self, digest: &str, state: &str) {
        self.relayer.until_state(digest, state).await;
    }

    /// Mines until the bundle is final.
    async fn until_final(&self, digest: &str) {
        until(&format!("{digest} is final"), || async {
            self.chain.mine(1).await;
            self.state(digest).await == "final"
        })
        .await;
    }

    /// The relayer's transactions that wait to be mined, by nonce.
    async fn pool(&self) -> Vec<Pending> {
        let content = self.chain.ask("txpool_content", json!([])).await;
        let mut pending = Vec::new();
        for part in ["pending", "queued"] {
            let accounts = content[part].as_object().cloned().unwrap_or_default();
            for (account, transactions) in accounts {
                if account.parse::<Address>().unwrap() == relayer() {
                    let transactions = transactions.as_object().unwrap();
                    pending.extend(transactions.values().map(Pending::new));
                }
            }
        }
        pending.sort_by_key(|transaction| transaction.nonce);
        pending
    }

    /// Waits until exactly so many of the relayer's transactions wait to be mined.
    async fn until_pending(&self, count: usize) -> Vec<Pending> {
        until(&format!("{count} transactions wait"), || async {
            self.pool().await.len() == count
        })
        .await;
        self.pool().await
    }

    async fn nonce(&self) -> u64 {
        self.chain
            .provider
            .get_transaction_count(relayer())
            .await
            .unwrap()
    }

    /// Sets what a block costs from the next one on, and mines it.
    async fn set_base_fee(&self, gwei: u64) {
        let fee = format!("{:#x}", gwei * GWEI);
        self.chain
            .ask("anvil_setNextBlockBaseFeePerGas", json!([fee]))
            .await;
        self.chain.mine(1).await;
    }

    /// Another program sends nothing, with the relayer's key and this nonce, for a high fee.
    async fn send_foreign(&self, nonce: u64) {
        let provider = ProviderBuilder::new()
            .disable_recommended_fillers()
            .wallet(EthereumWallet::from(signer(1)))
            .connect_http(self.chain.url.parse().unwrap());
        let request = TransactionRequest::default()
            .with_to(Address::ZERO)
            .with_nonce(nonce)
            .with_gas_limit(21_000)
            .with_chain_id(provider.get_chain_id().await.unwrap())
            .with_max_fee_per_gas(150 * u128::from(GWEI))
            .with_max_priority_fee_per_gas(100 * u128::from(GWEI));
        let _ = provider.send_transaction(request).await.unwrap();
    }

    /// Account 0 posts what the relayer wanted to post. Whether it is mined is up to the test.
    async fn overtake(&self, raw: &[u8]) {
        let transaction = TxEnvelope::decode_2718(&mut &*raw).unwrap();
        let request = TransactionRequest::default()
            .with_to(self.chain.registry)
            .with_gas_limit(3_000_000)
            .with_input(transaction.input().clone());
        let _ = self.chain.provider.send_transaction(request).await.unwrap();
    }

    /// Mines ten times a second, in the background, while `mining` is set.
    fn keep_mining(&self) {
        self.mining.store(true, Ordering::Relaxed);
        let (chain, mining) = (Arc::clone(&self.chain), Arc::clone(&self.mining));
        tokio::spawn(async move {
            while mining.load(Ordering::Relaxed) {
                chain.mine(1).await;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
    }

    async fn until_dead(&mut self, failpoint: &str) {
        for _ in 0..300 {
            if self.relayer.is_dead() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the relayer never came to `{failpoint}`");
    }

    /// Nothing more happens: no further batch, no further transaction.
    async fn assert_settled(&self, batches: u64, transactions: u64) {
        for _ in 0..5 {
            self.chain.mine(1).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(self.chain.batches().await, batches, "effects on chain");
        assert_eq!(self.nonce().await, transactions, "transactions of the relayer");
        assert_eq!(self.pool().await.len(), 0, "transactions that wait");
    }
}

/// A transaction in the node's pool.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pending {
    hash: B256,
    nonce: u64,
    max_fee: u64,
    max_tip: u64,
}

impl Pending {
    fn new(transaction: &Value) -> Self {
        let number =
            |field: &str| u64::from_str_radix(&transaction[field].as_str().unwrap()[2..], 16).unwrap();
        Self {
            hash: transaction["hash"].as_str().unwrap().parse().unwrap(),
            nonce: number("nonce"),
            max_fee: number("maxFeePerGas"),
            max_tip: number("maxPriorityFeePerGas"),
        }
    }
}

fn relayer() -> Address {
    signer(1).address()
}
