// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

/// @title SignatureVerifier
/// @notice Everything the registry knows about signatures is this function: another scheme replaces its body.
library SignatureVerifier {
    /// @dev Half of secp256k1's order. For every signature (r, s) there is a twin (r, n - s).
    uint256 private constant HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    /// @dev Is the EIP-2098 signature at `offset` in the calldata (r, then parity ‖ s) `signer`'s, over `digest`? The
    /// checks of OpenZeppelin's `ECDSA`: no s in the upper half, and no answer where nobody can be recovered. `signer`
    /// zero is nobody.
    ///
    /// Assembly: `ECDSA.tryRecover` passes r, s, v and an error through memory and back, three times in each report.
    /// Memory: the precompile's input lies past the free pointer, its answer in the scratch space. It answers nothing
    /// where it recovers nobody, so the scratch word stays zero.
    function isSignedBy(address signer, bytes32 digest, uint256 offset) internal view returns (bool yes) {
        uint256 halfOrder = HALF_ORDER;
        assembly ("memory-safe") {
            let input := mload(0x40)
            let vs := calldataload(add(offset, 0x20))
            let s := shr(1, shl(1, vs))
            mstore(input, digest)
            mstore(add(input, 0x20), add(27, shr(255, vs)))
            mstore(add(input, 0x40), calldataload(offset))
            mstore(add(input, 0x60), s)
            mstore(0x00, 0)
            pop(staticcall(gas(), 1, input, 0x80, 0x00, 0x20))
            let recovered := mload(0x00)
            yes := and(iszero(gt(s, halfOrder)), and(eq(recovered, signer), iszero(iszero(recovered))))
        }
    }
}
