// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {RegistryBase} from "../../src/base/RegistryBase.sol";

/// @notice Where the registry's variables lie.
contract Layout is RegistryBase {
    constructor() RegistryBase(24 hours) {}

    function slots() external pure returns (uint256 control, uint256 lanes, uint256 operators, uint256 platforms) {
        assembly ("memory-safe") {
            control := _control.slot
            lanes := _lanes.slot
            operators := _operators.slot
            platforms := _platforms.slot
        }
    }
}
