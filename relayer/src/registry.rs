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

pub use governance::IProofOfCloudGovernance;
pub use interface::IProofOfCloudRegistry;

mod governance {
    #![allow(missing_docs, clippy::pedantic, reason = "generated from Solidity")]

    // An excerpt: alloy follows no import, and the interface imports the registry's. A test compares the two.
    alloy::sol! {
        #[sol(rpc, all_derives)]
        interface IProofOfCloudGovernance {
            event ActionSubmitted(bytes32 indexed id, bytes4 indexed selector, bytes data, uint40 executableAt);
            event ActionExecuted(bytes32 indexed id, bytes4 indexed selector, address actor);
            event ActionVetoed(bytes32 indexed id, bytes4 indexed selector, address actor);
            event OrderExecuted(bytes32 indexed digest, uint32 indexed relayerSetId, uint32 signerMask);
            event Equivocation(address indexed relayer, bytes32 indexed evidenceDigest, bytes32 digestA, bytes32 digestB);

            function disableRelayer(uint32 relayerSetId, uint8 index, uint16 reason, bytes32 evidenceHash) external;
            function endGrace(uint32 relayerSetId, uint16 reason, bytes32 evidenceHash) external;
            function retirePolicy(bytes32 policyDigest, uint16 reason, bytes32 evidenceHash) external;
            function revokeOperator(address operator, uint16 reason, bytes32 evidenceHash) external;
            function revokePlatform(bytes32 platformId, uint16 reason, bytes32 evidenceHash) external;
            function submit(bytes calldata data) external;
            function veto(bytes calldata data) external;
            function liftFreeze(uint8 kind, bytes32 subject, uint32 statusNonce) external;
            function reinstate(uint8 kind, bytes32 subject, uint32 statusNonce) external;
            function unpause() external;
            function admitProvider(uint16 provider) external;
            function registerPolicy(bytes32 policyDigest) external;
            function rotateRelayers(address[] calldata members, uint8 threshold, uint8 freezeThreshold, uint40 grace) external;
            function addGuardian(address guardian) external;
            function removeGuardian(address guardian) external;
            function setGovernor(address newGovernor) external;
            function lengthenDelay(bytes4 selector, uint40 delay) external;
            function governor() external view returns (address);
            function delayOf(bytes4 selector) external view returns (uint256);
        }
    }
}

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

/// A status, for programs.
pub(crate) fn status_name(status: IProofOfCloudRegistry::Status) -> &'static str {
    use IProofOfCloudRegistry::Status;
    match status {
        Status::Active => "active",
        Status::Expired => "expired",
        Status::Frozen => "frozen",
        Status::Revoked => "revoked",
        Status::Deregistered => "deregistered",
        Status::Paused => "paused",
        Status::Unknown | Status::__Invalid => "unknown",
    }
}

#[cfg(test)]
mod tests {
    /// Each declaration of the excerpt stands in the interface, where an enum is named instead of its number.
    #[test]
    fn the_excerpt_is_what_the_interface_says() {
        let text = include_str!("../../contracts/src/interfaces/IProofOfCloudGovernance.sol");
        let text = text.replace("IProofOfCloudRegistry.Subject kind", "uint8 kind");
        let squeeze = |text: &str| text.split_whitespace().collect::<String>();
        let interface = squeeze(&text);
        let excerpt = include_str!("registry.rs");
        let (_, excerpt) = excerpt.split_once("interface IProofOfCloudGovernance {").unwrap();
        let (excerpt, _) = excerpt.split_once('}').unwrap();
        let declarations: Vec<_> = excerpt
            .lines()
            .map(squeeze)
            .filter(|line| !line.is_empty())
            .collect();
        assert_eq!(declarations.len(), 24);
        for declaration in declarations {
            assert!(interface.contains(&declaration), "{declaration}");
        }
        let events = text
            .lines()
            .filter(|line| line.trim().starts_with("event "))
            .count();
        assert_eq!(events, 5, "every event is in the excerpt");
    }
}
