// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {RegistryBase} from "../../src/base/RegistryBase.sol";
import {IProofOfCloudGovernance as IGov} from "../../src/interfaces/IProofOfCloudGovernance.sol";
import {IProofOfCloudRegistry as I} from "../../src/interfaces/IProofOfCloudRegistry.sol";
import {ControlWordLib} from "../../src/libraries/ControlWord.sol";
import {HeadWord} from "../../src/libraries/HeadWord.sol";
import {ReplayChanges} from "./ReplayChanges.sol";
import {Vm} from "forge-std/Vm.sol";

/// @notice Rebuilds a registry's storage from its logs and their blocks' times, and from nothing else. It has the
/// registry's own storage layout, so that the two can be compared slot by slot: a variable the registry gains is missing
/// here until its events tell of it.
/// @dev What it takes over from the registry is how words are packed and lists are kept. Who did what, and what it did,
/// it reads from the events.
contract LogReplay is ReplayChanges {
    error UnknownEvent(bytes32 topic);

    constructor(address origin, uint32 maxTtl) RegistryBase(maxTtl) ReplayChanges(origin) {
        _control = ControlWordLib.initial(0);
    }

    function head() external view returns (bytes32) {
        return HeadWord.unwrap(_head);
    }

    /// @notice Where this contract's own variables lie; the arrays among them are empty between batches.
    function ownSlots() external pure returns (uint256 first, uint256 last) {
        assembly ("memory-safe") {
            first := _grants.slot
            last := _action.slot
        }
    }

    /// @notice Takes one transaction's logs. Its block's time must be set.
    function take(Vm.Log[] calldata logs) external {
        delete _action;
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].emitter != ORIGIN) continue;
            // An order says so after its effect: its freezes are nobody's, whoever sent it.
            bool ordered = i + 1 < logs.length && logs[i + 1].topics[0] == IGov.OrderExecuted.selector;
            _take(logs[i].topics, logs[i].data, ordered);
        }
    }

    function _take(bytes32[] calldata topics, bytes calldata data, bool ordered) private {
        bytes32 t = topics[0];
        if (t == I.BatchPosted.selector) _batch(topics, data);
        else if (t == I.PlatformUpdated.selector) _platformUpdated(topics, data);
        else if (t == I.OperatorGranted.selector) _operatorGranted(topics, data);
        else if (t == I.StatusChanged.selector) _statusChanged(topics, data, ordered);
        else if (t == I.ControlChanged.selector) _controlChanged(data);
        else if (t == I.RelayerSetChanged.selector) _relayerSetChanged(topics, data);
        else if (t == I.PolicyRegistered.selector || t == I.PolicyRetired.selector) _policyChanged(topics, data);
        else if (t == I.AuthorityChanged.selector) _authorityChanged(topics, data);
        else if (t == IGov.ActionSubmitted.selector) _submitted(topics, data);
        else if (t == IGov.ActionVetoed.selector) delete _executableAt[topics[1]];
        else if (t == IGov.ActionExecuted.selector) _executed(topics);
        else if (t == IGov.OrderExecuted.selector) _spent[topics[1]] = true;
        else if (t != I.ItemSkipped.selector && t != IGov.Equivocation.selector) revert UnknownEvent(t);
    }
}
