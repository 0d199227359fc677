// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

/// @notice What every write that changes trust leaves behind:
///
/// ```
///  255                     40 39        0
/// ┌──────────────────────────┬───────────┐
/// │ hash                     │ batches   │
/// │ 216                      │ 40        │
/// └──────────────────────────┴───────────┘
/// ```
///
/// hash: the upper bits of `keccak256(abi.encode(the whole word before, kind, payload))`. batches: how many reports were
/// applied so far, which is the number of the next. A batch moves the head anyway, so here its number costs nothing.
/// @dev Are 216 bits enough? The word is a running commitment. Whoever wants to pass off one history as another needs two
/// that lead to one word: 2^108 hashes to find such a pair, 2^216 to meet a word that stands already. It must also have
/// the number of batches in common, and each step of both must be one that signatures or a role allowed.
type HeadWord is bytes32;

using HeadWordLib for HeadWord global;

/// @title HeadWordLib
library HeadWordLib {
    uint256 private constant BATCHES = type(uint40).max;

    function batches(HeadWord h) internal pure returns (uint256) {
        return uint256(HeadWord.unwrap(h)) & BATCHES;
    }

    /// @param more 1 for a batch, else 0. The number would come round after 2^40 batches: mainnet has room for so many in
    /// five hundred years.
    function next(HeadWord h, uint256 kind, uint256 more, bytes32 payload) internal pure returns (HeadWord result) {
        uint256 mask = BATCHES;
        // Assembly: past the free pointer, where Solidity would allocate.
        assembly ("memory-safe") {
            let words := mload(0x40)
            mstore(words, h)
            mstore(add(words, 0x20), kind)
            mstore(add(words, 0x40), payload)
            result := or(and(keccak256(words, 0x60), not(mask)), and(add(h, more), mask))
        }
    }
}
