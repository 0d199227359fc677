//! What handlers answer. `/openapi.json` is made from these types.

mod bundle;
mod operator;

use alloy::primitives::{Address, B256};
use serde::Serialize;
use utoipa::ToSchema;

pub(super) use bundle::BundleView;
pub(super) use operator::OperatorView;

/// 32 bytes in hex.
#[derive(ToSchema)]
#[schema(
    pattern = "^0x[0-9a-f]{64}$",
    example = "0x4f1c2d3e4f1c2d3e4f1c2d3e4f1c2d3e4f1c2d3e4f1c2d3e4f1c2d3e4f1c2d3e"
)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct Word(String);

/// An address, checksummed.
#[derive(ToSchema)]
#[schema(
    pattern = "^0x[0-9a-fA-F]{40}$",
    example = "0x90F79bf6EB2c4f870365E785982E1f101E93b906"
)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct AddressText(String);

/// What evidence made now must name.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChallengeView {
    /// The chain.
    pub(super) chain_id: u64,
    /// The registry.
    #[schema(value_type = AddressText)]
    pub(super) registry: Address,
    /// The latest finalized block. Do not believe it: ask your own endpoint for its hash.
    pub(super) block_number: u64,
    /// Its hash.
    #[schema(value_type = Word)]
    pub(super) block_hash: B256,
    /// Its time, Unix seconds.
    pub(super) timestamp: u64,
}

/// Whether bundles would get on chain.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReadyView {
    /// No reason against it.
    pub(super) ready: bool,
    /// Why not.
    pub(super) reasons: Vec<String>,
    /// What does not stop it yet.
    pub(super) warnings: Vec<String>,
}
