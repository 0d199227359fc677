// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

/// @title BatchTree
/// @notice The Merkle root over a batch's digests. Pairs are sorted, so OpenZeppelin's `MerkleProof` verifies; an odd
/// node moves up unchanged. Leaves are hashed twice, so that no inner node can be passed off as a leaf.
library BatchTree {
    function leaf(uint256 index, bytes32 digest) internal pure returns (bytes32 result) {
        assembly ("memory-safe") {
            mstore(0x00, index)
            mstore(0x20, digest)
            mstore(0x00, keccak256(0x00, 0x40))
            result := keccak256(0x00, 0x20)
        }
    }

    /// @dev Overwrites the first `n` leaves, level by level.
    // slither-disable-next-line incorrect-exp (0 to 32 and 32 to 0: an exclusive or is meant)
    function root(bytes32[] memory leaves, uint256 n) internal pure returns (bytes32 result) {
        if (n == 0) return 0;
        assembly ("memory-safe") {
            let nodes := add(leaves, 32)
            for {} gt(n, 1) {} {
                let end := add(nodes, mul(and(n, not(1)), 32))
                let out := nodes
                for { let p := nodes } lt(p, end) { p := add(p, 64) } {
                    let a := mload(p)
                    let b := mload(add(p, 32))
                    let flip := mul(lt(b, a), 32)
                    mstore(flip, a)
                    mstore(xor(flip, 32), b)
                    mstore(out, keccak256(0x00, 0x40))
                    out := add(out, 32)
                }
                if and(n, 1) { mstore(out, mload(end)) }
                n := shr(1, add(n, 1))
            }
            result := mload(nodes)
        }
    }
}
