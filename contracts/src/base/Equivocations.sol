// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudGovernance} from "../interfaces/IProofOfCloudGovernance.sol";
import {IProofOfCloudRegistry as I} from "../interfaces/IProofOfCloudRegistry.sol";
import {RelayerSetWord} from "../libraries/RelayerSetWord.sol";
import {ReportLib} from "../libraries/ReportLib.sol";
import {SignatureVerifier} from "../libraries/SignatureVerifier.sol";
import {Orders} from "./Orders.sol";

/// @title Equivocations
/// @notice An appraisal is a function of evidence, policy, endorsements and time. A relayer that signs two results of the
/// same four has lied at least once, and its own signatures prove it to everybody.
abstract contract Equivocations is Orders {
    /// @dev The reason in the log of a relayer disabled by proof.
    uint16 private constant PROVEN = type(uint16).max;

    /// @inheritdoc IProofOfCloudGovernance
    function proveEquivocation(uint32 relayerSetId, uint8 index, Posting calldata a, Posting calldata b) external {
        RelayerSetWord set = _relayerSets[relayerSetId];
        if (index >= set.size()) revert UnknownRelayer(relayerSetId, index);
        address relayer = set.members()[index];
        bytes32 digestA = ReportLib.hash(a.result);
        bytes32 digestB = ReportLib.hash(b.result);
        if (
            digestA == digestB || a.result.evidenceDigest != b.result.evidenceDigest
                || a.result.policyDigest != b.result.policyDigest
                || a.result.endorsementsDigest != b.result.endorsementsDigest || a.result.asOf != b.result.asOf
                || !_signed(relayer, digestA, a) || !_signed(relayer, digestB, b)
        ) revert NoEquivocation();
        bytes32 evidenceDigest = a.result.evidenceDigest;
        _disableRelayer(relayerSetId, index, PROVEN, evidenceDigest);
        emit Equivocation(relayer, evidenceDigest, digestA, digestB);
    }

    /// @dev Has this relayer signed a report of this registry that carries the digest?
    function _signed(address relayer, bytes32 digest, Posting calldata p) private view returns (bool) {
        if (p.signature.length != 64) return false;
        I.Report calldata r = p.report;
        bytes32 structHash = ReportLib.hash(r, r.platforms, r.grants, r.renewals, r.digests);
        bytes calldata signature = p.signature;
        uint256 offset;
        assembly ("memory-safe") {
            offset := signature.offset
        }
        return SignatureVerifier.isSignedBy(relayer, _hashTypedDataV4(structHash), offset) && _carries(r, digest);
    }

    function _carries(I.Report calldata report, bytes32 digest) private pure returns (bool) {
        for (uint256 i; i < report.grants.length; ++i) {
            if (report.grants[i].digest == digest) return true;
        }
        for (uint256 i; i < report.digests.length; ++i) {
            if (report.digests[i] == digest) return true;
        }
        return false;
    }
}
