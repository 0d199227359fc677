// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry as I} from "../src/interfaces/IProofOfCloudRegistry.sol";
import {RegistryTest} from "./utils/RegistryTest.sol";

/// @notice One operator's life, start to end.
contract LifecycleTest is RegistryTest {
    function test_registersRenewsLapsesAndReturns() public {
        assertEq(uint8(registry.statusOf(operator)), uint8(I.Status.Unknown));
        _register(operator);
        assertTrue(registry.isAttested(operator));
        uint40 first = registry.attestationOf(operator).expiry;

        vm.warp(START + 20 hours);
        uint40 second = _floor(block.timestamp + 23 hours);
        _post(_renewal(operator, second));
        vm.warp(first);
        assertTrue(registry.isAttested(operator));
        assertEq(registry.attestationOf(operator).attestedSince, START);

        vm.warp(second - 1);
        assertTrue(registry.isAttested(operator));
        vm.warp(second);
        assertFalse(registry.isAttested(operator));
        assertEq(uint8(registry.statusOf(operator)), uint8(I.Status.Expired));

        _register(operator);
        assertTrue(registry.isAttested(operator));
        assertEq(registry.attestationOf(operator).attestedSince, second);
    }

    function test_freezeTakesTrustAtOnceAndReturnsItOnlyByQuorum() public {
        _register(operator);
        vm.prank(guardian);
        registry.freezeOperator(operator, 1, 0);
        assertFalse(registry.isAttested(operator));
        vm.warp(START + 72 hours);
        assertEq(uint8(registry.statusOf(operator)), uint8(I.Status.Frozen));
        _register(operator);
        assertTrue(registry.isAttested(operator));
    }

    function test_deregisterTakesTheOperatorOut() public {
        _register(operator);
        vm.prank(operator);
        registry.deregister();
        assertFalse(registry.isAttested(operator));
        assertEq(uint8(registry.statusOf(operator)), uint8(I.Status.Deregistered));
    }
}
