// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {ControlWord} from "./ControlWord.sol";

/// @notice What one call of `post` carries from item to item.
struct BatchState {
    /// Stored once, at the end.
    ControlWord control;
    uint256 issuedAt;
    /// Bit i: item i was applied.
    uint256 platformsApplied;
    uint256 grantsApplied;
    /// Leaves of the applied digests; the first `leafCount` count.
    bytes32[] leaves;
    uint256 leafCount;
}
