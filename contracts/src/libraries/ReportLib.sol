// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry} from "../interfaces/IProofOfCloudRegistry.sol";

/// @title ReportLib
/// @notice EIP-712 struct hashes. The type strings are fixed by the vector file that Rust compares as well.
library ReportLib {
    bytes32 internal constant GRANT_TYPEHASH = keccak256(
        "Grant(address operator,bytes32 platformId,bytes32 instanceId,bytes32 workloadId,uint8 binding,uint8 custody,uint8 tcb,uint8 teeClass,uint8 flags,uint40 evidenceTime,uint32 ttl,uint40 expiry,bytes32 digest,uint32 statusNonce)"
    );
    bytes32 internal constant PLATFORM_ENTRY_TYPEHASH = keccak256(
        "PlatformEntry(bytes32 platformId,uint16 provider,uint8 custody,uint40 custodyExpiry,uint32 statusNonce)"
    );
    bytes32 internal constant REPORT_TYPEHASH = keccak256(
        "Report(uint32 relayerSetId,bytes32 policyDigest,uint40 issuedAt,uint40 deadline,PlatformEntry[] platforms,Grant[] grants,bytes renewals,bytes32[] digests,bytes32 archive)Grant(address operator,bytes32 platformId,bytes32 instanceId,bytes32 workloadId,uint8 binding,uint8 custody,uint8 tcb,uint8 teeClass,uint8 flags,uint40 evidenceTime,uint32 ttl,uint40 expiry,bytes32 digest,uint32 statusNonce)PlatformEntry(bytes32 platformId,uint16 provider,uint8 custody,uint40 custodyExpiry,uint32 statusNonce)"
    );
    bytes32 internal constant ATTESTATION_RESULT_TYPEHASH = keccak256(
        "AttestationResult(address operator,bytes32 platformId,bytes32 instanceId,bytes32 workloadId,bytes32 measurementsHash,bytes32 sessionKeyHash,bytes32 evidenceDigest,bytes32 checksRoot,bytes32 policyDigest,bytes32 endorsementsDigest,uint40 asOf,uint40 evidenceTime,uint40 expiry,uint16 provider,uint8 teeClass,uint8 binding,uint8 custody,uint8 tcb,uint8 flags)"
    );
    bytes32 internal constant ENROLMENT_TYPEHASH = keccak256("Enrolment(bytes32 evidenceDigest)");

    /// @dev The report's arrays are passed along with it, two of them as copies that `post` needs anyway: each look at
    /// one in calldata costs its range checks anew.
    ///
    /// Assembly, here and below: Solidity would copy each array to memory and check each word on the way. Static structs
    /// are words in calldata, so everything hashes straight from there. Words with dirty high bits hash as they stand: no
    /// wallet makes such a hash, and where their fields are read the same words revert. Memory: past the free pointer, left as garbage.
    /// Bounds: the compiler has checked that the struct's nine words and the arrays lie within the calldata.
    function hash(
        IProofOfCloudRegistry.Report calldata report,
        IProofOfCloudRegistry.PlatformEntry[] calldata platforms,
        IProofOfCloudRegistry.Grant[] calldata grants,
        bytes memory renewals,
        bytes32[] memory digests
    ) internal pure returns (bytes32 result) {
        bytes32 platformsHash = _hashPlatforms(platforms);
        bytes32 grantsHash = _hashGrants(grants);
        bytes32 renewalsHash = keccak256(renewals);
        bytes32 digestsHash = _hashWords(digests);
        bytes32 typeHash = REPORT_TYPEHASH;
        assembly ("memory-safe") {
            let words := mload(0x40)
            mstore(words, typeHash)
            calldatacopy(add(words, 0x20), report, 0x120)
            mstore(add(words, 0xa0), platformsHash)
            mstore(add(words, 0xc0), grantsHash)
            mstore(add(words, 0xe0), renewalsHash)
            mstore(add(words, 0x100), digestsHash)
            result := keccak256(words, 0x140)
        }
    }

    /// @dev Kept apart from `hash`: no report holds this struct, only its hash.
    function hash(IProofOfCloudRegistry.AttestationResult memory result) internal pure returns (bytes32) {
        return keccak256(abi.encode(ATTESTATION_RESULT_TYPEHASH, result));
    }

    function hash(IProofOfCloudRegistry.Enrolment memory enrolment) internal pure returns (bytes32) {
        return keccak256(abi.encode(ENROLMENT_TYPEHASH, enrolment.evidenceDigest));
    }

    function _hashPlatforms(IProofOfCloudRegistry.PlatformEntry[] calldata list) private pure returns (bytes32) {
        uint256 offset;
        assembly ("memory-safe") {
            offset := list.offset
        }
        if (list.length == 0) return keccak256("");
        return _hashStructs(PLATFORM_ENTRY_TYPEHASH, offset, list.length, 5);
    }

    function _hashGrants(IProofOfCloudRegistry.Grant[] calldata list) private pure returns (bytes32) {
        uint256 offset;
        assembly ("memory-safe") {
            offset := list.offset
        }
        if (list.length == 0) return keccak256("");
        return _hashStructs(GRANT_TYPEHASH, offset, list.length, 14);
    }

    /// @dev Keccak of the struct hashes of `count` structs of `width` words each, from `offset` in calldata.
    function _hashStructs(bytes32 typeHash, uint256 offset, uint256 count, uint256 width)
        private
        pure
        returns (bytes32 result)
    {
        assembly ("memory-safe") {
            // Scratch past the free pointer: one struct, then the hashes. Nothing here outlives this block.
            let struct_ := mload(0x40)
            let bytes_ := mul(width, 32)
            let hashes := add(struct_, add(bytes_, 32))
            mstore(struct_, typeHash)
            for { let i := 0 } lt(i, count) { i := add(i, 1) } {
                calldatacopy(add(struct_, 32), add(offset, mul(i, bytes_)), bytes_)
                mstore(add(hashes, mul(i, 32)), keccak256(struct_, add(bytes_, 32)))
            }
            result := keccak256(hashes, mul(count, 32))
        }
    }

    function _hashWords(bytes32[] memory list) private pure returns (bytes32 result) {
        assembly ("memory-safe") {
            result := keccak256(add(list, 0x20), shl(5, mload(list)))
        }
    }
}
