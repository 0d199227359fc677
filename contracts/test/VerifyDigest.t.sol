// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry as I} from "../src/interfaces/IProofOfCloudRegistry.sol";
import {BatchTree} from "../src/libraries/BatchTree.sol";
import {RegistryTest} from "./utils/RegistryTest.sol";

/// @notice Which digests a batch held, while its root is in the ring.
contract VerifyDigestTest is RegistryTest {
    bytes32[3] private _digests;

    function setUp() public override {
        super.setUp();
        for (uint256 i; i < 3; ++i) {
            _digests[i] = keccak256(abi.encode("digest", i));
        }
        I.Report memory report = _threeGrants();
        _addPlatform(report, _platformEntry(PLATFORM));
        _post(report);
    }

    function _threeGrants() private view returns (I.Report memory report) {
        report = _report();
        for (uint160 i; i < 3; ++i) {
            I.Grant memory g = _grant(address(0x6000 + i));
            g.digest = _digests[i];
            _addGrant(report, g);
        }
    }

    function _leaf(uint256 i) private view returns (bytes32) {
        return BatchTree.leaf(i, _digests[i]);
    }

    function _pair(bytes32 a, bytes32 b) private pure returns (bytes32) {
        return a < b ? keccak256(abi.encode(a, b)) : keccak256(abi.encode(b, a));
    }

    function test_provesEachDigestAtItsPlaceOnly() public view {
        bytes32[] memory proof = new bytes32[](2);
        (proof[0], proof[1]) = (_leaf(1), _leaf(2));
        assertTrue(registry.verifyDigest(0, 0, _digests[0], proof));
        assertFalse(registry.verifyDigest(0, 1, _digests[0], proof));
        assertFalse(registry.verifyDigest(0, 0, _digests[1], proof));
        assertFalse(registry.verifyDigest(1, 0, _digests[0], proof));
        bytes32[] memory last = new bytes32[](1);
        last[0] = _pair(_leaf(0), _leaf(1));
        assertTrue(registry.verifyDigest(0, 2, _digests[2], last));
        assertFalse(registry.verifyDigest(0, 2, _digests[2], new bytes32[](0)));
    }

    /// @dev 1023 batches without digests: the next one takes batch 0's place in the ring.
    function _goRound() private returns (bytes32[] memory proof) {
        for (uint256 i; i < 1023; ++i) {
            _postWithPassenger(_report());
        }
        proof = new bytes32[](2);
        (proof[0], proof[1]) = (_leaf(1), _leaf(2));
        assertTrue(registry.verifyDigest(0, 0, _digests[0], proof));
    }

    /// @notice Also where the batch that took its place has the same root.
    function test_forgetsABatchThatHasLeftTheRing() public {
        bytes32[] memory proof = _goRound();
        vm.warp(START + 1);
        _post(_threeGrants());
        assertTrue(registry.verifyDigest(1024, 0, _digests[0], proof));
        assertFalse(registry.verifyDigest(0, 0, _digests[0], proof));
        assertEq(registry.batchRoot(0), 0);
    }

    /// @notice A batch without digests has no root, and no proof: not even those of the batch whose place it took.
    function test_anEmptyBatchProvesNothing() public {
        bytes32[] memory proof = _goRound();
        _postWithPassenger(_report());
        assertFalse(registry.verifyDigest(1024, 0, _digests[0], proof));
        assertEq(registry.batchRoot(1024), 0);
    }

    /// @notice Nobody's digest is in a batch that was not posted yet, whatever its place in the ring holds.
    function test_aBatchToComeProvesNothing() public view {
        bytes32[] memory proof = new bytes32[](2);
        (proof[0], proof[1]) = (_leaf(1), _leaf(2));
        assertTrue(registry.verifyDigest(0, 0, _digests[0], proof));
        assertFalse(registry.verifyDigest(1024, 0, _digests[0], proof));
        assertEq(registry.batchRoot(1024), 0);
    }
}
