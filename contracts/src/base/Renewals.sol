// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry} from "../interfaces/IProofOfCloudRegistry.sol";
import {LaneGroup} from "../libraries/LaneGroup.sol";
import {Lanes} from "../libraries/Lanes.sol";
import {RegistryBase} from "./RegistryBase.sol";

/// @title Renewals
/// @notice Applies a report's renewals: one read, one check and one write for eight lanes.
abstract contract Renewals is IProofOfCloudRegistry, RegistryBase {
    /// @dev Bytes of one group: slot index `uint32`, eight lane words.
    uint256 private constant GROUP = 36;

    /// @dev Both arrays become what was applied: the words of skipped lanes are zeroed, their digests taken out.
    function _applyRenewals(bytes memory renewals, bytes32[] memory digests) internal {
        if (renewals.length | digests.length == 0) return;
        if (renewals.length % GROUP != 0) revert MalformedRenewals();
        unchecked {
            uint256 live = LaneGroup.firstLive(block.timestamp);
            uint256 limit = LaneGroup.lastAllowed(block.timestamp + _MAX_TTL);
            uint256 total = digests.length;
            // slither-disable-next-line uninitialized-local (counts from zero)
            uint256 seen; // digests
            // slither-disable-next-line uninitialized-local (from zero, too)
            uint256 least; // slot that may come next
            (uint256 group, uint256 end) = _bounds(renewals);
            for (; group < end; group += GROUP) {
                (uint256 slot, uint256 words) = _group(group);
                if (slot < least) revert MalformedRenewals();
                least = slot + 1;
                uint256 key = _laneKey(slot);
                (uint256 renewed, uint256 refused, uint256 count) = LaneGroup.renew(_load(key), words, live, limit);
                seen += count;
                if (refused != 0) {
                    if (seen > total) revert MalformedRenewals();
                    _skip(group, digests, total - (seen - count), refused);
                }
                _store(key, renewed);
            }
            if (seen != total) revert MalformedRenewals();
        }
    }

    /// @dev A group in which some renewal was refused, lane by lane. Its words become those that apply.
    /// @param left How many of the digests are this group's or later ones'.
    function _skip(uint256 group, bytes32[] memory digests, uint256 left, uint256 refused) private {
        (uint256 slot, uint256 words) = _group(group);
        uint256 stored = _lanes[slot];
        unchecked {
            uint256 latest = block.timestamp + _MAX_TTL;
            for (uint256 i; i < 8; ++i) {
                uint256 renewal = Lanes.wordAt(words, i);
                if (renewal == 0) continue;
                if (Lanes.wordAt(refused, i) != 0) {
                    SkipReason reason = Lanes.refusal(Lanes.wordAt(stored, i), renewal, block.timestamp, latest);
                    emit ItemSkipped(Item.Renewal, bytes32(8 * slot + i), reason);
                    words = Lanes.put(words, i, 0);
                    _remove(digests, left);
                }
                --left;
            }
        }
        _putWords(group, words);
    }

    /// @dev Takes out the digest that has `left - 1` after it, and moves those up: 3 gas for each, beside the log that
    /// says why. Assembly: Solidity can neither move nor shorten an array. `left` is from 1 to its length.
    function _remove(bytes32[] memory digests, uint256 left) private pure {
        assembly ("memory-safe") {
            let n := mload(digests)
            let place := add(add(digests, 0x20), shl(5, sub(n, left)))
            mcopy(place, add(place, 0x20), shl(5, sub(left, 1)))
            mstore(digests, sub(n, 1))
        }
    }

    /// @dev Where the first group lies in memory, and where the last one ends. Assembly, here and in the next two:
    /// Solidity would read and write single bytes. The length is a multiple of a group's 36 bytes, so whatever starts a
    /// group before the end has them.
    function _bounds(bytes memory renewals) private pure returns (uint256 start, uint256 end) {
        assembly ("memory-safe") {
            start := add(renewals, 0x20)
            end := add(start, mload(renewals))
        }
    }

    function _group(uint256 group) private pure returns (uint256 slot, uint256 words) {
        assembly ("memory-safe") {
            slot := shr(224, mload(group))
            words := mload(add(group, 4))
        }
    }

    function _putWords(uint256 group, uint256 words) private pure {
        assembly ("memory-safe") {
            mstore(add(group, 4), words)
        }
    }

    /// @dev Where `_lanes[slot]` lies. Assembly, with `_load` and `_store`: Solidity would hash this twice.
    function _laneKey(uint256 slot) private pure returns (uint256 key) {
        assembly ("memory-safe") {
            mstore(0x00, slot)
            mstore(0x20, _lanes.slot)
            key := keccak256(0x00, 0x40)
        }
    }

    function _load(uint256 key) private view returns (uint256 lanes) {
        assembly ("memory-safe") {
            lanes := sload(key)
        }
    }

    function _store(uint256 key, uint256 lanes) private {
        assembly ("memory-safe") {
            sstore(key, lanes)
        }
    }
}
