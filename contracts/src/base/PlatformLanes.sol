// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {Bits} from "../libraries/Bits.sol";
import {Lanes} from "../libraries/Lanes.sol";
import {PlatformWord, PlatformWordLib} from "../libraries/PlatformWord.sol";
import {RegistryBase} from "./RegistryBase.sol";

/// @title PlatformLanes
/// @notice Which lanes hang on a platform, so that freezing or cutting the platform reaches each of its operators
/// without a query having to read the platform. An unordered list of at most 64: three lanes in the platform's word,
/// ten to a slot after that. Functions that change the list return the word, for the caller to store.
abstract contract PlatformLanes is RegistryBase {
    using Bits for uint256;

    uint256 private constant PER_SLOT = 10;

    function _platformLane(bytes32 id, PlatformWord p, uint256 i) internal view returns (uint256) {
        if (i < PlatformWordLib.INLINE) return p.inlineLane(i);
        unchecked {
            uint256 j = i - PlatformWordLib.INLINE;
            // slither-disable-next-line weak-prng (a remainder, not a random number)
            return _moreLanes[id][j / PER_SLOT].get(24 * (j % PER_SLOT), 24);
        }
    }

    function _setPlatformLane(bytes32 id, PlatformWord p, uint256 i, uint256 lane) internal returns (PlatformWord) {
        if (i < PlatformWordLib.INLINE) return p.withInlineLane(i, lane);
        unchecked {
            uint256 j = i - PlatformWordLib.INLINE;
            // slither-disable-next-line weak-prng (as above)
            _moreLanes[id][j / PER_SLOT] = _moreLanes[id][j / PER_SLOT].set(24 * (j % PER_SLOT), 24, lane);
        }
        return p;
    }

    /// @dev The lane's position, or the count if it is not there.
    function _findLane(bytes32 id, PlatformWord p, uint256 lane) internal view returns (uint256 i) {
        uint256 n = p.count();
        while (i < n && _platformLane(id, p, i) != lane) ++i;
    }

    /// @dev How many places, from the first, are open to a grant. Evidence without a TPM names no instance, so one TD can
    /// ask for any number of operators: half of the places are kept from them all.
    function _places(bytes32 instanceId) internal pure returns (uint256) {
        return instanceId == 0 ? MAX_OPERATORS_PER_PLATFORM / 2 : MAX_OPERATORS_PER_PLATFORM;
    }

    /// @dev Has the lane one of the first `places`?
    function _hasPlace(bytes32 id, PlatformWord p, uint256 lane, uint256 places) internal view returns (bool) {
        uint256 i = _findLane(id, p, lane);
        return i < p.count() && i < places;
    }

    /// @dev A position for one more lane among the first `places`: the end of the list or, where they are full, the place
    /// of an operator that is not attested any more; it can only come back by a grant, which looks for a place again.
    /// `places` if there is none.
    function _findPlace(bytes32 id, PlatformWord p, uint256 places) internal view returns (uint256 i) {
        i = p.count();
        if (i < places) return i;
        i = 0;
        while (i < places && Lanes.live(_laneWord(_platformLane(id, p, i)), block.timestamp)) ++i;
    }

    /// @dev Puts a lane at a place `_findPlace` found.
    function _placeLane(bytes32 id, PlatformWord p, uint256 i, uint256 lane) internal returns (PlatformWord) {
        p = _setPlatformLane(id, p, i, lane);
        return i == p.count() ? p.withCount(i + 1) : p;
    }

    /// @dev Takes a lane off the list, if it is there: a freeze of the platform it left must not reach it.
    function _removeLane(bytes32 id, PlatformWord p, uint256 lane) internal returns (PlatformWord) {
        uint256 n = p.count();
        uint256 i = _findLane(id, p, lane);
        if (i == n) return p;
        unchecked {
            p = _setPlatformLane(id, p, i, _platformLane(id, p, n - 1));
            p = _setPlatformLane(id, p, n - 1, 0);
            return p.withCount(n - 1);
        }
    }

    /// @dev Zeroes every lane of a platform.
    function _zeroLanes(bytes32 id, PlatformWord p) internal {
        uint256 n = p.count();
        for (uint256 i; i < n; ++i) {
            _zeroLane(_platformLane(id, p, i));
        }
    }

    /// @dev Cuts every live lane of a platform to `limit` and gives it a new generation, also where it was shorter
    /// already: a renewal in flight was signed in view of the longer custody.
    function _truncateLanes(bytes32 id, PlatformWord p, uint256 limit) internal {
        uint256 n = p.count();
        for (uint256 i; i < n; ++i) {
            uint256 lane = _platformLane(id, p, i);
            uint256 word = _laneWord(lane);
            if (!Lanes.live(word, block.timestamp)) continue;
            uint256 expiry = Lanes.expiry(word);
            _setLaneWord(lane, Lanes.next(word, expiry < limit ? expiry : limit));
        }
    }
}
