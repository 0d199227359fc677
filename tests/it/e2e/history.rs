//! A registry's whole life in little time, made with the registry's own functions.

use alloy::{
    network::{EthereumWallet, TransactionBuilder as _},
    primitives::{Address, B256, Bytes, U256, aliases::U40, keccak256},
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::types::{Filter, TransactionRequest},
    signers::{SignerSync as _, local::PrivateKeySigner},
    sol_types::{SolCall, SolStruct},
};
use chassis_relayer::{
    registry::{
        IProofOfCloudGovernance as Gov,
        IProofOfCloudRegistry::{Grant, PlatformEntry, Report, freezeOperatorCall, postCall},
        domain,
    },
    replay::{Position, RegistryLog},
};
use chassis_sim::provider::PROVIDER_ID;

use super::chain::{Chain, signer};

pub(crate) const HOUR: u64 = 3_600;
pub(crate) const DAY: u64 = 24 * HOUR;
/// Guards and governs.
pub(crate) const GUARDIAN: usize = 3;

/// Makes a registry's history, a block for each step.
pub(crate) struct History<'a> {
    pub(crate) chain: &'a Chain,
    provider: DynProvider,
    pub(crate) policy: B256,
    /// The relayers that sign, in the order of their set, and the set.
    pub(crate) signers: Vec<PrivateKeySigner>,
    pub(crate) set: u32,
    /// The signers' bits, if they are not the set's first members.
    pub(crate) mask: Option<u32>,
}

/// What a report holds.
#[derive(Default)]
pub(crate) struct Content {
    pub(crate) platforms: Vec<PlatformEntry>,
    pub(crate) grants: Vec<Grant>,
    /// Lane, expiry.
    pub(crate) renewals: Vec<(u32, u64)>,
}

pub(crate) fn operator(n: u8) -> Address {
    Address::repeat_byte(n)
}

pub(crate) fn platform(n: u8) -> B256 {
    B256::repeat_byte(n)
}

impl<'a> History<'a> {
    pub(crate) fn new(chain: &'a Chain, policy: B256) -> Self {
        let mut wallet = EthereumWallet::from(signer(0));
        for i in 1..7 {
            wallet.register_signer(signer(i));
        }
        let provider = ProviderBuilder::new()
            .wallet(wallet)
            .connect_http(chain.url.parse().unwrap())
            .erased();
        Self {
            chain,
            provider,
            policy,
            signers: vec![signer(1)],
            set: 1,
            mask: None,
        }
    }

    /// Of the latest block.
    pub(crate) async fn now(&self) -> u64 {
        let block = self
            .provider
            .get_block_by_number(alloy::eips::BlockNumberOrTag::Latest);
        block.await.unwrap().unwrap().header.timestamp
    }

    /// Lets time pass, and makes a block.
    pub(crate) async fn wait(&self, seconds: u64) {
        let _: serde_json::Value = self
            .provider
            .raw_request("evm_increaseTime".into(), [seconds])
            .await
            .unwrap();
        self.mine().await;
    }

    pub(crate) async fn mine(&self) {
        let _: serde_json::Value = self.provider.raw_request("evm_mine".into(), ()).await.unwrap();
    }

    /// Sends a call to the registry from one of anvil's accounts, and demands that it succeeds.
    pub(crate) async fn send(&self, from: usize, call: &impl SolCall) {
        self.send_bytes(from, call.abi_encode()).await;
    }

    pub(crate) async fn send_bytes(&self, from: usize, data: Vec<u8>) {
        let request = TransactionRequest::default()
            .with_from(signer(from).address())
            .with_to(self.chain.registry)
            .with_input(data);
        let pending = self.provider.send_transaction(request).await.unwrap();
        self.mine().await;
        let receipt = pending.get_receipt().await.unwrap();
        assert!(receipt.status(), "reverted");
    }

    /// Submits a timelocked call, waits, and makes it.
    pub(crate) async fn governed(&self, call: &impl SolCall) {
        let data = call.abi_encode();
        let submit = Gov::submitCall {
            data: data.clone().into(),
        };
        self.send(GUARDIAN, &submit).await;
        self.wait(7 * DAY + 1).await;
        self.send_bytes(0, data).await;
    }

    pub(crate) async fn freeze(&self, operator: Address) {
        let call = freezeOperatorCall {
            operator,
            reason: 17,
            evidenceHash: keccak256("why"),
        };
        self.send(GUARDIAN, &call).await;
    }

    pub(crate) async fn entry(&self, n: u8, custody: u8, expiry: u64) -> PlatformEntry {
        let stored = self.chain.registry().platform(platform(n)).call().await.unwrap();
        PlatformEntry {
            platformId: platform(n),
            provider: PROVIDER_ID,
            custody,
            custodyExpiry: U40::from(expiry),
            statusNonce: stored.statusNonce,
        }
    }

