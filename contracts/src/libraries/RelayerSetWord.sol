// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry} from "../interfaces/IProofOfCloudRegistry.sol";
import {Bits} from "./Bits.sol";

/// @notice A relayer set. The members' addresses are the code of a contract that does nothing else: reading one cold
/// account costs less than reading two cold slots.
///
/// ```
///  255      216 215      184 183        176 175    168 167  160 159    0
/// ┌────────────┬────────────┬──────────────┬──────────┬────────┬────────┐
/// │ retired at │ disabled   │ freeze       │ threshold│ members│ blob   │
/// │ 40         │ 32         │ threshold 8  │ 8        │ 8      │ 160    │
/// └────────────┴────────────┴──────────────┴──────────┴────────┴────────┘
/// ```
type RelayerSetWord is uint256;

using RelayerSetWordLib for RelayerSetWord global;

/// @title RelayerSetWordLib
library RelayerSetWordLib {
    using Bits for uint256;

    uint256 internal constant MAX_MEMBERS = 32;

    /// @dev Reverts unless this can be a set: distinct members, none zero, and thresholds that can be met. A zero member
    /// would make every failed signature recovery his.
    function check(address[] memory list, uint256 threshold_, uint256 freezeThreshold_) internal pure {
        uint256 n = list.length;
        if (n == 0 || n > MAX_MEMBERS || threshold_ == 0 || threshold_ > n) {
            revert IProofOfCloudRegistry.InvalidConfig();
        }
        if (freezeThreshold_ == 0 || freezeThreshold_ > n) revert IProofOfCloudRegistry.InvalidConfig();
        for (uint256 i; i < n; ++i) {
            if (list[i] == address(0)) revert IProofOfCloudRegistry.InvalidConfig();
            for (uint256 j; j < i; ++j) {
                if (list[i] == list[j]) revert IProofOfCloudRegistry.InvalidConfig();
            }
        }
    }

    /// @dev Lays the members down as code.
    function create(address[] memory list, uint256 threshold_, uint256 freezeThreshold_)
        internal
        returns (RelayerSetWord)
    {
        check(list, threshold_, freezeThreshold_);
        uint256 n = list.length;
        bytes memory code = hex"00"; // STOP: the blob can be called, and does nothing
        for (uint256 i; i < n; ++i) {
            code = abi.encodePacked(code, list[i]);
        }
        // PUSH2 size, DUP1, PUSH1 10, RETURNDATASIZE, CODECOPY, RETURNDATASIZE, RETURN: returns what follows.
        bytes memory initCode = abi.encodePacked(hex"61", uint16(code.length), hex"80600a3d393df3", code);
        address blob_;
        assembly ("memory-safe") {
            blob_ := create(0, add(initCode, 32), mload(initCode))
        }
        // No balance moves and the code is short: creation fails only for want of gas.
        if (blob_ == address(0)) revert IProofOfCloudRegistry.InvalidConfig();
        return RelayerSetWord.wrap(
            uint256(uint160(blob_)).set(160, 8, n).set(168, 8, threshold_).set(176, 8, freezeThreshold_)
        );
    }

    function exists(RelayerSetWord w) internal pure returns (bool) {
        return RelayerSetWord.unwrap(w) != 0;
    }

    function blob(RelayerSetWord w) internal pure returns (address) {
        return address(uint160(RelayerSetWord.unwrap(w)));
    }

    function size(RelayerSetWord w) internal pure returns (uint256) {
        return RelayerSetWord.unwrap(w).get(160, 8);
    }

    function threshold(RelayerSetWord w) internal pure returns (uint256) {
        return RelayerSetWord.unwrap(w).get(168, 8);
    }

    function freezeThreshold(RelayerSetWord w) internal pure returns (uint256) {
        return RelayerSetWord.unwrap(w).get(176, 8);
    }

    function disabled(RelayerSetWord w) internal pure returns (uint256) {
        return RelayerSetWord.unwrap(w).get(184, 32);
    }

    function retiredAt(RelayerSetWord w) internal pure returns (uint256) {
        return RelayerSetWord.unwrap(w).get(216, 40);
    }

    function withDisabled(RelayerSetWord w, uint256 index) internal pure returns (RelayerSetWord) {
        return RelayerSetWord.wrap(RelayerSetWord.unwrap(w) | (1 << (184 + index)));
    }

    function withRetiredAt(RelayerSetWord w, uint256 time) internal pure returns (RelayerSetWord) {
        return RelayerSetWord.wrap(RelayerSetWord.unwrap(w).set(216, 40, time));
    }

    /// @dev May its members sign now?
    function inForce(RelayerSetWord w, uint256 time) internal pure returns (bool) {
        return w.exists() && (w.retiredAt() == 0 || time < w.retiredAt());
    }

    function open(RelayerSetWord w) internal view returns (IProofOfCloudRegistry.RelayerSet memory) {
        return IProofOfCloudRegistry.RelayerSet({
            members: w.members(),
            threshold: uint8(w.threshold()),
            freezeThreshold: uint8(w.freezeThreshold()),
            disabled: uint32(w.disabled()),
            retiredAt: uint40(w.retiredAt())
        });
    }

    function members(RelayerSetWord w) internal view returns (address[] memory list) {
        uint256 n = w.size();
        list = new address[](n);
        bytes memory packed = packedMembers(w);
        for (uint256 i; i < n; ++i) {
            list[i] = memberAt(packed, i);
        }
    }

    /// @dev The members as they lie in the blob, 20 bytes each.
    function packedMembers(RelayerSetWord w) internal view returns (bytes memory packed) {
        unchecked {
            packed = new bytes(20 * w.size());
        }
        address from = w.blob();
        assembly ("memory-safe") {
            extcodecopy(from, add(packed, 32), 1, mload(packed))
        }
    }

    /// @dev Warning: does not check `i`.
    function memberAt(bytes memory packed, uint256 i) internal pure returns (address member) {
        assembly ("memory-safe") {
            member := shr(96, mload(add(add(packed, 32), mul(i, 20))))
        }
    }
}
