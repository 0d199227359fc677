//! A registry with 128 operators, all of whom each report renews.

use alloy::{
    consensus::TxLegacy,
    eips::eip2718::Encodable2718 as _,
    network::TxSignerSync as _,
    primitives::{B256, Bytes, U256, aliases::U40, keccak256},
    providers::Provider as _,
    signers::{SignerSync as _, local::PrivateKeySigner},
    sol_types::{SolCall as _, SolStruct as _},
};
use anyhow::Context as _;
use chassis_relayer::registry::{
    IProofOfCloudRegistry::{Report, postCall},
    domain,
};
use serde_json::json;

use crate::{
    chain::{Chain, signer},
    history::{DAY, HOUR, History, operator},
};

/// As many as a report has room for.
pub(crate) const PER_POST: u64 = 128;
/// Expiries count in units of so many seconds, and each renewal is later than the one before.
const STEP: u64 = 64;
const CHAIN_ID: u64 = 31_337;
/// More than a report of renewals needs, and no more than a transaction may have (EIP-7825).
const GAS: u64 = 16_000_000;
/// What anvil keeps of old states: an audit asks about the last few blocks only.
const STATES: &str = "64";

pub(crate) struct Poster {
    pub(crate) chain: Chain,
    /// A block before the registry's creation.
    pub(crate) start: u64,
    policy: B256,
    relayer: PrivateKeySigner,
    sender: PrivateKeySigner,
    nonce: u64,
    time: u64,
    /// Slots of eight lanes, and the lanes' generations in them.
    slots: Vec<(u32, [u32; 8])>,
}

impl Poster {
    /// Reports that enter platforms and grant operators.
    pub(crate) const SETUP: u64 = 3;

    pub(crate) async fn begin() -> anyhow::Result<Self> {
        let policy = B256::repeat_byte(0x50);
        let chain = Chain::start_still_with(policy, &["--prune-history", STATES]).await;
        let history = History::new(&chain, policy);
        // Instances have their operators' numbers, and none is zero.
        let operators: Vec<u8> = (1..128).chain([200]).collect();
        for (operators, platform) in operators.chunks(43).zip(0xa1..) {
            history.enrol(operators, platform).await;
        }
        let registry = chain.registry();
        let mut lanes = Vec::new();
        for n in &operators {
            lanes.push(registry.attestationOf(operator(*n)).call().await?.lane);
        }
        lanes.sort_unstable();
        let mut slots = Vec::new();
        for group in lanes.chunk_by(|a, b| a / 8 == b / 8) {
            let slot = group[0] / 8;
            let stored = registry.laneSlot(slot).call().await?;
            let generation = |lane: usize| (stored >> (224 - 32 * lane)).wrapping_to::<u32>() & 63;
            anyhow::ensure!(group.len() == 8, "slot {slot} has {} lanes", group.len());
            slots.push((slot, std::array::from_fn(generation)));
        }
        let sender = signer(0);
        let nonce = chain.provider.get_transaction_count(sender.address()).await?;
        let time = history.now().await;
        drop(history);
        Ok(Self {
            start: 1,
            policy,
            relayer: signer(1),
            sender,
            nonce,
            time,
            slots,
            chain,
        })
    }

    /// Posts so many reports, a block each, and fails unless all were applied.
    pub(crate) async fn post(&mut self, count: u64) -> anyhow::Result<()> {
        let before = self.chain.batches().await;
        for _ in 0..count {
            self.time += STEP;
            let transaction = self.transaction()?;
            self.chain
                .ask("evm_setNextBlockTimestamp", json!([self.time]))
                .await;
            self.chain
                .ask("eth_sendRawTransaction", json!([transaction]))
                .await;
            self.chain.ask("evm_mine", json!([])).await;
        }
        // So that all of them are final.
        for _ in 0..4 {
            self.time += STEP;
            self.chain
                .ask("evm_setNextBlockTimestamp", json!([self.time]))
                .await;
            self.chain.ask("evm_mine", json!([])).await;
        }
        let applied = self.chain.batches().await - before;
        let sent = self
            .chain
            .provider
            .get_transaction_count(self.sender.address())
            .await?;
        anyhow::ensure!(
            applied == count && sent == self.nonce,
            "{applied} of {count} reports were applied, and {} not mined",
            self.nonce - sent
        );
        Ok(())
    }

    fn transaction(&mut self) -> anyhow::Result<Bytes> {
        let report = self.report();
        let hash = report.eip712_signing_hash(&domain(CHAIN_ID, self.chain.registry));
        let signature = self.relayer.sign_hash_sync(&hash)?.normalized_s();
        let call = postCall {
            report,
            signerMask: 1,
            signatures: signature.as_erc2098().into(),
        };
        let mut transaction = TxLegacy {
            chain_id: Some(CHAIN_ID),
            nonce: self.nonce,
            gas_price: 10_000_000_000,
            gas_limit: GAS,
            to: self.chain.registry.into(),
            value: U256::ZERO,
            input: call.abi_encode().into(),
        };
        self.nonce += 1;
        let signature = self.sender.sign_transaction_sync(&mut transaction);
        let signed =
            alloy::consensus::SignableTransaction::into_signed(transaction, signature.context("sign")?);
        Ok(signed.encoded_2718().into())
    }

    /// Renews everybody for half a day from now.
    fn report(&self) -> Report {
        let expiry = u32::try_from(self.time + DAY / 2).unwrap() & !63;
        let mut renewals = Vec::new();
        for (slot, generations) in &self.slots {
            renewals.extend(slot.to_be_bytes());
            renewals.extend(
                generations
                    .iter()
                    .flat_map(|generation| (expiry | generation).to_be_bytes()),
            );
        }
        let digest = |lane: u64| keccak256(U256::from(lane << 40 | self.time).to_be_bytes::<32>());
        Report {
            relayerSetId: 1,
            policyDigest: self.policy,
            issuedAt: U40::from(self.time),
            // As late as it may be.
            deadline: U40::from(self.time + HOUR),
            platforms: Vec::new(),
            grants: Vec::new(),
            renewals: renewals.into(),
            digests: (0..PER_POST).map(digest).collect(),
            archive: keccak256(self.time.to_be_bytes()),
        }
    }
}
