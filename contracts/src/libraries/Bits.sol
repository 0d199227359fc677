// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

/// @title Bits
/// @notice Fields of packed words. All callers pass constants, so each call folds to a shift and a mask.
library Bits {
    function get(uint256 word, uint256 shift, uint256 width) internal pure returns (uint256) {
        unchecked {
            return (word >> shift) & ((1 << width) - 1);
        }
    }

    /// @dev Warning: a value wider than its field is cut, so that it cannot spill into the neighbour. Callers check
    /// ranges first: a cut value would be a wrong one.
    function set(uint256 word, uint256 shift, uint256 width, uint256 value) internal pure returns (uint256) {
        unchecked {
            uint256 mask = (1 << width) - 1;
            return (word & ~(mask << shift)) | ((value & mask) << shift);
        }
    }
}
