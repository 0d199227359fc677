//! The registry as alloy sees it, compiled from the contract's own interface.

#![allow(
    missing_docs,
    clippy::pedantic,
    clippy::too_many_arguments,
    reason = "generated from Solidity"
)]

alloy::sol!("../contracts/src/interfaces/IProofOfCloudRegistry.sol");
