// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry} from "../interfaces/IProofOfCloudRegistry.sol";

/// @title ProofOfCloudConsumer
/// @notice Mix this in to admit only operators that a Proof-of-Cloud registry attests now.
/// @dev Warning: ask in the transaction that acts on the answer, and never store the answer. An attestation ends at any
/// moment, by time or by a freeze; a stored yes outlives it.
/// @dev Warning: name the operator who did the work. Behind a paymaster's bundler, a forwarder or a multicall,
/// `msg.sender` is whoever carried the call; there take the operator from a signature that covers what is done.
/// @dev Warning: on an L2 the sequencer decides what time it is and when a freeze lands. See `SequencerUptime`.
abstract contract ProofOfCloudConsumer {
    /// @notice The registry this contract trusts. Fixed at birth: whoever could swap it could attest anybody.
    IProofOfCloudRegistry public immutable PROOF_OF_CLOUD;

    /// @dev ERC-165 id of the registry's questions.
    bytes4 private constant QUESTIONS = bytes4(keccak256("isAttested(address)"))
        ^ bytes4(keccak256("isAttested(address,(uint8,uint8,uint8,uint16,uint32,uint32,bool,bytes32,uint16))"))
        ^ IProofOfCloudRegistry.requireAttested.selector ^ IProofOfCloudRegistry.attestationOf.selector
        ^ IProofOfCloudRegistry.statusOf.selector ^ IProofOfCloudRegistry.platformOf.selector
        ^ IProofOfCloudRegistry.distinctPlatforms.selector ^ IProofOfCloudRegistry.verifyDigest.selector;

    /// @notice There is no registry at this address. `requireAttested` says yes by returning nothing, so any contract that
    /// answers every call, such as one with a fallback, would attest everybody.
    error NoRegistry(address registry);

    /// @dev Reverts with `IProofOfCloudRegistry.NotAttested` unless the operator meets `_requirement()`.
    modifier onlyAttested(address operator) {
        _requireAttested(operator);
        _;
    }

    constructor(IProofOfCloudRegistry registry) {
        if (!_supports(registry, QUESTIONS) || _supports(registry, 0xffffffff)) revert NoRegistry(address(registry));
        PROOF_OF_CLOUD = registry;
    }

    /// @dev What `onlyAttested` asks, for functions that learn their operator only as they run.
    // slither-disable-next-line dead-code (for those who inherit)
    function _requireAttested(address operator) internal view {
        PROOF_OF_CLOUD.requireAttested(operator, _requirement());
    }

    /// @dev What this contract demands: the same as `isAttested(operator)`. Override to demand more, such as one exact
    /// workload: without that, every reviewed program of every operator passes, not only yours.
    /// @dev Warning: unless you set `requireKeyInTd`, the operator's key may lie anywhere. Whoever boots the program you
    /// mean, on a machine that passes, then acts in its name with a key in a laptop.
    /// @dev Warning: zero in a field means "don't care", so start from `super._requirement()`. A requirement that is
    /// zero all over accepts a machine on a workbench.
    // slither-disable-next-line dead-code (for those who inherit)
    function _requirement() internal view virtual returns (IProofOfCloudRegistry.Requirement memory requirement) {
        requirement.minBinding = 2;
        requirement.minCustody = 1;
        requirement.maxTcb = 1;
    }

    /// @dev As ERC-165 has it. Whatever does not answer with a clean yes says no.
    // slither-disable-next-line dead-code (the constructor asks)
    function _supports(IProofOfCloudRegistry registry, bytes4 id) private view returns (bool) {
        // slither-disable-next-line low-level-calls (a typed one reverts without a reason where there is no answer)
        (bool ok, bytes memory answer) =
            address(registry).staticcall(abi.encodeWithSignature("supportsInterface(bytes4)", id));
        return ok && answer.length == 32 && bytes32(answer) == bytes32(uint256(1));
    }
}
