// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {Equivocations} from "./base/Equivocations.sol";
import {Governance} from "./base/Governance.sol";
import {RegistryBase} from "./base/RegistryBase.sol";

/// @title RegistryExtension
/// @notice The registry's second half, for want of room in the first: governance, revocation, relayers' orders. The
/// registry runs it on its own state for every call it does not know itself; its address is part of the registry's code,
/// so this is not a way to upgrade. It takes no arguments: anybody can compare its code with what this source compiles to.
/// @dev Called directly, it works on its own state, which is empty: no governor, no guardian, no relayer set, so nothing
/// can be done.
contract RegistryExtension is Governance, Equivocations {
    /// @dev Nothing here reads the greatest TTL.
    constructor() RegistryBase(1 days) {}
}
