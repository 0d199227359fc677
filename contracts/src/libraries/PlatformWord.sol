// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry} from "../interfaces/IProofOfCloudRegistry.sol";
import {Bits} from "./Bits.sol";

/// @notice A platform, with its first three operators' lanes inline, so that most platforms need no further slot:
///
/// ```
///  255 248 247  224 223  200 199  176 175 168 167     136 135   104 103      72
/// ┌───────┬────────┬────────┬────────┬───────┬───────────┬─────────┬───────────┐
/// │freezes│ lane 2 │ lane 1 │ lane 0 │ count │ frozen at │ issued  │ custody   │
/// │ 8     │ 24     │ 24     │ 24     │ 8     │ 32        │ 32      │ expiry 32 │
/// └───────┴────────┴────────┴────────┴───────┴───────────┴─────────┴───────────┘
///  71    40 39     32 31 30 29     28 27    24 23    0
/// ┌────────┬─────────┬─────┬─────────┬────────┬───────┐
/// │ nonce  │ provider│ 0   │ custody │ status │ index │
/// │ 32     │ 8       │ 2   │ 2       │ 4      │ 24    │
/// └────────┴─────────┴─────┴─────────┴────────┴───────┘
/// ```
///
/// frozen at: the last freeze's time, kept after it. freezes: the seat of the guardian who did it (4 bits, 0 = relayers),
/// "more" (other guardians' freezes have been put aside, see `Changes`), "lifted" (grants are not blocked any more).
type PlatformWord is uint256;

using PlatformWordLib for PlatformWord global;

/// @title PlatformWordLib
library PlatformWordLib {
    using Bits for uint256;

    /// @dev Lanes that fit in the word itself.
    uint256 internal constant INLINE = 3;

    function index(PlatformWord w) internal pure returns (uint256) {
        return PlatformWord.unwrap(w).get(0, 24);
    }

    function status(PlatformWord w) internal pure returns (IProofOfCloudRegistry.Status) {
        return IProofOfCloudRegistry.Status(PlatformWord.unwrap(w).get(24, 4));
    }

    /// @dev Is this its status? Other than `status`, this does not revert for a number that is none.
    function has(PlatformWord w, IProofOfCloudRegistry.Status s) internal pure returns (bool) {
        return PlatformWord.unwrap(w).get(24, 4) == uint256(s);
    }

    function custody(PlatformWord w) internal pure returns (uint256) {
        return PlatformWord.unwrap(w).get(28, 2);
    }

    function provider(PlatformWord w) internal pure returns (uint256) {
        return PlatformWord.unwrap(w).get(32, 8);
    }

    function statusNonce(PlatformWord w) internal pure returns (uint256) {
        return PlatformWord.unwrap(w).get(40, 32);
    }

    function custodyExpiry(PlatformWord w) internal pure returns (uint256) {
        return PlatformWord.unwrap(w).get(72, 32);
    }

    function issuedAt(PlatformWord w) internal pure returns (uint256) {
        return PlatformWord.unwrap(w).get(104, 32);
    }

    function frozenAt(PlatformWord w) internal pure returns (uint256) {
        return PlatformWord.unwrap(w).get(136, 32);
    }

    function count(PlatformWord w) internal pure returns (uint256) {
        return PlatformWord.unwrap(w).get(168, 8);
    }

    /// @dev `i < INLINE`.
    function inlineLane(PlatformWord w, uint256 i) internal pure returns (uint256) {
        return PlatformWord.unwrap(w).get(176 + 24 * i, 24);
    }

    function withInlineLane(PlatformWord w, uint256 i, uint256 lane) internal pure returns (PlatformWord) {
        return PlatformWord.wrap(PlatformWord.unwrap(w).set(176 + 24 * i, 24, lane));
    }

    function withCount(PlatformWord w, uint256 n) internal pure returns (PlatformWord) {
        return PlatformWord.wrap(PlatformWord.unwrap(w).set(168, 8, n));
    }

    /// @dev The seat of the guardian who froze it last; 0 = relayers did, or nobody.
    function frozenBy(PlatformWord w) internal pure returns (uint256) {
        return PlatformWord.unwrap(w).get(248, 4);
    }

    /// @dev Have other guardians' freezes been put aside?
    function frozenByMore(PlatformWord w) internal pure returns (bool) {
        return PlatformWord.unwrap(w).get(252, 1) != 0;
    }

    /// @dev Has the governor ended the time for which the last freeze blocks entries?
    function lifted(PlatformWord w) internal pure returns (bool) {
        return PlatformWord.unwrap(w).get(253, 1) != 0;
    }

    function frozen(PlatformWord w, uint256 time, uint256 seat, bool more) internal pure returns (PlatformWord) {
        PlatformWord next = w.withStatus(IProofOfCloudRegistry.Status.Frozen);
        return PlatformWord.wrap(
            PlatformWord.unwrap(next).set(136, 32, time).set(248, 4, seat).set(252, 1, more ? 1 : 0).set(253, 1, 0)
        );
    }

    /// @dev Frozen, but open to a new entry.
    function thawed(PlatformWord w) internal pure returns (PlatformWord) {
        PlatformWord next = w.withStatus(IProofOfCloudRegistry.Status.Frozen);
        return PlatformWord.wrap(PlatformWord.unwrap(next).set(253, 1, 1));
    }

    /// @dev The nonce moves, so that what was signed before is dead.
    function withStatus(PlatformWord w, IProofOfCloudRegistry.Status to) internal pure returns (PlatformWord) {
        unchecked {
            return PlatformWord.wrap(PlatformWord.unwrap(w).set(24, 4, uint256(to)).set(40, 32, w.statusNonce() + 1));
        }
    }

    /// @dev The word after an entry: Active, nonce, freezes and lanes as they were. The caller has checked every range.
    function updated(PlatformWord w, IProofOfCloudRegistry.PlatformEntry calldata entry, uint256 number, uint256 issued)
        internal
        pure
        returns (PlatformWord)
    {
        uint256 word = PlatformWord.unwrap(w).set(0, 24, number)
            .set(24, 4, uint256(IProofOfCloudRegistry.Status.Active)).set(28, 2, entry.custody)
            .set(32, 8, entry.provider);
        return PlatformWord.wrap(word.set(72, 32, entry.custodyExpiry).set(104, 32, issued));
    }
}
