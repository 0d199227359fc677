// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry} from "../interfaces/IProofOfCloudRegistry.sol";

/// @title ProofOfCloudConsumer
/// @notice Mix this in to admit only operators that a Proof-of-Cloud registry attests now.
/// @dev Warning: on an L2 the sequencer decides what time it is and when a freeze lands.
abstract contract ProofOfCloudConsumer {
    /// @notice The registry this contract trusts. Fixed at birth: whoever could swap it could attest anybody.
    IProofOfCloudRegistry public immutable PROOF_OF_CLOUD;

    /// @notice The registry's address holds no code, so every question would revert or, worse, be taken for answered.
    error NoRegistry(address registry);

    /// @dev Reverts with `IProofOfCloudRegistry.NotAttested` unless the operator meets `_requirement()`.
    modifier onlyAttested(address operator) {
        PROOF_OF_CLOUD.requireAttested(operator, _requirement());
        _;
    }

    constructor(IProofOfCloudRegistry registry) {
        if (address(registry).code.length == 0) revert NoRegistry(address(registry));
        PROOF_OF_CLOUD = registry;
    }

    /// @dev What this contract demands: the same as `isAttested(operator)`. Override to demand more, such as one
    /// exact workload. Warning: zero in a field means "don't care", so start from `super._requirement()`.
    // slither-disable-next-line dead-code (for those who inherit)
    function _requirement() internal view virtual returns (IProofOfCloudRegistry.Requirement memory requirement) {
        requirement.minBinding = 2;
        requirement.minCustody = 1;
        requirement.maxTcb = 1;
    }
}
