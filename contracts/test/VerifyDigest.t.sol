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
        I.Report memory report = _report();
        _addPlatform(report, _platformEntry(PLATFORM));
        for (uint160 i; i < 3; ++i) {
            I.Grant memory g = _grant(address(0x6000 + i));
            _digests[i] = g.digest;
            _addGrant(report, g);
        }
        _post(report);
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

    function test_forgetsABatchThatHasLeftTheRing() public {
        bytes32[] memory proof = new bytes32[](2);
        (proof[0], proof[1]) = (_leaf(1), _leaf(2));
        for (uint256 i; i < 1023; ++i) {
            _postWithPassenger(_report());
        }
        assertTrue(registry.verifyDigest(0, 0, _digests[0], proof));
        _postWithPassenger(_report());
        assertFalse(registry.verifyDigest(0, 0, _digests[0], proof));
        assertEq(registry.batchRoot(0), 0);
    }

    /// @notice A batch without digests has no root, and no proof.
    function test_anEmptyBatchProvesNothing() public {
        _postWithPassenger(_report());
        assertFalse(registry.verifyDigest(1, 0, 0, new bytes32[](0)));
    }
}
