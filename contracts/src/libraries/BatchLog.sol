// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry} from "../interfaces/IProofOfCloudRegistry.sol";
import {BatchState} from "./BatchState.sol";

/// @title BatchLog
/// @notice The event `BatchPosted` and what the head takes from it, in one piece of memory:
///
/// ```
/// 0x00    0x20     0x40     0x60          0x80      0xa0      0xc0   0xe0                  0x100
/// │ batch │ policy │ origin │ report hash │ archive │ applied │ root │ keccak256(renewals) │
/// └─ the head's payload ───────────────────────────────────────────────────────────────────┘
///         │ policy │ origin │ report hash │ archive │ applied │ offset, offset             │ head │ renewals │ digests
///         └─ the event's data ───────────────────────────────────────────────────────────────────────────────────────
/// ```
///
/// The renewals and digests lie there from the start: the report's hash, the renewals and the tree work on them in
/// place, and nothing is copied twice.
/// @dev Hence assembly; Solidity would also copy the digests word by word. Memory: allocated by `start`, whole.
library BatchLog {
    bytes32 private constant TOPIC = IProofOfCloudRegistry.BatchPosted.selector;

    /// @return log Where it lies.
    /// @return renewals The report's renewals, in their place within the log.
    /// @return digests The report's digests, likewise. The array may become shorter.
    function start(bytes calldata reportRenewals, bytes32[] calldata reportDigests)
        internal
        pure
        returns (uint256 log, bytes memory renewals, bytes32[] memory digests)
    {
        assembly ("memory-safe") {
            let length := reportRenewals.length
            let count := reportDigests.length
            log := mload(0x40)
            renewals := add(log, 0x120)
            digests := add(add(renewals, 0x20), and(add(length, 31), not(31)))
            mstore(0x40, add(add(digests, 0x20), shl(5, count)))
            mstore(sub(digests, 0x20), 0) // what pads the renewals; the next two lines write up to it
            mstore(renewals, length)
            calldatacopy(add(renewals, 0x20), reportRenewals.offset, length)
            mstore(digests, count)
            calldatacopy(add(digests, 0x20), reportDigests.offset, shl(5, count))
        }
    }

    /// @dev Writes the payload. Returns its hash.
    function payload(
        uint256 log,
        IProofOfCloudRegistry.Report calldata report,
        uint256 batchNumber,
        uint256 signerMask,
        bytes32 reportHash,
        BatchState memory batch,
        bytes32 root
    ) internal pure returns (bytes32 result) {
        uint256 applied = batch.platformsApplied | (batch.grantsApplied << 128);
        assembly ("memory-safe") {
            mstore(log, batchNumber)
            mstore(add(log, 0x20), calldataload(add(report, 0x20))) // policy
            // set id ‖ issued at ‖ mask; the caller has read all three as what their types hold
            let issued := calldataload(add(report, 0x40))
            mstore(add(log, 0x40), or(or(shl(72, calldataload(report)), shl(32, issued)), signerMask))
            mstore(add(log, 0x60), reportHash)
            mstore(add(log, 0x80), calldataload(add(report, 0x100))) // archive
            mstore(add(log, 0xa0), applied)
            mstore(add(log, 0xc0), root)
            mstore(add(log, 0xe0), keccak256(add(log, 0x140), mload(add(log, 0x120)))) // renewals
            result := keccak256(log, 0x100)
        }
    }

    /// @dev Puts the offsets and the head where the payload ended, and emits the event.
    function finish(uint256 log, bytes32[] memory digests, bytes32 head) internal {
        bytes32 topic = TOPIC;
        assembly ("memory-safe") {
            let data := add(log, 0x20)
            mstore(add(data, 0xa0), 0x100)
            mstore(add(data, 0xc0), sub(digests, data))
            mstore(add(data, 0xe0), head)
            log2(data, sub(add(add(digests, 0x20), shl(5, mload(digests))), data), topic, mload(log))
        }
    }
}
