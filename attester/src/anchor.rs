//! The freshness source: the chain's latest finalized block, from the operator's own RPC endpoint.

use alloy_primitives::Address;
use chassis_verifier::bundle::Anchor;

use crate::{Error, Rpc};

/// The latest finalized block of the chain behind `rpc_url`, as an anchor for evidence meant for `registry`.
///
/// # Errors
/// If the endpoint does not answer or does not know finality.
pub async fn finalized_anchor(rpc_url: &str, registry: Address) -> Result<Anchor, Error> {
    Rpc::new(rpc_url)?.finalized_anchor(registry).await
}
