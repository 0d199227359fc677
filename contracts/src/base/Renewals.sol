// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {BatchState} from "../libraries/BatchState.sol";
import {BatchTree} from "../libraries/BatchTree.sol";
import {Lanes} from "../libraries/Lanes.sol";
import {RegistryBase} from "./RegistryBase.sol";

/// @title Renewals
/// @notice Applies a report's renewals: one read and one write for eight lanes.
abstract contract Renewals is RegistryBase {
    /// @dev Bytes of one group: slot index `uint32`, eight lane words.
    uint256 private constant GROUP = 36;

    /// @return applied The renewals with the words of skipped lanes zeroed.
    /// @return digests The digests of the others.
    function _applyRenewals(BatchState memory batch, bytes calldata renewals, bytes32[] calldata all)
        internal
        returns (bytes memory applied, bytes32[] memory digests)
    {
        if (renewals.length % GROUP != 0) revert MalformedRenewals();
        applied = renewals;
        digests = new bytes32[](all.length);
        uint256 taken; // digests seen
        uint256 kept; // digests applied
        uint256 floor; // least slot that may come next
        for (uint256 offset; offset < renewals.length; offset += GROUP) {
            uint256 slot = uint32(bytes4(renewals[offset:]));
            uint256 words = uint256(bytes32(renewals[offset + 4:]));
            if (slot < floor) revert MalformedRenewals();
            floor = slot + 1;
            uint256 stored = _lanes[slot];
            uint256 result = stored;
            for (uint256 i; i < 8; ++i) {
                uint256 renewal = Lanes.wordAt(words, i);
                if (renewal == 0) continue;
                if (taken == all.length) revert MalformedRenewals();
                bytes32 digest = all[taken++];
                SkipReason reason =
                    Lanes.refusal(Lanes.wordAt(stored, i), renewal, block.timestamp, block.timestamp + MAX_TTL);
                if (reason == SkipReason.None) {
                    result = Lanes.put(result, i, renewal);
                    digests[kept++] = digest;
                    batch.leaves[batch.leafCount] = BatchTree.leaf(batch.leafCount, digest);
                    ++batch.leafCount;
                } else {
                    words = Lanes.put(words, i, 0);
                    emit ItemSkipped(Item.Renewal, bytes32(8 * slot + i), reason);
                }
            }
            if (result != stored) _lanes[slot] = result;
            assembly ("memory-safe") {
                mstore(add(add(applied, 36), offset), words)
            }
        }
        if (taken != all.length) revert MalformedRenewals();
        assembly ("memory-safe") {
            mstore(digests, kept)
        }
    }
}
