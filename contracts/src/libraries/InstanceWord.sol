// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {OperatorWord} from "./OperatorWord.sol";

/// @notice Who was granted an instance, and by which grant:
///
/// ```
///  255  192 191       160 159          0
/// ┌────────┬─────────────┬──────────────┐
/// │ 0      │ issued 32   │ operator 160 │
/// └────────┴─────────────┴──────────────┘
/// ```
///
/// issued: the grant's `issuedAt`. Grants to one operator have strictly rising ones, so the operator holds the instance
/// as long as its own word says the same time: its next grant, if it names another instance, releases this one without
/// having to know it.
type InstanceWord is uint256;

using InstanceWordLib for InstanceWord global;

/// @title InstanceWordLib
library InstanceWordLib {
    function create(address holder, uint256 issuedAt) internal pure returns (InstanceWord) {
        return InstanceWord.wrap(uint256(uint160(holder)) | (issuedAt << 160));
    }

    /// @dev Zero if the instance was never granted.
    function operator(InstanceWord w) internal pure returns (address) {
        return address(uint160(InstanceWord.unwrap(w)));
    }

    /// @dev Is the operator's last grant the one that gave it this instance? `o` is the word of `operator()`.
    function heldBy(InstanceWord w, OperatorWord o) internal pure returns (bool) {
        return InstanceWord.unwrap(w) != 0 && InstanceWord.unwrap(w) >> 160 == o.issuedAt();
    }
}
