// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {KeeperVault} from "../examples/KeeperVault.sol";
import {IProofOfCloudRegistry as I} from "../src/interfaces/IProofOfCloudRegistry.sol";
import {RegistryTest} from "./utils/RegistryTest.sol";

/// @notice The example vault on the registry itself. What an integrator tests on the mock is in `kit/`.
contract ConsumerTest is RegistryTest {
    KeeperVault private vault;
    address private borrower = makeAddr("borrower");

    function setUp() public override {
        super.setUp();
        vault = new KeeperVault(registry, WORKLOAD);
        vm.deal(borrower, 10 ether);
        vm.prank(borrower);
        vault.borrow{value: 10 ether}(5 ether);
    }

    function _expectDenial(I.Denial denial) private {
        vm.expectRevert(abi.encodeWithSelector(I.NotAttested.selector, operator, denial));
        vm.prank(operator);
        vault.liquidate(borrower);
    }

    function test_onlyAnAttestedKeeperLiquidates() public {
        _expectDenial(I.Denial.Unknown);
        _register(operator);
        vm.prank(operator);
        vault.liquidate(borrower);
        assertEq(operator.balance, 10 ether);
        assertEq(vault.liquidations(operator), 1);
    }

    function test_aFrozenOrLapsedKeeperIsOut() public {
        _register(operator);
        vm.prank(operator);
        vault.checkIn();
        assertEq(vault.checkIns(operator), 1);
        assertEq(vault.liquidations(operator), 0);
        vm.warp(START + TTL);
        _expectDenial(I.Denial.Expired);
        _register(operator);
        vm.prank(guardian);
        registry.freezeOperator(operator, 1, 0);
        _expectDenial(I.Denial.Frozen);
    }

    function test_aWorkbenchIsNoKeeper() public {
        I.Report memory report = _report();
        _addPlatform(report, _platformEntry(PLATFORM));
        I.Grant memory g = _grant(operator);
        g.custody = 0;
        _addGrant(report, g);
        _post(report);
        _expectDenial(I.Denial.Custody);
    }

    function test_aKeyOutsideTheTdIsNoKeeper() public {
        I.Report memory report = _report();
        _addPlatform(report, _platformEntry(PLATFORM));
        I.Grant memory g = _grant(operator);
        g.flags = 0;
        _addGrant(report, g);
        _post(report);
        assertTrue(registry.isAttested(operator));
        _expectDenial(I.Denial.KeyNotInTd);
    }

    function test_anotherProgramIsNoKeeper() public {
        vault = new KeeperVault(registry, keccak256("another workload"));
        _register(operator);
        _expectDenial(I.Denial.Workload);
    }
}
