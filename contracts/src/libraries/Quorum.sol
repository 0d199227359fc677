// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry} from "../interfaces/IProofOfCloudRegistry.sol";
import {RelayerSetWord, RelayerSetWordLib} from "./RelayerSetWord.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title Quorum
/// @notice Did exactly k members of a relayer set sign this digest?
library Quorum {
    /// @dev Exactly `threshold` bits, not at least: one report has one shape, and a surplus signature buys nothing.
    /// Every mask bit takes its own signature, so no member counts twice. High-s twins fail in ECDSA.
    function check(RelayerSetWord set, uint256 threshold, bytes32 digest, uint32 signerMask, bytes calldata signatures)
        internal
        view
    {
        unchecked {
            uint256 mask = signerMask;
            if (
                mask >> set.size() != 0 || mask & set.disabled() != 0 || _bits(mask) != threshold
                    || signatures.length != 64 * threshold
            ) {
                revert IProofOfCloudRegistry.InvalidSigners(signerMask);
            }
            bytes memory members = set.packedMembers();
            uint256 offset;
            for (uint256 i; mask != 0; ++i) {
                if (mask & 1 != 0) {
                    bytes32 r;
                    bytes32 vs;
                    assembly ("memory-safe") {
                        r := calldataload(add(signatures.offset, offset))
                        vs := calldataload(add(add(signatures.offset, offset), 32))
                    }
                    // slither-disable-next-line unused-return (the third only describes the error)
                    (address signer, ECDSA.RecoverError err,) = ECDSA.tryRecover(digest, r, vs);
                    if (err != ECDSA.RecoverError.NoError || signer != RelayerSetWordLib.memberAt(members, i)) {
                        revert IProofOfCloudRegistry.InvalidSignature(i);
                    }
                    offset += 64;
                }
                mask >>= 1;
            }
        }
    }

    function _bits(uint256 mask) private pure returns (uint256 n) {
        unchecked {
            for (; mask != 0; mask &= mask - 1) {
                ++n;
            }
        }
    }
}
