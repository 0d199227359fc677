// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry as I} from "../src/interfaces/IProofOfCloudRegistry.sol";
import {LaneGroup} from "../src/libraries/LaneGroup.sol";
import {Lanes} from "../src/libraries/Lanes.sol";
import {Test} from "forge-std/Test.sol";

/// @notice Eight lanes at once against `Lanes.refusal`, lane by lane.
contract LaneGroupTest is Test {
    /// @dev The plain twin.
    function _plain(uint256 stored, uint256 words, uint256 time, uint256 latest)
        private
        pure
        returns (uint256 renewed, uint256 refused, uint256 count)
    {
        renewed = stored;
        for (uint256 i; i < 8; ++i) {
            uint256 renewal = Lanes.wordAt(words, i);
            if (renewal == 0) continue;
            ++count;
            if (Lanes.refusal(Lanes.wordAt(stored, i), renewal, time, latest) == I.SkipReason.None) {
                renewed = Lanes.put(renewed, i, renewal);
            } else {
                refused = Lanes.put(refused, i, 1 << 31);
            }
        }
    }

    function _compare(uint256 stored, uint256 words, uint256 time, uint256 latest) private pure returns (uint256) {
        (uint256 renewed, uint256 refused, uint256 count) =
            LaneGroup.renew(stored, words, LaneGroup.firstLive(time), LaneGroup.lastAllowed(latest));
        (uint256 plainRenewed, uint256 plainRefused, uint256 plainCount) = _plain(stored, words, time, latest);
        assertEq(renewed, plainRenewed, "renewed");
        assertEq(refused, plainRefused, "refused");
        assertEq(count, plainCount, "count");
        return refused;
    }

    /// @dev A stored word and a renewal of it, both picked where the rules change their answer.
    function _lane(uint256 seed, uint256 time, uint256 latest) private pure returns (uint256 word, uint256 renewal) {
        uint256 generation = seed % 64;
        uint256[6] memory stored =
            [time, time + 64, time - 64, latest, time + ((seed >> 8) % 1 weeks), uint256(type(uint32).max)];
        word = uint32(((stored[(seed >> 40) % 6] / 64) << 6) | generation);
        uint256[8] memory wanted =
            [time, time + 64, latest, latest + 64, latest - 64, Lanes.expiry(word), Lanes.expiry(word) + 64, 0];
        renewal = uint32((wanted[(seed >> 48) % 8] / 64) << 6);
        // Mostly the same generation; else the next one, which wraps, or the one before.
        uint256 other = (seed >> 56) % 8;
        renewal |= other == 0 ? (generation + 1) % 64 : other == 1 ? (generation + 63) % 64 : generation;
        uint256 odd = (seed >> 64) % 16;
        if (odd == 0) renewal = 0;
        if (odd == 1) renewal = type(uint32).max;
        if (odd == 2) word = 0;
    }

    function testFuzz_likeItsPlainTwinAtTheBoundaries(uint256 seed, uint32 time, uint32 ttl) public pure {
        time = uint32(bound(time, 1 days, type(uint32).max));
        uint256 latest = uint256(time) + bound(ttl, 64, 7 days);
        uint256 stored;
        uint256 words;
        for (uint256 i; i < 8; ++i) {
            (uint256 word, uint256 renewal) = _lane(uint256(keccak256(abi.encode(seed, i))), time, latest);
            stored = (stored << 32) | word;
            words = (words << 32) | renewal;
        }
        _compare(stored, words, time, latest);
    }

    /// @dev Up to the bound that `LaneGroup` states.
    function testFuzz_likeItsPlainTwinAnywhere(uint256 stored, uint256 words, uint40 time, uint40 latest) public pure {
        _compare(stored, words, bound(time, 0, 2 ** 37 - 129), bound(latest, 0, 2 ** 37 - 1));
    }

    /// @dev Every lane is renewed, each by a step of its own, in a few of them none or a generation off. Lanes lie about
    /// the time and the limit; so each may be lapsed, and each too far.
    function testFuzz_likeItsPlainTwinInEveryLane(uint256 seed, uint32 time) public pure {
        time = uint32(bound(time, 1 days, type(uint32).max - 4 days));
        uint256 stored;
        uint256 words;
        for (uint256 i; i < 8; ++i) {
            uint256 r = uint256(keccak256(abi.encode(seed, i)));
            uint256 word = Lanes.expiry(time - 64 + r % 1 days) | (r >> 32) % 64;
            uint256 renewal = word + (r >> 64) % 2 ** 11 * 64;
            if ((r >> 96) % 8 == 0) renewal = (r >> 97) % 2 == 0 ? 0 : renewal ^ 1;
            stored = (stored << 32) | word;
            words = (words << 32) | renewal;
        }
        _compare(stored, words, time, uint256(time) + 1 days);
    }

    /// @notice A whole group of good renewals passes whole: the two tests above could hold with all lanes refused.
    function testFuzz_takesAGoodGroupWhole(uint256 seed, uint32 time) public pure {
        time = uint32(bound(time, 1 days, type(uint32).max - 7 days));
        uint256 latest = uint256(time) + 1 days;
        uint256 stored;
        uint256 words;
        for (uint256 i; i < 8; ++i) {
            uint256 generation = (seed >> (6 * i)) % 64;
            uint256 expiry = time + 64 + (seed >> (48 + 16 * i)) % 12 hours;
            stored = (stored << 32) | Lanes.expiry(expiry) | generation;
            words = (words << 32) | Lanes.expiry(expiry + 64 + seed % 11 hours) | generation;
        }
        (uint256 renewed, uint256 refused, uint256 count) =
            LaneGroup.renew(stored, words, LaneGroup.firstLive(time), LaneGroup.lastAllowed(latest));
        assertEq(renewed, words);
        assertEq(refused, 0);
        assertEq(count, 8);
        assertEq(_compare(stored, words, time, latest), 0);
    }

    function test_everyReasonRefuses() public pure {
        uint256 time = 1_800_000_000;
        uint256 latest = time + 1 days;
        uint256 live = Lanes.expiry(time + 1 hours);
        uint256 next = Lanes.expiry(time + 2 hours);
        assertEq(_compare(Lanes.expiry(time), next, time, latest), 1 << 31); // expiry == now: lapsed
        assertEq(_compare(live | 63, next, time, latest), 1 << 31); // another generation
        assertEq(_compare(live | 63, live | 63, time, latest), 1 << 31); // not forward
        assertEq(_compare(live, Lanes.expiry(latest) + 64, time, latest), 1 << 31); // too far
        assertEq(_compare(live, Lanes.expiry(latest), time, latest), 0);
        assertEq(_compare(live, 63, time, latest), 1 << 31); // a generation alone is no renewal, and not nothing
        assertEq(_compare(0, 0, time, latest), 0);
        assertEq(_compare(live, 0, time, latest), 0);
    }
}
