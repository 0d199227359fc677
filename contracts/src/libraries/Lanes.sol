// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry} from "../interfaces/IProofOfCloudRegistry.sol";

/// @title Lanes
/// @notice Expiries, eight to a slot, so that a whole fleet renews for little more than its calldata. A lane word is
/// the expiry in units of 64 s (26 bits, 0 = not attested) ‖ a generation (6 bits). Lane `8 * slot` lies in the
/// slot's highest 32 bits, so eight words in a report read like the slot itself.
/// @dev The generation changes with every grant and truncation. It wraps at 64, which is safe because a renewal lives
/// for an hour at most, and coming round within that hour would take 32 reports of the quorum.
library Lanes {
    uint256 internal constant UNIT = 64;
    uint256 private constant GENERATION = 63;
    uint256 private constant WORD = type(uint32).max;

    /// @dev How far lane `i` of its slot lies from the slot's right end.
    function shift(uint256 i) internal pure returns (uint256) {
        unchecked {
            return 224 - 32 * (i & 7);
        }
    }

    function wordAt(uint256 slot, uint256 i) internal pure returns (uint256) {
        return (slot >> shift(i)) & WORD;
    }

    /// @dev The slot with lane `i` replaced. `word` is at most 32 bits wide.
    function put(uint256 slot, uint256 i, uint256 word) internal pure returns (uint256) {
        return (slot & ~(WORD << shift(i))) | (word << shift(i));
    }

    /// @dev Seconds; 0 = not attested.
    function expiry(uint256 word) internal pure returns (uint256) {
        return word & ~GENERATION;
    }

    function generation(uint256 word) internal pure returns (uint256) {
        return word & GENERATION;
    }

    function live(uint256 word, uint256 time) internal pure returns (bool) {
        return expiry(word) > time;
    }

    /// @dev The word after a grant or truncation: expiry floored to its unit, next generation.
    function next(uint256 word, uint256 newExpiry) internal pure returns (uint256) {
        unchecked {
            return (newExpiry & ~GENERATION) | ((word + 1) & GENERATION);
        }
    }

    /// @dev The word after a freeze or deregistration. The generation stays: no renewal applies to a lane without an
    /// expiry, and the grant that follows moves it.
    function zeroed(uint256 word) internal pure returns (uint256) {
        return word & GENERATION;
    }

    /// @dev Why `renewal` may not replace `word`. Only a live lane of the same generation, and only forward. Where the
    /// generations are equal, the greater word has the later expiry. `LaneGroup` answers the same for eight at once.
    function refusal(uint256 word, uint256 renewal, uint256 time, uint256 latest)
        internal
        pure
        returns (IProofOfCloudRegistry.SkipReason)
    {
        if (!live(word, time)) return IProofOfCloudRegistry.SkipReason.LaneLapsed;
        if (generation(word) != generation(renewal)) return IProofOfCloudRegistry.SkipReason.Generation;
        if (renewal <= word) return IProofOfCloudRegistry.SkipReason.NotForward;
        if (expiry(renewal) > latest) return IProofOfCloudRegistry.SkipReason.ExpiryTooFar;
        return IProofOfCloudRegistry.SkipReason.None;
    }
}
