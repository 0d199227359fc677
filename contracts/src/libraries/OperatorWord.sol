// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry} from "../interfaces/IProofOfCloudRegistry.sol";
import {Bits} from "./Bits.sol";

/// @notice Everything a query needs to know about an operator, but for its expiry, which lies in its lane:
///
/// ```
///  255 252 251    232 231    208 207   176 175 144 143 120 119      88 87    56
/// ┌───────┬──────────┬──────────┬─────────┬───────┬───────┬───────────┬────────┐
/// │ 0     │ workload │ platform │ issued  │ since │ ttl   │ evidence  │ nonce  │
/// │ 4     │ 20       │ 24       │ 32      │ 32    │ 24    │ 32        │ 32     │
/// └───────┴──────────┴──────────┴─────────┴───────┴───────┴───────────┴────────┘
///  55    48 47   40 39    36 35 32 31     30 29     28 27    24 23   0
/// ┌────────┬───────┬────────┬─────┬─────────┬─────────┬────────┬──────┐
/// │provider│ flags │ class  │ tcb │ custody │ binding │ status │ lane │
/// │ 8      │ 8     │ 4      │ 4   │ 2       │ 2       │ 4      │ 24   │
/// └────────┴───────┴────────┴─────┴─────────┴─────────┴────────┴──────┘
/// ```
///
/// issued: `issuedAt` of the last report applied. since: when the status began; for Active, attested without a gap
/// since. evidence: its time, or for a deregistered operator the time from which evidence must be newer. Times are
/// seconds in 32 bits, good until 2106.
type OperatorWord is uint256;

using OperatorWordLib for OperatorWord global;

/// @title OperatorWordLib
library OperatorWordLib {
    using Bits for uint256;

    function lane(OperatorWord w) internal pure returns (uint256) {
        return OperatorWord.unwrap(w).get(0, 24);
    }

    function status(OperatorWord w) internal pure returns (IProofOfCloudRegistry.Status) {
        return IProofOfCloudRegistry.Status(OperatorWord.unwrap(w).get(24, 4));
    }

    function binding(OperatorWord w) internal pure returns (uint256) {
        return OperatorWord.unwrap(w).get(28, 2);
    }

    function custody(OperatorWord w) internal pure returns (uint256) {
        return OperatorWord.unwrap(w).get(30, 2);
    }

    function tcb(OperatorWord w) internal pure returns (uint256) {
        return OperatorWord.unwrap(w).get(32, 4);
    }

    function teeClass(OperatorWord w) internal pure returns (uint256) {
        return OperatorWord.unwrap(w).get(36, 4);
    }

    function flags(OperatorWord w) internal pure returns (uint256) {
        return OperatorWord.unwrap(w).get(40, 8);
    }

    function provider(OperatorWord w) internal pure returns (uint256) {
        return OperatorWord.unwrap(w).get(48, 8);
    }

    function statusNonce(OperatorWord w) internal pure returns (uint256) {
        return OperatorWord.unwrap(w).get(56, 32);
    }

    function evidenceTime(OperatorWord w) internal pure returns (uint256) {
        return OperatorWord.unwrap(w).get(88, 32);
    }

    function ttl(OperatorWord w) internal pure returns (uint256) {
        return OperatorWord.unwrap(w).get(120, 24);
    }

    function since(OperatorWord w) internal pure returns (uint256) {
        return OperatorWord.unwrap(w).get(144, 32);
    }

    function issuedAt(OperatorWord w) internal pure returns (uint256) {
        return OperatorWord.unwrap(w).get(176, 32);
    }

    function platformIndex(OperatorWord w) internal pure returns (uint256) {
        return OperatorWord.unwrap(w).get(208, 24);
    }

    function workloadIndex(OperatorWord w) internal pure returns (uint256) {
        return OperatorWord.unwrap(w).get(232, 20);
    }

    /// @dev Leaves Active: the nonce moves, so that what was signed before is dead.
    function withStatus(OperatorWord w, IProofOfCloudRegistry.Status to, uint256 time)
        internal
        pure
        returns (OperatorWord)
    {
        unchecked {
            return OperatorWord.wrap(
                OperatorWord.unwrap(w).set(24, 4, uint256(to)).set(56, 32, w.statusNonce() + 1).set(144, 32, time)
            );
        }
    }

    function withEvidenceTime(OperatorWord w, uint256 time) internal pure returns (OperatorWord) {
        return OperatorWord.wrap(OperatorWord.unwrap(w).set(88, 32, time));
    }

    /// @dev The word after a grant: Active, nonce as it was. The caller has checked every range.
    function granted(
        OperatorWord old,
        IProofOfCloudRegistry.Grant calldata g,
        uint256 laneNumber,
        uint256 providerNumber,
        uint256 start,
        uint256 issued,
        uint256 platformNumber,
        uint256 workloadNumber
    ) internal pure returns (OperatorWord) {
        uint256 low = laneNumber | (uint256(IProofOfCloudRegistry.Status.Active) << 24) | (uint256(g.binding) << 28)
            | (uint256(g.custody) << 30) | (uint256(g.tcb) << 32) | (uint256(g.teeClass) << 36)
            | (uint256(g.flags) << 40) | (providerNumber << 48) | (old.statusNonce() << 56);
        return OperatorWord.wrap(
            low | (uint256(g.evidenceTime) << 88) | (uint256(g.ttl) << 120) | (start << 144) | (issued << 176)
                | (platformNumber << 208) | (workloadNumber << 232)
        );
    }
}
