// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

/// @title BatchTree
/// @notice The Merkle root over a batch's digests. Pairs are sorted, so OpenZeppelin's `MerkleProof` verifies; an odd
/// node moves up unchanged. Leaves, `keccak256(keccak256(abi.encode(index, digest)))`, are hashed twice, so that no
/// inner node can be passed off as a leaf.
/// @dev A batch of n hashes 3n - 1 times, and Solidity would spend more on the way to each hash than the hash costs.
/// Hence assembly, and eight leaves in a row without a loop between them, their nodes on the stack. Memory: the scratch
/// space, and past the free pointer a word for each eight leaves, of which each level overwrites the one below; left as
/// garbage. The digests are only read, all within their array.
library BatchTree {
    /// @return result Zero for no digests.
    function root(bytes32[] memory digests) internal pure returns (bytes32 result) {
        if (digests.length == 1) return leaf(0, digests[0]); // no tree, and often: one operator comes or renews
        assembly ("memory-safe") {
            let n := mload(digests)
            let nodes := mload(0x40)
            let out := nodes
            let p := add(digests, 0x20)
            let i := 0
            // Level 3, as far as it is full: the node over each eight leaves.
            for { let full := and(n, not(7)) } lt(i, full) { i := add(i, 8) } {
                mstore(0x00, i)
                mstore(0x20, mload(p))
                mstore(0x00, keccak256(0x00, 0x40))
                let a := keccak256(0x00, 0x20)
                mstore(0x00, add(i, 1))
                mstore(0x20, mload(add(p, 0x20)))
                mstore(0x00, keccak256(0x00, 0x40))
                let b := keccak256(0x00, 0x20)
                let place := shl(5, lt(b, a)) // where the first of two goes: the lesser stands at 0x00
                mstore(place, a)
                mstore(xor(place, 0x20), b)
                a := keccak256(0x00, 0x40)
                mstore(0x00, add(i, 2))
                mstore(0x20, mload(add(p, 0x40)))
                mstore(0x00, keccak256(0x00, 0x40))
                let c := keccak256(0x00, 0x20)
                mstore(0x00, add(i, 3))
                mstore(0x20, mload(add(p, 0x60)))
                mstore(0x00, keccak256(0x00, 0x40))
                let d := keccak256(0x00, 0x20)
                place := shl(5, lt(d, c))
                mstore(place, c)
                mstore(xor(place, 0x20), d)
                c := keccak256(0x00, 0x40)
                place := shl(5, lt(c, a))
                mstore(place, a)
                mstore(xor(place, 0x20), c)
                a := keccak256(0x00, 0x40)

                mstore(0x00, add(i, 4))
                mstore(0x20, mload(add(p, 0x80)))
                mstore(0x00, keccak256(0x00, 0x40))
                let e := keccak256(0x00, 0x20)
                mstore(0x00, add(i, 5))
                mstore(0x20, mload(add(p, 0xa0)))
                mstore(0x00, keccak256(0x00, 0x40))
                let f := keccak256(0x00, 0x20)
                place := shl(5, lt(f, e))
                mstore(place, e)
                mstore(xor(place, 0x20), f)
                e := keccak256(0x00, 0x40)
                mstore(0x00, add(i, 6))
                mstore(0x20, mload(add(p, 0xc0)))
                mstore(0x00, keccak256(0x00, 0x40))
                let g := keccak256(0x00, 0x20)
                mstore(0x00, add(i, 7))
                mstore(0x20, mload(add(p, 0xe0)))
                mstore(0x00, keccak256(0x00, 0x40))
                let h := keccak256(0x00, 0x20)
                place := shl(5, lt(h, g))
                mstore(place, g)
                mstore(xor(place, 0x20), h)
                g := keccak256(0x00, 0x40)
                place := shl(5, lt(g, e))
                mstore(place, e)
                mstore(xor(place, 0x20), g)
                e := keccak256(0x00, 0x40)

                place := shl(5, lt(e, a))
                mstore(place, a)
                mstore(xor(place, 0x20), e)
                mstore(out, keccak256(0x00, 0x40))
                out := add(out, 0x20)
                p := add(p, 0x100)
            }
            // Its last node, over what is left of the leaves, by the same way that leads on from here.
            let left := sub(n, i)
            mstore(out, 0)
            for { let at := out } lt(i, n) { i := add(i, 1) } {
                mstore(0x00, i)
                mstore(0x20, mload(p))
                mstore(0x00, keccak256(0x00, 0x40))
                mstore(at, keccak256(0x00, 0x20))
                at := add(at, 0x20)
                p := add(p, 0x20)
            }
            reduce(out, left)
            let count := shr(5, sub(out, nodes))
            if left { count := add(count, 1) }
            reduce(nodes, count)
            result := mload(nodes)

            // Level by level, in place.
            function reduce(level, size) {
                for {} gt(size, 1) { size := shr(1, add(size, 1)) } {
                    let end := add(level, shl(5, and(size, not(1))))
                    let to := level
                    for { let from := level } lt(from, end) { from := add(from, 0x40) } {
                        let a := mload(from)
                        let b := mload(add(from, 0x20))
                        let place := shl(5, lt(b, a))
                        mstore(place, a)
                        mstore(xor(place, 0x20), b)
                        mstore(to, keccak256(0x00, 0x40))
                        to := add(to, 0x20)
                    }
                    if and(size, 1) { mstore(to, mload(end)) }
                }
            }
        }
    }

    function leaf(uint256 index, bytes32 digest) internal pure returns (bytes32 result) {
        assembly ("memory-safe") {
            mstore(0x00, index)
            mstore(0x20, digest)
            mstore(0x00, keccak256(0x00, 0x40))
            result := keccak256(0x00, 0x20)
        }
    }
}
