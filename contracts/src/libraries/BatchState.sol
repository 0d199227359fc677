// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {ControlWord} from "./ControlWord.sol";

/// @notice What one call of `post` carries from item to item.
struct BatchState {
    /// Read and stored once, by reports that may hand out numbers.
    ControlWord control;
    uint256 issuedAt;
    /// Bit i: item i was applied.
    uint256 platformsApplied;
    uint256 grantsApplied;
    /// The applied grants' digests; the first `granted` count.
    bytes32[] grantDigests;
    uint256 granted;
}

using BatchStateLib for BatchState global;

/// @title BatchStateLib
library BatchStateLib {
    /// @dev Assembly: Solidity would zero the room first. Nobody reads past `granted`.
    /// @param room For how many grants' digests.
    function start(uint256 issuedAt, uint256 room) internal pure returns (BatchState memory) {
        bytes32[] memory digests;
        assembly ("memory-safe") {
            digests := mload(0x40)
            mstore(digests, room)
            mstore(0x40, add(add(digests, 0x20), shl(5, room)))
        }
        return BatchState(ControlWord.wrap(0), issuedAt, 0, 0, digests, 0);
    }

    /// @dev Warning: `grantDigests` must have room.
    function addDigest(BatchState memory batch, bytes32 digest) internal pure {
        uint256 n = batch.granted;
        batch.grantDigests[n] = digest;
        unchecked {
            batch.granted = n + 1;
        }
    }

    /// @dev The applied digests in their order: the grants', then the renewals'. The same array where no grant applied.
    function allDigests(BatchState memory batch, bytes32[] memory renewed)
        internal
        pure
        returns (bytes32[] memory all)
    {
        uint256 granted = batch.granted;
        if (granted == 0) return renewed;
        bytes32[] memory grantDigests = batch.grantDigests;
        all = new bytes32[](granted + renewed.length);
        // Assembly: Solidity would copy word by word. `all` has room for just these.
        assembly ("memory-safe") {
            let bytes_ := shl(5, granted)
            mcopy(add(all, 0x20), add(grantDigests, 0x20), bytes_)
            mcopy(add(add(all, 0x20), bytes_), add(renewed, 0x20), shl(5, mload(renewed)))
        }
    }
}