    /// A grant of all that can be had.
    pub(crate) async fn grant(&self, n: u8, on: u8, expiry: u64) -> Grant {
        let stored = self
            .chain
            .registry()
            .attestationOf(operator(n))
            .call()
            .await
            .unwrap();
        Grant {
            operator: operator(n),
            platformId: platform(on),
            instanceId: B256::repeat_byte(n ^ 0x80),
            workloadId: B256::repeat_byte(0x77 + on % 2),
            binding: 2,
            custody: 1,
            tcb: 1,
            teeClass: 1,
            flags: 1,
            evidenceTime: U40::from(self.now().await),
            ttl: 86_400,
            expiry: U40::from(expiry),
            digest: keccak256([n, on]),
            statusNonce: stored.statusNonce,
        }
    }

    /// Enters a platform for a month and grants operators on it for half a day.
    pub(crate) async fn enrol(&self, operators: &[u8], on: u8) {
        self.wait(64).await;
        let now = self.now().await;
        let mut content = Content {
            platforms: vec![self.entry(on, 2, now + 30 * DAY).await],
            ..Content::default()
        };
        for n in operators {
            content.grants.push(self.grant(*n, on, now + 12 * HOUR).await);
        }
        self.post(content).await;
    }

    /// Renews operators, all for as long.
    pub(crate) async fn renew(&self, operators: &[u8], seconds: u64) {
        self.wait(64).await;
        let expiry = self.now().await + seconds;
        let mut renewals = Vec::new();
        for n in operators {
            let stored = self
                .chain
                .registry()
                .attestationOf(operator(*n))
                .call()
                .await
                .unwrap();
            renewals.push((stored.lane, expiry));
        }
        let content = Content {
            renewals,
            ..Content::default()
        };
        self.post(content).await;
    }

    /// Signs a report by the whole set, and posts it.
    pub(crate) async fn post(&self, content: Content) {
        let now = self.now().await;
        let (renewals, digests) = self.lanes(&content.renewals).await;
        let report = Report {
            relayerSetId: self.set,
            policyDigest: self.policy,
            issuedAt: U40::from(now),
            deadline: U40::from(now + HOUR),
            platforms: content.platforms,
            grants: content.grants,
            renewals,
            digests,
            archive: keccak256("archive"),
        };
        let domain = domain(31_337, self.chain.registry);
        let signatures = self.sign(report.eip712_signing_hash(&domain));
        let call = postCall {
            report,
            signerMask: self.mask.unwrap_or((1 << self.signers.len()) - 1),
            signatures,
        };
        self.send(0, &call).await;
    }

    /// EIP-2098, one after the other.
    pub(crate) fn sign(&self, hash: B256) -> Bytes {
        let signatures = self.signers.iter().map(|signer| {
            let signature = signer.sign_hash_sync(&hash).unwrap().normalized_s();
            signature.as_erc2098()
        });
        signatures.collect::<Vec<_>>().concat().into()
    }

    /// Groups of slot ‖ eight words, each with the lane's generation as stored.
    async fn lanes(&self, renewals: &[(u32, u64)]) -> (Bytes, Vec<B256>) {
        let mut sorted = renewals.to_vec();
        sorted.sort_unstable();
        let mut bytes = Vec::new();
        for group in sorted.chunk_by(|a, b| a.0 / 8 == b.0 / 8) {
            let slot = group[0].0 / 8;
            let stored = self.chain.registry().laneSlot(slot).call().await.unwrap();
            let mut words = [0_u32; 8];
            for (lane, expiry) in group {
                let shift = 224 - 32 * (lane % 8) as usize;
                let generation = (stored >> shift).wrapping_to::<u32>() & 63;
                words[(lane % 8) as usize] = u32::try_from(*expiry).unwrap() & !63 | generation;
            }
            bytes.extend(slot.to_be_bytes());
            bytes.extend(words.iter().flat_map(|word| word.to_be_bytes()));
        }
        let digests = sorted
            .iter()
            .map(|(lane, expiry)| keccak256(U256::from(u64::from(*lane) << 40 | expiry).to_be_bytes::<32>()));
        (bytes.into(), digests.collect())
    }

    /// All logs from a block on, as the chain has them.
    pub(crate) async fn logs(&self, from: u64) -> Vec<RegistryLog> {
        let filter = Filter::new().address(self.chain.registry).from_block(from);
        let logs = self.provider.get_logs(&filter).await.unwrap();
        let mut read = Vec::new();
        for log in logs {
            let hash = log.block_hash.unwrap();
            let block = self.provider.get_block_by_hash(hash).await.unwrap().unwrap();
            let at = Position {
                block: log.block_number.unwrap(),
                block_hash: hash,
                time: block.header.timestamp,
                transaction: log.transaction_hash.unwrap(),
                log_index: log.log_index.unwrap(),
            };
            read.push(RegistryLog::decode(at, &log.inner.data).unwrap());
        }
        read
    }
}
