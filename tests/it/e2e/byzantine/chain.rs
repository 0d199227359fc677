//! What it reads of the chain.

use alloy::{
    consensus::Transaction as _,
    eips::BlockNumberOrTag,
    primitives::B256,
    providers::Provider,
    rpc::types::Filter,
    sol_types::{SolCall, SolEvent, SolStruct},
};
use chassis_relayer::registry::{
    IProofOfCloudRegistry::{BatchPosted, Report, postCall},
    domain,
};
use serde_json::Value;

use crate::e2e::{chain::Chain, cosign::Network};

/// A block that is finalized by now.
pub(crate) struct Block {
    pub(crate) number: u64,
    pub(crate) hash: B256,
    pub(crate) timestamp: u64,
}

pub(crate) async fn finalized(chain: &Chain) -> Block {
    block(chain, BlockNumberOrTag::Finalized).await
}

pub(super) async fn block(chain: &Chain, tag: BlockNumberOrTag) -> Block {
    let block = chain.provider.get_block_by_number(tag).await.unwrap().unwrap();
    Block {
        number: block.header.number,
        hash: block.header.hash,
        timestamp: block.header.timestamp,
    }
}

pub(crate) async fn hash(network: &Network, report: &Report) -> B256 {
    report.eip712_signing_hash(&domain(network.chain_id().await, network.chain.registry))
}

/// What was posted, as it was called.
pub(crate) async fn posted(chain: &Chain) -> Vec<postCall> {
    let filter = Filter::new()
        .address(chain.registry)
        .event_signature(BatchPosted::SIGNATURE_HASH)
        .from_block(0);
    let mut calls = Vec::new();
    for log in chain.provider.get_logs(&filter).await.unwrap() {
        let hash = log.transaction_hash.unwrap();
        let transaction = chain
            .provider
            .get_transaction_by_hash(hash)
            .await
            .unwrap()
            .unwrap();
        calls.push(postCall::abi_decode(transaction.input()).unwrap());
    }
    calls
}

/// The function's selector, by name, as the compiler had it.
pub(crate) fn selector(name: &str) -> [u8; 4] {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../contracts/out/IProofOfCloudGovernance.sol/IProofOfCloudGovernance.json"
    );
    let artifact: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let methods = artifact["methodIdentifiers"].as_object().unwrap();
    let (_, selector) = methods
        .iter()
        .find(|(signature, _)| signature.starts_with(name))
        .unwrap();
    hex::decode(selector.as_str().unwrap())
        .unwrap()
        .try_into()
        .unwrap()
}
