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

    /// @notice On some rollups `block.number` is another chain's, stands still for minutes, or jumps. Nothing here reads it.
    function testFuzz_blockNumbersDecideNothing(uint64[4] memory numbers) public {
        vm.roll(numbers[0]);
        _register(operator);
        vm.roll(numbers[1]);
        vm.warp(START + 20 hours);
        uint40 expiry = _floor(START + 43 hours);
        _post(_renewal(operator, expiry));
        vm.roll(numbers[2]);
        vm.warp(expiry - 1);
        assertTrue(registry.isAttested(operator));
        vm.roll(numbers[3]);
        vm.prank(guardian);
        registry.freezeOperator(operator, 1, 0);
        vm.warp(expiry + 72 hours);
        _register(operator);
        assertTrue(registry.isAttested(operator));
        vm.warp(registry.attestationOf(operator).expiry);
        assertFalse(registry.isAttested(operator));
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
