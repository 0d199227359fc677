// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry} from "../interfaces/IProofOfCloudRegistry.sol";
import {Bits} from "./Bits.sol";

/// @notice Everything a query needs to know about an operator, but for its expiry, which lies in its lane:
///
/// ```
///  255     254    229 228  225 224    209 208    185 184   153 152 121 120 101 100      69
/// ┌───────┬──────────┬────────┬──────────┬──────────┬─────────┬───────┬───────┬───────────┐
/// │ more  │ frozen   │ by     │ workload │ platform │ issued  │ since │ ttl   │ evidence  │
/// │ 1     │ at 26    │ 4      │ 16       │ 24       │ 32      │ 32    │ 20    │ 32        │
/// └───────┴──────────┴────────┴──────────┴──────────┴─────────┴───────┴───────┴───────────┘
///  68   53 52    46 45   38 37    34 33 31 30     29 28     27 26    24 23   0
/// ┌───────┬────────┬───────┬────────┬─────┬─────────┬─────────┬────────┬──────┐
/// │ nonce │provider│ flags │ class  │ tcb │ custody │ binding │ status │ lane │
/// │ 16    │ 7      │ 8     │ 4      │ 3   │ 2       │ 2       │ 3      │ 24   │
/// └───────┴────────┴───────┴────────┴─────┴─────────┴─────────┴────────┴──────┘
/// ```
///
/// issued: `issuedAt` of the last grant applied. since: when the status began (0 once a freeze is lifted); for Active,
/// attested without a gap since, there and as nothing less. evidence: its time, or from when on evidence must be newer.
/// Times are seconds in 32 bits, good until 2106. frozen at, by, more: the last freeze by a guardian, see `Changes`; in
/// units of 64 s, rounded up. The nonce wraps at 65,536: what is signed lives for an hour, what is submitted for its delay
/// and 14 days, and nobody changes a status that often unless a quorum's freezes do.
type OperatorWord is uint256;

using OperatorWordLib for OperatorWord global;

/// @title OperatorWordLib
library OperatorWordLib {
    using Bits for uint256;

    function lane(OperatorWord w) internal pure returns (uint256) {
        return OperatorWord.unwrap(w).get(0, 24);
    }

    function status(OperatorWord w) internal pure returns (IProofOfCloudRegistry.Status) {
        return IProofOfCloudRegistry.Status(OperatorWord.unwrap(w).get(24, 3));
    }

    /// @dev Is this its status? Other than `status`, this does not revert for a number that is none.
    function has(OperatorWord w, IProofOfCloudRegistry.Status s) internal pure returns (bool) {
        return OperatorWord.unwrap(w).get(24, 3) == uint256(s);
    }

    function binding(OperatorWord w) internal pure returns (uint256) {
        return OperatorWord.unwrap(w).get(27, 2);
    }

    function custody(OperatorWord w) internal pure returns (uint256) {
        return OperatorWord.unwrap(w).get(29, 2);
    }

    function tcb(OperatorWord w) internal pure returns (uint256) {
        return OperatorWord.unwrap(w).get(31, 3);
    }

    function teeClass(OperatorWord w) internal pure returns (uint256) {
        return OperatorWord.unwrap(w).get(34, 4);
    }

    function flags(OperatorWord w) internal pure returns (uint256) {
        return OperatorWord.unwrap(w).get(38, 8);
    }

    function provider(OperatorWord w) internal pure returns (uint256) {
        return OperatorWord.unwrap(w).get(46, 7);
    }

    function statusNonce(OperatorWord w) internal pure returns (uint256) {
        return OperatorWord.unwrap(w).get(53, 16);
    }

    function evidenceTime(OperatorWord w) internal pure returns (uint256) {
        return OperatorWord.unwrap(w).get(69, 32);
    }

    function ttl(OperatorWord w) internal pure returns (uint256) {
        return OperatorWord.unwrap(w).get(101, 20);
    }

    function since(OperatorWord w) internal pure returns (uint256) {
        return OperatorWord.unwrap(w).get(121, 32);
    }

    function issuedAt(OperatorWord w) internal pure returns (uint256) {
        return OperatorWord.unwrap(w).get(153, 32);
    }

    function platformIndex(OperatorWord w) internal pure returns (uint256) {
        return OperatorWord.unwrap(w).get(185, 24);
    }

    function workloadIndex(OperatorWord w) internal pure returns (uint256) {
        return OperatorWord.unwrap(w).get(209, 16);
    }

    /// @dev The seat of the guardian who froze it last; 0 = none did.
    function frozenBy(OperatorWord w) internal pure returns (uint256) {
        return OperatorWord.unwrap(w).get(225, 4);
    }

    /// @dev When that was, rounded up to 64 s.
    function frozenAt(OperatorWord w) internal pure returns (uint256) {
        unchecked {
            return OperatorWord.unwrap(w).get(229, 26) * 64;
        }
    }

    /// @dev Have other guardians' freezes been put aside?
    function frozenByMore(OperatorWord w) internal pure returns (bool) {
        return OperatorWord.unwrap(w).get(255, 1) != 0;
    }

    function withFreezer(OperatorWord w, uint256 seat, uint256 time, bool more) internal pure returns (OperatorWord) {
        unchecked {
            return OperatorWord.wrap(
                OperatorWord.unwrap(w).set(225, 4, seat).set(229, 26, (time + 63) / 64).set(255, 1, more ? 1 : 0)
            );
        }
    }

    /// @dev Leaves Active: the nonce moves, so that what was signed before is dead.
    function withStatus(OperatorWord w, IProofOfCloudRegistry.Status to, uint256 time)
        internal
        pure
        returns (OperatorWord)
    {
        unchecked {
            return OperatorWord.wrap(
                OperatorWord.unwrap(w).set(24, 3, uint256(to)).set(53, 16, w.statusNonce() + 1).set(121, 32, time)
            );
        }
    }

    function withEvidenceTime(OperatorWord w, uint256 time) internal pure returns (OperatorWord) {
        return OperatorWord.wrap(OperatorWord.unwrap(w).set(69, 32, time));
    }

    /// @dev The word after a grant: Active, nonce and freezes as they were. The caller has checked every range.
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
        uint256 low = laneNumber | (uint256(IProofOfCloudRegistry.Status.Active) << 24) | (uint256(g.binding) << 27)
            | (uint256(g.custody) << 29) | (uint256(g.tcb) << 31) | (uint256(g.teeClass) << 34)
            | (uint256(g.flags) << 38) | (providerNumber << 46) | (old.statusNonce() << 53);
        uint256 freezes = OperatorWord.unwrap(old) >> 225 << 225;
        return OperatorWord.wrap(
            freezes | low | (uint256(g.evidenceTime) << 69) | (uint256(g.ttl) << 101) | (start << 121) | (issued << 153)
                | (platformNumber << 185) | (workloadNumber << 209)
        );
    }
}
