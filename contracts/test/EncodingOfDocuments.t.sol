// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {VectorFile} from "./utils/VectorFile.sol";

/// @notice The sections of the vector file that Rust makes: what a registry is only ever shown the hash of. Solidity
/// computes each output again from the inputs.
contract EncodingOfDocumentsTest is VectorFile {
    string private json;

    function setUp() public {
        json = _vectors();
    }

    function test_platformId() public view {
        string memory scheme = vm.parseJsonString(json, ".platformId.input.scheme");
        bytes memory rawId = _bytes(".platformId.input.rawId");
        bytes32 id = keccak256(abi.encode(keccak256("chassis/v1/platform"), scheme, rawId));
        assertEq(id, _hash(".platformId.output.id"));
    }

    function test_instanceId() public view {
        bytes memory certified = abi.encodePacked("chassis/v1/instance", _bytes(".instanceId.input.spki"));
        assertEq(keccak256(certified), _hash(".instanceId.output.id"));
        bytes memory named = abi.encodePacked("chassis/v1/instance", _bytes(".instanceIdOfHost.input.akName"));
        assertEq(keccak256(named), _hash(".instanceIdOfHost.output.id"));
    }

    function test_measurementsHash() public view {
        bytes memory registers = abi.encodePacked(
            _bytes(".measurements.input.mrtd"),
            _bytes(".measurements.input.rtmr0"),
            _bytes(".measurements.input.rtmr1"),
            _bytes(".measurements.input.rtmr2"),
            _bytes(".measurements.input.rtmr3"),
            _bytes(".measurements.input.mrseam"),
            _bytes(".measurements.input.xfam"),
            _bytes(".measurements.input.tdAttributes")
        );
        assertEq(registers.length, 6 * 48 + 2 * 8);
        assertEq(keccak256(registers), _hash(".measurements.output.hash"));
    }

    /// @notice Rust makes the canonical text, whose bytes Solidity hashes.
    function test_documents() public view {
        string[6] memory names = ["policy", "workload", "endorsements", "evidence", "facts", "manifest"];
        for (uint256 i; i < names.length; ++i) {
            string memory output = string.concat(".", names[i], ".output");
            bytes memory canonical = bytes(vm.parseJsonString(json, string.concat(output, ".canonical")));
            assertGt(canonical.length, 2, names[i]);
            assertEq(sha256(canonical), _hash(string.concat(output, ".sha256")), names[i]);
        }
    }

    function test_checksRoot() public view {
        bytes32[3] memory nodes;
        for (uint256 i; i < nodes.length; ++i) {
            string memory check = string.concat(".checks.input.checks[", vm.toString(i), "]");
            uint256 id = vm.parseJsonUint(json, string.concat(check, ".id"));
            uint256 outcome = vm.parseJsonUint(json, string.concat(check, ".outcome"));
            bytes32 factsHash = _hash(string.concat(".checks.output.factsHashes[", vm.toString(i), "]"));
            nodes[i] = keccak256(abi.encode(keccak256(abi.encode(uint16(id), uint8(outcome), factsHash))));
            assertEq(nodes[i], _hash(string.concat(".checks.output.leaves[", vm.toString(i), "]")));
        }
        assertEq(_pair(_pair(nodes[0], nodes[1]), nodes[2]), _hash(".checks.output.root"));
    }

    /// @notice All but `reportData`, which is a SHA-512.
    function test_challenge() public view {
        bytes32 challenge = sha256(
            abi.encodePacked(
                "chassis/v1/challenge",
                uint64(vm.parseJsonUint(json, ".challenge.input.chainId")),
                vm.parseJsonAddress(json, ".challenge.input.registry"),
                uint64(vm.parseJsonUint(json, ".challenge.input.blockNumber")),
                _hash(".challenge.input.blockHash"),
                vm.parseJsonAddress(json, ".challenge.input.operator")
            )
        );
        assertEq(challenge, _hash(".challenge.output.challenge"));
        bytes32 quote = sha256(_bytes(".challenge.input.quote"));
        assertEq(
            sha256(abi.encodePacked("chassis/v1/qualifying-data", challenge, quote)),
            _hash(".challenge.output.qualifyingData")
        );
        assertEq(
            abi.encodePacked(hex"000b", sha256(_bytes(".challenge.input.akPublic"))), _bytes(".challenge.output.akName")
        );
    }

    function _pair(bytes32 a, bytes32 b) private pure returns (bytes32) {
        return a < b ? keccak256(abi.encode(a, b)) : keccak256(abi.encode(b, a));
    }

    function _bytes(string memory key) private view returns (bytes memory) {
        return vm.parseJsonBytes(json, key);
    }

    function _hash(string memory key) private view returns (bytes32) {
        return vm.parseJsonBytes32(json, key);
    }
}
