// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry as I} from "../src/interfaces/IProofOfCloudRegistry.sol";
import {RegistryTest} from "./utils/RegistryTest.sol";

/// @notice Calldata that no encoder makes. `post` hashes, copies and walks its lists in assembly: so whatever lengths and
/// offsets say, a call does exactly what the plain spelling of the same report does, or nothing.
contract CalldataTest is RegistryTest {
    /// @dev Words of a plainly spelt call: where its signatures begin, and the four lists, counted from the report.
    uint256 private constant SIGNATURES = 2;
    uint256 private constant REPORT = 3;
    uint256 private constant FIRST_LIST = 7;
    uint256 private constant LAST_LIST = 10;

    /// @dev Two platforms, two grants and a renewal, all of which apply. Its renewals fill whole words: nothing is padded.
    function _everyKind() private returns (I.Report memory report) {
        _register(operator);
        vm.warp(START + 1 hours);
        uint40 expiry = START + TTL;
        report = _renewal(operator, expiry);
        for (uint32 slot = 2; slot <= 8; ++slot) {
            _addGroup(report, slot, 0);
        }
        for (uint160 i = 1; i <= 2; ++i) {
            I.Grant memory g = _grant(address(0x7000 + i));
            g.platformId = keccak256(abi.encode("platform", i));
            _addPlatform(report, _platformEntry(g.platformId));
            _addGrant(report, g);
        }
        assertEq(report.renewals.length, 9 * 32);
    }

    /// @notice Every bit of a call counts: in fields, lengths, offsets, mask and signatures alike.
    function test_refusesAnyChangedBit() public {
        I.Report memory report = _everyKind();
        bytes memory data = abi.encodeCall(I.post, (report, MASK, _signed(report)));
        for (uint256 bit = 32; bit < 8 * data.length; ++bit) {
            bytes1 flipped = bytes1(uint8(0x80 >> (bit % 8)));
            data[bit / 8] ^= flipped;
            (bool ok,) = address(registry).call(data);
            assertFalse(ok);
            data[bit / 8] ^= flipped;
        }
        _call(data);
        assertTrue(registry.isAttested(address(0x7002)));
    }

    // ---------------------------------------------------------------------------------------------- by hand

    function _spelt(I.Report memory report) private view returns (bytes memory) {
        return abi.encodeCall(I.post, (report, MASK, _signed(report)));
    }

    /// @dev A platform's entry, and three empty lists.
    function _lean() private view returns (I.Report memory report) {
        report = _report();
        _addPlatform(report, _platformEntry(keccak256("lean")));
    }

    function _word(bytes memory data, uint256 i) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(add(data, 36), mul(i, 32)))
        }
    }

    function _setWord(bytes memory data, uint256 i, uint256 word) private pure {
        assembly ("memory-safe") {
            mstore(add(add(data, 36), mul(i, 32)), word)
        }
    }

    /// @dev The word that holds a list's length, by the word that holds its offset.
    function _lengthAt(bytes memory data, uint256 offsetAt) private pure returns (uint256) {
        return (offsetAt == SIGNATURES ? 0 : REPORT) + _word(data, offsetAt) / 32;
    }

    function _refused(bytes memory data) private {
        (bool ok,) = address(registry).call(data);
        assertFalse(ok);
    }

    function test_refusesEveryTruncation() public {
        bytes memory data = _spelt(_everyKind());
        uint256 length = data.length;
        for (uint256 n; n < length; ++n) {
            assembly ("memory-safe") {
                mstore(data, n)
            }
            _refused(data);
        }
        assembly ("memory-safe") {
            mstore(data, length)
        }
        _call(data);
    }

    /// @notice In the lean report three lists are empty: a length whose bytes come round to zero hashes like none.
    function test_refusesLengthsBeyondTheCall() public {
        bytes[2] memory calls = [_spelt(_lean()), _spelt(_everyKind())];
        uint256[7] memory lengths = [
            uint256(1) << 32,
            type(uint64).max,
            uint256(1) << 64,
            uint256(1) << 251, // 32 bytes each: 2^256
            uint256(1) << 255,
            type(uint256).max - 31,
            type(uint256).max
        ];
        for (uint256 c; c < calls.length; ++c) {
            for (uint256 list = FIRST_LIST; list <= LAST_LIST + 1; ++list) {
                uint256 place = _lengthAt(calls[c], list > LAST_LIST ? SIGNATURES : list);
                uint256 right = _word(calls[c], place);
                for (uint256 i; i < lengths.length; ++i) {
                    _setWord(calls[c], place, lengths[i]);
                    _refused(calls[c]);
                }
                _setWord(calls[c], place, right);
            }
            _call(calls[c]);
        }
    }

    function test_refusesOffsetsBeyondTheCall() public {
        bytes memory data = _spelt(_everyKind());
        uint256[6] memory offsets = [
            data.length,
            type(uint64).max,
            uint256(1) << 64,
            uint256(1) << 255,
            type(uint256).max - 31, // 32 bytes before: a list would begin where the report does, with its set id
            type(uint256).max
        ];
        for (uint256 list; list <= LAST_LIST; ++list) {
            if (list != 0 && list != SIGNATURES && list < FIRST_LIST) continue;
            uint256 right = _word(data, list);
            for (uint256 i; i < offsets.length; ++i) {
                _setWord(data, list, offsets[i]);
                _refused(data);
            }
            _setWord(data, list, right);
        }
        _call(data);
    }

    // ---------------------------------------------------------------------------------------------- other spellings

    /// @notice What Solidity's own decoder finds in a call.
    function decode(bytes calldata data) external pure returns (I.Report memory, uint32, bytes memory) {
        return abi.decode(data[4:], (I.Report, uint32, bytes));
    }

    /// @dev Makes the call, and the plain spelling of what it says: both come to the same head, or both are refused.
    function _compare(bytes memory data) private returns (bool taken) {
        uint256 snapshot = vm.snapshotState();
        (taken,) = address(registry).call(data);
        bytes32 head = registry.head();
        vm.revertToState(snapshot);
        try this.decode(data) returns (I.Report memory report, uint32 mask, bytes memory signatures) {
            (bool plain,) = address(registry).call(abi.encodeCall(I.post, (report, mask, signatures)));
            assertEq(taken, plain, "one spelling is taken, the other is not");
            assertEq(registry.head(), head, "the spellings do not come to the same");
            vm.revertToState(snapshot);
        } catch {
            assertFalse(taken, "taken, though nobody can read it");
        }
    }

    function test_bytesAfterTheCallChangeNothing() public {
        bytes memory data = _spelt(_everyKind());
        assertTrue(_compare(bytes.concat(data, hex"01")));
        assertTrue(_compare(bytes.concat(data, data)));
    }

    /// @notice One empty list does for three.
    function test_emptyListsMayShareAPlace() public {
        bytes memory data = _spelt(_lean());
        for (uint256 list = FIRST_LIST + 2; list <= LAST_LIST; ++list) {
            _setWord(data, list, _word(data, FIRST_LIST + 1));
        }
        assertTrue(_compare(data));
    }

    /// @dev Changes up to three words to what could confuse a reader, signs what the call says now, and maybe adds bytes.
    function _confuse(bytes memory data, uint256 r) private view returns (bytes memory) {
        uint256 words = data.length / 32;
        for (uint256 n = 1 + r % 3; n != 0; --n) {
            r = uint256(keccak256(abi.encode(r)));
            // Mostly an offset or a length.
            uint256 list = (r >> 8) % 6 == 0 ? SIGNATURES : FIRST_LIST + (r >> 8) % 4;
            uint256 place = r % 4 == 0 ? (r >> 16) % words : r % 4 == 1 ? _lengthAt(data, list) % words : list;
            unchecked {
                uint256[6] memory values = [
                    _word(data, place) + 32,
                    _word(data, place) - 32,
                    32 * ((r >> 32) % words),
                    (r >> 32) % 4,
                    _word(data, (r >> 32) % words),
                    _word(data, FIRST_LIST + (r >> 40) % 4)
                ];
                _setWord(data, place, values[(r >> 24) % 6]);
            }
        }
        try this.decode(data) returns (I.Report memory report, uint32, bytes memory signatures) {
            bytes memory right = _signed(report);
            uint256 place = _word(data, SIGNATURES);
            for (uint256 i; i < right.length && signatures.length == right.length; ++i) {
                data[36 + place + i] = right[i];
            }
        } catch {}
        return r >> 255 == 0 ? data : bytes.concat(data, bytes32(r));
    }

    /// forge-config: default.fuzz.runs = 1000
    function testFuzz_anotherSpellingIsTheSameReport(uint256 seed) public {
        _compare(_confuse(_spelt(_everyKind()), seed));
    }

    /// @notice The fuzz test above does meet spellings that are taken, and are not the plain one.
    function test_someOtherSpellingsAreTaken() public {
        bytes memory plain = _spelt(_everyKind());
        uint256 taken;
        for (uint256 seed; seed < 300; ++seed) {
            bytes memory data = _confuse(bytes.concat(plain), uint256(keccak256(abi.encode(seed))));
            if (!_compare(data)) continue;
            (I.Report memory report, uint32 mask, bytes memory signatures) = this.decode(data);
            if (keccak256(abi.encodeCall(I.post, (report, mask, signatures))) != keccak256(data)) ++taken;
        }
        assertGt(taken, 10);
    }
}
