// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {HeadWord, HeadWordLib} from "../src/libraries/HeadWord.sol";
import {Heads} from "./utils/Heads.sol";
import {Test} from "forge-std/Test.sol";

/// @notice The head against its plain twin: one hash, and a number that batches alone move.
contract HeadWordTest is Test {
    function testFuzz_likeItsPlainTwin(bytes32 head, uint8 kind, bytes32 payload) public pure {
        kind = uint8(bound(kind, 1, 6));
        vm.assume(uint40(uint256(head)) != type(uint40).max);
        HeadWord next = HeadWord.wrap(head).next(kind, kind == 1 ? 1 : 0, payload);
        assertEq(HeadWord.unwrap(next), Heads.next(head, kind, payload));
        assertEq(next.batches(), HeadWord.wrap(head).batches() + (kind == 1 ? 1 : 0));
    }

    /// @notice The number comes round without touching the hash.
    function testFuzz_theNumberNeverCarries(uint256 hash, bytes32 payload) public pure {
        bytes32 last = bytes32(hash | type(uint40).max);
        bytes32 next = HeadWord.unwrap(HeadWordLib.next(HeadWord.wrap(last), 1, 1, payload));
        assertEq(uint256(next), uint256(keccak256(abi.encode(last, uint8(1), payload))) >> 40 << 40);
    }

    /// @notice The whole word before goes in, its number included.
    function testFuzz_anotherNumberIsAnotherHash(bytes32 head, bytes32 payload) public pure {
        bytes32 other = head ^ bytes32(uint256(1));
        assertNotEq(Heads.next(head, 2, payload) >> 40, Heads.next(other, 2, payload) >> 40);
        HeadWord next = HeadWord.wrap(other).next(2, 0, payload);
        assertEq(HeadWord.unwrap(next), Heads.next(other, 2, payload));
    }
}
