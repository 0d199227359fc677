// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry} from "../interfaces/IProofOfCloudRegistry.sol";
import {RelayerSetWord} from "./RelayerSetWord.sol";
import {SignatureVerifier} from "./SignatureVerifier.sol";

/// @title Quorum
/// @notice Did exactly k members of a relayer set sign this digest?
library Quorum {
    /// @dev Exactly `threshold` bits, not at least: one report has one shape, and a surplus signature buys nothing.
    /// Every mask bit takes its own signature, so no member counts twice.
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
            uint256 members = _members(set);
            uint256 signature;
            assembly ("memory-safe") {
                signature := signatures.offset
            }
            for (uint256 i;; ++i) {
                if (mask & 1 != 0) {
                    if (!SignatureVerifier.isSignedBy(_member(members), digest, signature)) {
                        revert IProofOfCloudRegistry.InvalidSignature(i);
                    }
                    signature += 64;
                }
                members += 20;
                mask >>= 1;
                if (mask == 0) return;
            }
        }
    }

    /// @dev Where the members lie in memory, 20 bytes each, copied from the set's blob past its STOP. Not a `bytes`:
    /// that would be zeroed first, and carry its length.
    function _members(RelayerSetWord set) private view returns (uint256 list) {
        address blob = set.blob();
        uint256 size = set.size();
        assembly ("memory-safe") {
            list := mload(0x40)
            let length := mul(size, 20)
            extcodecopy(blob, list, 1, length)
            mstore(0x40, and(add(add(list, length), 31), not(31)))
        }
    }

    /// @dev Warning: checks no bounds; the caller has checked the whole mask against the set's size.
    function _member(uint256 place) private pure returns (address member) {
        assembly ("memory-safe") {
            member := shr(96, mload(place))
        }
    }

    /// @dev How many bits are set, of 32: sums of two, of four, of eight, then the four bytes' sum in the highest.
    function _bits(uint256 x) private pure returns (uint256) {
        unchecked {
            x -= (x >> 1) & 0x55555555;
            x = (x & 0x33333333) + ((x >> 2) & 0x33333333);
            x = (x + (x >> 4)) & 0x0f0f0f0f;
            return ((x * 0x01010101) >> 24) & 0xff;
        }
    }
}
