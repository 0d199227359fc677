//! The registry as alloy sees it, compiled from the contract's own interface: Rust and Solidity share one source.

use alloy::{
    primitives::Address,
    providers::DynProvider,
    sol_types::{Eip712Domain, eip712_domain},
};

mod interface {
    #![allow(
        missing_docs,
        clippy::pedantic,
        clippy::too_many_arguments,
        reason = "generated from Solidity"
    )]

    alloy::sol!(
        #[sol(rpc, all_derives)]
        "../contracts/src/interfaces/IProofOfCloudRegistry.sol"
    );
}

pub use interface::IProofOfCloudRegistry;

/// A registry on a chain.
pub type Registry = IProofOfCloudRegistry::IProofOfCloudRegistryInstance<DynProvider>;

/// The EIP-712 domain in which reports for `registry` are signed.
pub fn domain(chain_id: u64, registry: Address) -> Eip712Domain {
    eip712_domain! {
        name: "ProofOfCloudRegistry",
        version: "1",
        chain_id: chain_id,
        verifying_contract: registry,
    }
}
