// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry} from "../interfaces/IProofOfCloudRegistry.sol";
import {BatchState} from "../libraries/BatchState.sol";
import {Lanes} from "../libraries/Lanes.sol";
import {RegistryBase} from "./RegistryBase.sol";

/// @title Renewals
/// @notice Applies a report's renewals: one read and one write for eight lanes.
abstract contract Renewals is IProofOfCloudRegistry, RegistryBase {
    /// @dev Bytes of one group: slot index `uint32`, eight lane words.
    uint256 private constant GROUP = 36;

    /// @return applied The renewals with the words of skipped lanes zeroed.
    /// @return digests The digests of the others.
    /// @dev The loop runs once per operator of a fleet, so it reads calldata and fills its arrays by hand. Bounds: a
    /// digest is read only while `taken < all.length`; `digests` and the leaves have room for all of them.
    function _applyRenewals(BatchState memory batch, bytes calldata renewals, bytes32[] calldata all)
        internal
        returns (bytes memory applied, bytes32[] memory digests)
    {
        if (renewals.length % GROUP != 0) revert MalformedRenewals();
        applied = renewals;
        digests = new bytes32[](all.length);
        bytes32[] memory leaves = batch.leaves;
        uint256 first = batch.leafCount; // leaves before ours
        uint256 latest = block.timestamp + _MAX_TTL;
        uint256 taken; // digests seen
        uint256 kept; // digests applied
        uint256 least; // slot that may come next
        unchecked {
            for (uint256 offset; offset < renewals.length; offset += GROUP) {
                uint256 slot;
                uint256 words;
                assembly ("memory-safe") {
                    let group := add(renewals.offset, offset)
                    slot := shr(224, calldataload(group))
                    words := calldataload(add(group, 4))
                }
                if (slot < least) revert MalformedRenewals();
                least = slot + 1;
                uint256 stored = _lanes[slot];
                uint256 result = stored;
                for (uint256 i; i < 8; ++i) {
                    uint256 renewal = Lanes.wordAt(words, i);
                    if (renewal == 0) continue;
                    if (taken == all.length) revert MalformedRenewals();
                    uint256 word = Lanes.wordAt(stored, i);
                    if (Lanes.renewable(word, renewal, block.timestamp, latest)) {
                        result ^= (word ^ renewal) << Lanes.shift(i);
                        assembly ("memory-safe") {
                            let digest := calldataload(add(all.offset, shl(5, taken)))
                            mstore(add(add(digests, 32), shl(5, kept)), digest)
                            // BatchTree.leaf, inline
                            let index := add(first, kept)
                            mstore(0x00, index)
                            mstore(0x20, digest)
                            mstore(0x00, keccak256(0x00, 0x40))
                            mstore(add(add(leaves, 32), shl(5, index)), keccak256(0x00, 0x20))
                        }
                        ++kept;
                    } else {
                        words = Lanes.put(words, i, 0);
                        SkipReason reason = Lanes.refusal(word, renewal, block.timestamp, latest);
                        emit ItemSkipped(Item.Renewal, bytes32(8 * slot + i), reason);
                    }
                    ++taken;
                }
                if (result != stored) _lanes[slot] = result;
                assembly ("memory-safe") {
                    mstore(add(add(applied, 36), offset), words)
                }
            }
        }
        if (taken != all.length) revert MalformedRenewals();
        batch.leafCount = first + kept;
        assembly ("memory-safe") {
            mstore(digests, kept)
        }
    }
}
