// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/// @title PlainRegistry
/// @notice What one would write first: a slot and an event for each operator, signed by the same quorum. It does less than
/// the registry (no platforms, no roots, no head, no skipping) and is here only to be measured against.
contract PlainRegistry is EIP712 {
    struct Attestation {
        uint40 expiry;
        uint40 issuedAt;
        uint8 status;
        uint8 binding;
        uint8 custody;
        uint8 tcb;
    }

    struct Renewal {
        address operator;
        uint40 expiry;
        bytes32 digest;
    }

    bytes32 private constant BATCH_TYPEHASH =
        keccak256("Batch(uint40 issuedAt,Renewal[] renewals)Renewal(address operator,uint40 expiry,bytes32 digest)");
    bytes32 private constant RENEWAL_TYPEHASH = keccak256("Renewal(address operator,uint40 expiry,bytes32 digest)");

    mapping(address relayer => bool) public isRelayer;
    uint256 public immutable THRESHOLD;
    mapping(address operator => Attestation) public attestations;

    event Renewed(address indexed operator, uint40 expiry, bytes32 digest);

    constructor(address[] memory relayers, uint256 threshold, address[] memory operators) EIP712("PlainRegistry", "1") {
        for (uint256 i; i < relayers.length; ++i) {
            isRelayer[relayers[i]] = true;
        }
        THRESHOLD = threshold;
        for (uint256 i; i < operators.length; ++i) {
            attestations[operators[i]] =
                Attestation(uint40(block.timestamp) + 1 days, uint40(block.timestamp), 1, 2, 1, 1);
        }
    }

    function renew(uint40 issuedAt, Renewal[] calldata renewals, bytes[] calldata signatures) external {
        _check(hashBatch(issuedAt, renewals), signatures);
        for (uint256 i; i < renewals.length; ++i) {
            Renewal calldata r = renewals[i];
            Attestation storage a = attestations[r.operator];
            require(a.status == 1 && a.expiry > block.timestamp && r.expiry > a.expiry && issuedAt > a.issuedAt);
            a.expiry = r.expiry;
            a.issuedAt = issuedAt;
            emit Renewed(r.operator, r.expiry, r.digest);
        }
    }

    function hashBatch(uint40 issuedAt, Renewal[] calldata renewals) public view returns (bytes32) {
        bytes32[] memory hashes = new bytes32[](renewals.length);
        for (uint256 i; i < renewals.length; ++i) {
            hashes[i] =
                keccak256(abi.encode(RENEWAL_TYPEHASH, renewals[i].operator, renewals[i].expiry, renewals[i].digest));
        }
        return _hashTypedDataV4(keccak256(abi.encode(BATCH_TYPEHASH, issuedAt, keccak256(abi.encodePacked(hashes)))));
    }

    /// @dev Signers ascending, so that none counts twice.
    function _check(bytes32 digest, bytes[] calldata signatures) private view {
        require(signatures.length == THRESHOLD);
        address last;
        for (uint256 i; i < signatures.length; ++i) {
            address signer = ECDSA.recoverCalldata(digest, signatures[i]);
            require(signer > last && isRelayer[signer]);
            last = signer;
        }
    }
}
