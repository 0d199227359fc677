// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry as I} from "../src/interfaces/IProofOfCloudRegistry.sol";
import {Lanes} from "../src/libraries/Lanes.sol";
import {Test} from "forge-std/Test.sol";

/// @notice Lane packing against a plain model: eight expiries and eight generations in arrays.
contract LanesTest is Test {
    function _unpack(uint256 slot) private pure returns (uint256[8] memory expiry, uint256[8] memory generation) {
        bytes memory b = abi.encodePacked(slot);
        for (uint256 i; i < 8; ++i) {
            uint256 word = uint256(uint8(b[4 * i])) * 2 ** 24 + uint256(uint8(b[4 * i + 1])) * 2 ** 16
                + uint256(uint8(b[4 * i + 2])) * 2 ** 8 + uint8(b[4 * i + 3]);
            expiry[i] = word / 64 * 64;
            generation[i] = word % 64;
        }
    }

    function testFuzz_readsLikeTheModel(uint256 slot, uint256 lane) public pure {
        (uint256[8] memory expiry, uint256[8] memory generation) = _unpack(slot);
        uint256 word = Lanes.wordAt(slot, lane);
        assertEq(Lanes.expiry(word), expiry[lane % 8]);
        assertEq(Lanes.generation(word), generation[lane % 8]);
    }

    function testFuzz_putChangesOneLaneOnly(uint256 slot, uint256 lane, uint32 word) public pure {
        (uint256[8] memory expiry, uint256[8] memory generation) = _unpack(slot);
        expiry[lane % 8] = uint256(word) / 64 * 64;
        generation[lane % 8] = word % 64;
        (uint256[8] memory newExpiry, uint256[8] memory newGeneration) = _unpack(Lanes.put(slot, lane, word));
        assertEq(abi.encode(newExpiry, newGeneration), abi.encode(expiry, generation));
    }

    function testFuzz_nextFloorsTheExpiryAndMovesTheGeneration(uint32 word, uint32 expiry) public pure {
        uint256 next = Lanes.next(word, expiry);
        assertLe(next, type(uint32).max);
        assertEq(Lanes.expiry(next), uint256(expiry) / 64 * 64);
        assertEq(Lanes.generation(next), (uint256(word) % 64 + 1) % 64);
    }

    function testFuzz_zeroedIsNotAttestedAndKeepsTheGeneration(uint32 word, uint256 time) public pure {
        assertFalse(Lanes.live(Lanes.zeroed(word), time));
        assertEq(Lanes.generation(Lanes.zeroed(word)), Lanes.generation(word));
    }

    function testFuzz_refusalLikeTheModel(uint32 word, uint32 renewal, uint256 time, uint256 ttl, bool near)
        public
        pure
    {
        if (near) renewal = uint32((uint256(renewal) % 4096) * 64 + word); // a good share must pass
        time = bound(time, 0, type(uint32).max);
        uint256 latest = time + bound(ttl, 0, 7 days);
        I.SkipReason expected = I.SkipReason.None;
        if (word / 64 * 64 <= time) expected = I.SkipReason.LaneLapsed;
        else if (word % 64 != renewal % 64) expected = I.SkipReason.Generation;
        else if (renewal / 64 <= word / 64) expected = I.SkipReason.NotForward;
        else if (renewal / 64 * 64 > latest) expected = I.SkipReason.ExpiryTooFar;
        assertEq(uint8(Lanes.refusal(word, renewal, time, latest)), uint8(expected));
    }
}
