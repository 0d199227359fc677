// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {KeeperVault} from "../examples/KeeperVault.sol";
import {ProofOfCloudConsumer} from "../src/consumer/ProofOfCloudConsumer.sol";
import {IProofOfCloudRegistry as I} from "../src/interfaces/IProofOfCloudRegistry.sol";
import {MockProofOfCloudRegistry} from "../src/mocks/MockProofOfCloudRegistry.sol";
import {RegistryTest} from "./utils/RegistryTest.sol";

/// @notice The mixin and the example vault, on the registry itself and on the mock.
contract ConsumerTest is RegistryTest {
    KeeperVault private vault;
    address private borrower = makeAddr("borrower");

    function setUp() public override {
        super.setUp();
        vault = new KeeperVault(registry);
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
        vm.expectRevert(abi.encodeWithSelector(KeeperVault.NoLoan.selector, borrower));
        vm.prank(operator);
        vault.liquidate(borrower);
    }

    function test_aFrozenOrLapsedKeeperIsOut() public {
        _register(operator);
        vm.prank(operator);
        vault.checkIn();
        assertEq(vault.liquidations(operator), 1);
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

    function test_refusesToBorrowTooMuch() public {
        vm.expectRevert(KeeperVault.TooMuchDebt.selector);
        vm.prank(borrower);
        vault.borrow(1);
    }

    function test_refusesARegistryWithoutCode() public {
        vm.expectRevert(abi.encodeWithSelector(ProofOfCloudConsumer.NoRegistry.selector, address(1234)));
        new KeeperVault(I(address(1234)));
    }

    function test_theMockAnswersLikeTheRegistry() public {
        MockProofOfCloudRegistry mock = new MockProofOfCloudRegistry();
        assertFalse(mock.isAttested(operator));
        mock.attest(operator, PLATFORM);
        assertTrue(mock.isAttested(operator));
        assertEq(mock.platformOf(operator), PLATFORM);
        mock.attest(borrower, keccak256("other"));
        address[] memory operators = new address[](2);
        (operators[0], operators[1]) = (operator, borrower);
        assertEq(mock.distinctPlatforms(operators), 2);

        mock.expire(operator);
        assertEq(uint8(mock.statusOf(operator)), uint8(I.Status.Expired));
        mock.attest(operator, PLATFORM);
        vm.warp(START + 1 hours);
        assertFalse(mock.isAttested(operator));

        mock.attest(_grant(operator), PROVIDER);
        _register(operator);
        I.Attestation memory mocked = mock.attestationOf(operator);
        I.Attestation memory real = registry.attestationOf(operator);
        (real.generation, real.attestedSince) = (mocked.generation, mocked.attestedSince);
        assertEq(abi.encode(mocked), abi.encode(real));

        mock.freezeOperator(operator, 1, 0);
        assertEq(uint8(mock.statusOf(operator)), uint8(I.Status.Frozen));
        mock.attest(operator, PLATFORM);
        mock.freezeProvider(1, 1, 0);
        assertEq(uint8(mock.statusOf(operator)), uint8(I.Status.Frozen));
        mock.attest(_grant(operator), PROVIDER);
        assertTrue(mock.isAttested(operator));
        vm.prank(operator);
        mock.deregister();
        assertEq(uint8(mock.statusOf(operator)), uint8(I.Status.Deregistered));
        mock.pause(1, 0);
        assertEq(uint8(mock.statusOf(operator)), uint8(I.Status.Paused));
    }

    function test_theMockTakesNoReports() public {
        MockProofOfCloudRegistry mock = new MockProofOfCloudRegistry();
        vm.expectRevert(MockProofOfCloudRegistry.NotInMock.selector);
        mock.post(_report(), 0, "");
        vm.expectRevert(MockProofOfCloudRegistry.NotInMock.selector);
        mock.freezePlatform(PLATFORM, 1, 0);
    }
}
