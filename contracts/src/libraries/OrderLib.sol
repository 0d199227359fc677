// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry} from "../interfaces/IProofOfCloudRegistry.sol";

/// @title OrderLib
/// @notice EIP-712 struct hashes of what relayers sign to stop or revoke something.
library OrderLib {
    bytes32 internal constant FREEZE_TYPEHASH = keccak256(
        "Freeze(uint32 relayerSetId,uint8 action,bytes32 subject,uint32 statusNonce,uint16 reason,bytes32 evidenceHash,uint40 deadline)"
    );
    bytes32 internal constant REVOKE_TYPEHASH = keccak256(
        "Revoke(uint32 relayerSetId,uint8 kind,bytes32 subject,uint32 statusNonce,uint16 reason,bytes32 evidenceHash,uint40 deadline)"
    );

    function hash(IProofOfCloudRegistry.Freeze memory order) internal pure returns (bytes32) {
        return keccak256(abi.encode(FREEZE_TYPEHASH, order));
    }

    function hash(IProofOfCloudRegistry.Revoke memory order) internal pure returns (bytes32) {
        return keccak256(abi.encode(REVOKE_TYPEHASH, order));
    }
}
