// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {BatchTree} from "../src/libraries/BatchTree.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {Test} from "forge-std/Test.sol";

/// @notice The batch root: every applied digest can be proved under it, at its index and at no other.
contract BatchTreeTest is Test {
    function _leaf(uint256 index, bytes32 digest) private pure returns (bytes32) {
        return keccak256(abi.encode(keccak256(abi.encode(index, digest))));
    }

    /// @dev The proof for `index`, by the rule the interface states, written plainly.
    function _proof(bytes32[] memory nodes, uint256 index) private pure returns (bytes32[] memory proof) {
        while (nodes.length > 1) {
            if (index ^ 1 < nodes.length) {
                bytes32[] memory longer = new bytes32[](proof.length + 1);
                for (uint256 i; i < proof.length; ++i) {
                    longer[i] = proof[i];
                }
                longer[proof.length] = nodes[index ^ 1];
                proof = longer;
            }
            nodes = _up(nodes);
            index /= 2;
        }
    }

    function _digests(uint256 n, bytes32 seed) private pure returns (bytes32[] memory digests) {
        digests = new bytes32[](n);
        for (uint256 i; i < n; ++i) {
            digests[i] = keccak256(abi.encode(seed, i));
        }
    }

    /// @dev The next level: sorted pairs, an odd node as it is.
    function _up(bytes32[] memory nodes) private pure returns (bytes32[] memory up) {
        up = new bytes32[]((nodes.length + 1) / 2);
        for (uint256 i; i < up.length; ++i) {
            bytes32 a = nodes[2 * i];
            if (2 * i + 1 == nodes.length) {
                up[i] = a;
            } else {
                bytes32 b = nodes[2 * i + 1];
                up[i] = a < b ? keccak256(abi.encode(a, b)) : keccak256(abi.encode(b, a));
            }
        }
    }

    /// @dev The root by the same rule, level by level.
    function _plainRoot(bytes32[] memory nodes) private pure returns (bytes32) {
        while (nodes.length > 1) {
            nodes = _up(nodes);
        }
        return nodes[0];
    }

    function test_noDigestsNoRoot() public pure {
        assertEq(BatchTree.root(new bytes32[](0)), 0);
    }

    /// @notice Every size up to more than eight chunks of eight, so every way in which a level can be odd.
    function test_everySizeLikeThePlainTree() public pure {
        for (uint256 n = 1; n <= 140; ++n) {
            bytes32[] memory digests = _digests(n, "seed");
            bytes32[] memory leaves = new bytes32[](n);
            for (uint256 i; i < n; ++i) {
                leaves[i] = _leaf(i, digests[i]);
            }
            assertEq(BatchTree.root(digests), _plainRoot(leaves));
        }
    }

    function testFuzz_everyDigestIsProvable(uint256 n, uint256 index, bytes32 seed) public pure {
        n = bound(n, 1, 140);
        index = bound(index, 0, n - 1);
        bytes32[] memory digests = _digests(n, seed);
        bytes32[] memory leaves = new bytes32[](n);
        for (uint256 i; i < n; ++i) {
            leaves[i] = _leaf(i, digests[i]);
        }
        bytes memory before = abi.encode(digests);
        bytes32 root = BatchTree.root(digests);
        assertEq(abi.encode(digests), before);
        bytes32[] memory proof = _proof(leaves, index);
        assertTrue(MerkleProof.verify(proof, root, _leaf(index, digests[index])));
    }

    /// @notice A digest is proven at its own place only, also among equals: the proof for one place is none for another.
    function testFuzz_equalDigestsHaveEachItsPlace(uint256 n, uint256 index, uint256 other, bytes32 digest)
        public
        pure
    {
        n = bound(n, 2, 140);
        index = bound(index, 0, n - 1);
        other = (index + bound(other, 1, n - 1)) % n;
        bytes32[] memory digests = new bytes32[](n);
        bytes32[] memory leaves = new bytes32[](n);
        for (uint256 i; i < n; ++i) {
            digests[i] = digest;
            leaves[i] = BatchTree.leaf(i, digest);
        }
        bytes32 root = BatchTree.root(digests);
        bytes32[] memory proof = _proof(leaves, index);
        assertTrue(MerkleProof.verify(proof, root, BatchTree.leaf(index, digest)));
        assertFalse(MerkleProof.verify(proof, root, BatchTree.leaf(other, digest)));
    }
}
