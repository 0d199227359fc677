// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

/// @notice The head by the rule that the interface states, written plainly.
library Heads {
    function next(bytes32 head, uint8 kind, bytes32 payload) internal pure returns (bytes32) {
        uint256 batches = uint40(uint256(head));
        if (kind == 1) ++batches;
        uint256 hash = uint256(keccak256(abi.encode(head, kind, payload)));
        return bytes32(hash - hash % 2 ** 40 + batches);
    }
}
