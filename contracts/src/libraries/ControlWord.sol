// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry} from "../interfaces/IProofOfCloudRegistry.sol";
import {Bits} from "./Bits.sol";

/// @notice The word every query reads:
///
/// ```
///  255   209 208       193 192       169 168  145 144  129 128        1      0
/// ┌─────────┬─────────────┬─────────────┬────────┬────────┬────────────┬────────┐
/// │ 0       │ workloads   │ platforms   │ lane   │ set id │ frozen     │ paused │
/// │ 47      │ 16          │ 24          │ 24     │ 16     │ 128        │ 1      │
/// └─────────┴─────────────┴─────────────┴────────┴────────┴────────────┴────────┘
/// ```
///
/// frozen: bit p for a provider that was never admitted, or is frozen. workloads, platforms: numbers handed out so far,
/// from 1. lane: the next one.
type ControlWord is uint256;

using ControlWordLib for ControlWord global;

/// @title ControlWordLib
library ControlWordLib {
    using Bits for uint256;

    /// @dev Lane 0 means "none" in an operator's word, so the first slot is never used.
    uint256 internal constant FIRST_LANE = 8;

    /// @dev No provider is admitted yet.
    function initial(uint256 firstSet) internal pure returns (ControlWord) {
        return
            ControlWord.wrap(uint256(0).set(1, 128, type(uint128).max).set(129, 16, firstSet).set(145, 24, FIRST_LANE));
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
        return uint32(ControlWord.unwrap(c).get(145, 24));
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

    function takeLane(ControlWord c) internal pure returns (ControlWord next, uint256 lane) {
        (next, lane) = _take(c, 145, 24);
    }

    function takePlatform(ControlWord c) internal pure returns (ControlWord next, uint256 index) {
        (next, index) = _take(c, 169, 24);
        unchecked {
            ++index;
        }
    }

    function takeWorkload(ControlWord c) internal pure returns (ControlWord next, uint256 index) {
        (next, index) = _take(c, 193, 16);
        unchecked {
            ++index;
        }
    }

    /// @dev Adds one to a counter. The greatest value is never passed: it would wrap into its neighbour, and a number
    /// handed out twice would give one operator another's lane.
    function _take(ControlWord c, uint256 shift, uint256 width) private pure returns (ControlWord next, uint256 value) {
        unchecked {
            value = ControlWord.unwrap(c).get(shift, width);
            if (value == (1 << width) - 1) revert IProofOfCloudRegistry.Exhausted();
            next = ControlWord.wrap(ControlWord.unwrap(c) + (1 << shift));
        }
    }
}
