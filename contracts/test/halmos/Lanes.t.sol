// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry as I} from "../../src/interfaces/IProofOfCloudRegistry.sol";
import {Lanes} from "../../src/libraries/Lanes.sol";
import {Test} from "forge-std/Test.sol";

/// @notice The lane arithmetic, for all words.
contract LanesCheck is Test {
    /// @notice Invariant 4: only a live lane, only its generation, only forward, and not too far.
    function check_refusal(uint32 word, uint32 renewal, uint64 time, uint64 latest) public pure {
        bool may = word / 64 * 64 > time && word % 64 == renewal % 64 && renewal / 64 > word / 64
            && renewal / 64 * 64 <= latest;
        assert((Lanes.refusal(word, renewal, time, latest) == I.SkipReason.None) == may);
    }

    /// @notice A put changes one lane, and no other.
    function check_put(uint256 slot, uint24 lane, uint24 other, uint32 word) public pure {
        uint256 result = Lanes.put(slot, lane, word);
        assert(Lanes.wordAt(result, lane) == word);
        if (other % 8 != lane % 8) assert(Lanes.wordAt(result, other) == Lanes.wordAt(slot, other));
    }

    /// @notice A grant's word never keeps its generation, a freeze's never an expiry.
    function check_nextAndZeroed(uint32 word, uint32 expiry, uint64 time) public pure {
        uint256 next = Lanes.next(word, expiry);
        assert(next <= type(uint32).max);
        assert(Lanes.expiry(next) <= expiry && Lanes.expiry(next) + 64 > expiry);
        assert(Lanes.generation(next) != Lanes.generation(word));
        assert(!Lanes.live(Lanes.zeroed(word), time));
    }
}
