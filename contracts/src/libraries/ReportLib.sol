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

    /// @dev Static structs are words in calldata, so an array of them hashes straight from there. Words with dirty
    /// high bits would hash as they stand, but the same words revert where their fields are read.
    function hash(IProofOfCloudRegistry.Report calldata report) internal pure returns (bytes32) {
        uint256 platforms;
        uint256 grants;
        {
            IProofOfCloudRegistry.PlatformEntry[] calldata list = report.platforms;
            assembly ("memory-safe") {
                platforms := list.offset
            }
        }
        {
            IProofOfCloudRegistry.Grant[] calldata list = report.grants;
            assembly ("memory-safe") {
                grants := list.offset
            }
        }
        return keccak256(
            abi.encode(
                REPORT_TYPEHASH,
                report.relayerSetId,
                report.policyDigest,
                report.issuedAt,
                report.deadline,
                _hashStructs(PLATFORM_ENTRY_TYPEHASH, platforms, report.platforms.length, 5),
                _hashStructs(GRANT_TYPEHASH, grants, report.grants.length, 14),
                keccak256(report.renewals),
                _hashWords(report.digests),
                report.archive
            )
        );
    }

    /// @dev Kept apart from `hash`: no report holds this struct, only its hash.
    function hash(IProofOfCloudRegistry.AttestationResult memory result) internal pure returns (bytes32) {
        return keccak256(abi.encode(ATTESTATION_RESULT_TYPEHASH, result));
    }

    function hash(IProofOfCloudRegistry.Enrolment memory enrolment) internal pure returns (bytes32) {
        return keccak256(abi.encode(ENROLMENT_TYPEHASH, enrolment.evidenceDigest));
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

    function _hashWords(bytes32[] calldata list) private pure returns (bytes32 result) {
        assembly ("memory-safe") {
            let copy := mload(0x40)
            calldatacopy(copy, list.offset, mul(list.length, 32))
            result := keccak256(copy, mul(list.length, 32))
        }
    }
}
