// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {Bits} from "./Bits.sol";

/// @notice The word every query reads:
///
/// ```
///  255   209 208       193 192       169 168  145 144  129 128        1      0
/// ┌─────────┬─────────────┬─────────────┬────────┬────────┬────────────┬────────┐
/// │ 0       │ workloads   │ platforms   │ lanes  │ set id │ frozen     │ paused │
/// │ 47      │ 16          │ 24          │ 24     │ 16     │ 128        │ 1      │
/// └─────────┴─────────────┴─────────────┴────────┴────────┴────────────┴────────┘
/// ```
///
/// frozen: bit p for a provider that was never admitted, or is frozen. workloads, platforms, lanes: the last number handed
/// out of each.
type ControlWord is uint256;

using ControlWordLib for ControlWord global;

/// @title ControlWordLib
library ControlWordLib {
    using Bits for uint256;

    /// @dev Lane 0 means "none" in an operator's word, so the first slot is never used.
    uint256 private constant NO_LANES = 7;

    /// @dev No provider is admitted yet.
    function initial(uint256 firstSet) internal pure returns (ControlWord) {
        return ControlWord.wrap(uint256(0).set(1, 128, type(uint128).max).set(129, 16, firstSet).set(145, 24, NO_LANES));
    }

    function paused(ControlWord c) internal pure returns (bool) {
        return ControlWord.unwrap(c) & 1 != 0;
    }

    function frozenProviders(ControlWord c) internal pure returns (uint128) {
        return uint128(ControlWord.unwrap(c).get(1, 128));
    }

    /// @dev `provider` is at most 127: the word's other fields would answer for more.
    function providerFrozen(ControlWord c, uint256 provider) internal pure returns (bool) {
        return (ControlWord.unwrap(c) >> (1 + provider)) & 1 != 0;
    }

    function setId(ControlWord c) internal pure returns (uint32) {
        return uint32(ControlWord.unwrap(c).get(129, 16));
    }

    function nextLane(ControlWord c) internal pure returns (uint32) {
        unchecked {
            return uint32(ControlWord.unwrap(c).get(145, 24) + 1);
        }
    }

    function withPause(ControlWord c) internal pure returns (ControlWord) {
        return ControlWord.wrap(ControlWord.unwrap(c) | 1);
    }

    function withFrozenProvider(ControlWord c, uint256 provider) internal pure returns (ControlWord) {
        return ControlWord.wrap(ControlWord.unwrap(c) | (1 << (1 + provider)));
    }

    function withoutPause(ControlWord c) internal pure returns (ControlWord) {
        return ControlWord.wrap(ControlWord.unwrap(c) & ~uint256(1));
    }

    function withProvider(ControlWord c, uint256 provider) internal pure returns (ControlWord) {
        return ControlWord.wrap(ControlWord.unwrap(c) & ~(1 << (1 + provider)));
    }

    function withSet(ControlWord c, uint256 id) internal pure returns (ControlWord) {
        return ControlWord.wrap(ControlWord.unwrap(c).set(129, 16, id));
    }

    /// @dev The next lane, platform or workload number; 0 if all are taken, and then nothing has changed.
    function takeLane(ControlWord c) internal pure returns (ControlWord next, uint256 lane) {
        return _take(c, 145, 24);
    }

    function takePlatform(ControlWord c) internal pure returns (ControlWord next, uint256 index) {
        return _take(c, 169, 24);
    }

    function takeWorkload(ControlWord c) internal pure returns (ControlWord next, uint256 index) {
        return _take(c, 193, 16);
    }

    /// @dev The greatest value is never passed: it would wrap into its neighbour, and a number handed out twice would give
    /// one operator another's lane.
    function _take(ControlWord c, uint256 shift, uint256 width) private pure returns (ControlWord, uint256) {
        unchecked {
            uint256 last = ControlWord.unwrap(c).get(shift, width);
            if (last == (1 << width) - 1) return (c, 0);
            return (ControlWord.wrap(ControlWord.unwrap(c) + (1 << shift)), last + 1);
        }
    }
}
