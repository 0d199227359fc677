// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudGovernance as IGov} from "../src/interfaces/IProofOfCloudGovernance.sol";
import {IProofOfCloudRegistry as I} from "../src/interfaces/IProofOfCloudRegistry.sol";
import {RegistryTest} from "./utils/RegistryTest.sol";

/// @notice A revoked subject, and its instance, stay revoked until the governor reinstates and a quorum grants again.
contract RevocationTest is RegistryTest {
    bytes32 private constant EVIDENCE = keccak256("evidence");
    address private other = makeAddr("other operator");

    function setUp() public override {
        super.setUp();
        _register(operator);
    }

    function _expectStatus(I.Subject kind, bytes32 subject) private {
        bytes32 payload =
            keccak256(abi.encode(kind, subject, I.Status.Active, I.Status.Revoked, uint16(3), EVIDENCE, governor));
        bytes32 head = _nextHead(2, payload);
        vm.expectEmit(address(registry));
        emit I.StatusChanged(kind, subject, I.Status.Active, I.Status.Revoked, 3, EVIDENCE, governor, head);
    }

    function _expectSkippedGrant(I.Grant memory g, I.SkipReason reason) private {
        I.Report memory report = _report();
        _addGrant(report, g);
        _expectSkip(I.Item.Grant, _subject(g.operator), reason);
        _postWithPassenger(report);
    }

    function test_onlyTheGovernorRevokes() public {
        vm.startPrank(guardian);
        vm.expectRevert(abi.encodeWithSelector(IGov.NotGovernor.selector, guardian));
        governance.revokeOperator(operator, 1, 0);
        vm.expectRevert(abi.encodeWithSelector(IGov.NotGovernor.selector, guardian));
        governance.revokePlatform(PLATFORM, 1, 0);
    }

    function test_aRevokedOperatorStaysDown() public {
        _expectStatus(I.Subject.Operator, _subject(operator));
        vm.startPrank(governor);
        governance.revokeOperator(operator, 3, EVIDENCE);
        vm.expectRevert(I.AlreadyDown.selector);
        governance.revokeOperator(operator, 3, EVIDENCE);
        vm.stopPrank();
        vm.prank(guardian);
        vm.expectRevert(I.AlreadyDown.selector);
        registry.freezeOperator(operator, 1, 0);
        vm.prank(operator);
        vm.expectRevert(abi.encodeWithSelector(I.NotActive.selector, operator));
        registry.deregister();
        assertEq(uint8(registry.statusOf(operator)), uint8(I.Status.Revoked));
        vm.warp(START + 365 days);
        _expectSkippedGrant(_grant(operator), I.SkipReason.Revoked);
    }

    function test_itsInstanceIsRevokedWithIt() public {
        vm.prank(governor);
        governance.revokeOperator(operator, 3, EVIDENCE);
        vm.warp(START + 365 days);
        I.Grant memory g = _grant(other);
        g.instanceId = _instance(operator);
        I.Report memory report = _report();
        _addPlatform(report, _platformEntry(PLATFORM)); // its custody has run out
        _post(report);
        vm.warp(vm.getBlockTimestamp() + 1);
        _expectSkippedGrant(g, I.SkipReason.Revoked);
        assertEq(registry.instanceHolder(_instance(operator)), operator);
    }

    function test_comesBackByTheGovernorAndTheQuorum() public {
        vm.prank(governor);
        governance.revokeOperator(operator, 3, EVIDENCE);
        _raise(abi.encodeCall(IGov.reinstate, (I.Subject.Operator, _subject(operator), 1)));
        assertEq(uint8(registry.statusOf(operator)), uint8(I.Status.Frozen));
        assertEq(registry.attestationOf(operator).statusNonce, 2);
        I.Grant memory old = _grant(operator);
        old.evidenceTime = START;
        old.ttl = 4 days;
        old.expiry = uint40(vm.getBlockTimestamp()) + 1 hours;
        _expectSkippedGrant(old, I.SkipReason.EvidenceTooOld);
        vm.warp(vm.getBlockTimestamp() + 1);
        _register(operator);
        assertTrue(registry.isAttested(operator));
    }

    function test_aRevokedPlatformTakesItsOperatorsAlongAndStaysDown() public {
        _register(other);
        _expectStatus(I.Subject.Platform, PLATFORM);
        vm.startPrank(governor);
        governance.revokePlatform(PLATFORM, 3, EVIDENCE);
        vm.expectRevert(I.AlreadyDown.selector);
        governance.revokePlatform(PLATFORM, 3, EVIDENCE);
        vm.stopPrank();
        vm.prank(guardian);
        vm.expectRevert(I.AlreadyDown.selector);
        registry.freezePlatform(PLATFORM, 1, 0);
        assertFalse(registry.isAttested(operator) || registry.isAttested(other));
        assertEq(uint8(registry.statusOf(operator)), uint8(I.Status.Revoked));
        assertEq(uint8(registry.platform(PLATFORM).status), uint8(I.Status.Revoked));

        vm.warp(START + 30 days);
        I.Report memory report = _report();
        _addPlatform(report, _platformEntry(PLATFORM));
        _expectSkip(I.Item.Platform, PLATFORM, I.SkipReason.Revoked);
        _postWithPassenger(report);
        _expectSkippedGrant(_grant(operator), I.SkipReason.PlatformNotActive);

        _raise(abi.encodeCall(IGov.reinstate, (I.Subject.Platform, PLATFORM, 1)));
        assertEq(uint8(registry.platform(PLATFORM).status), uint8(I.Status.Frozen));
        _expectSkippedGrant(_grant(operator), I.SkipReason.PlatformNotActive);
        report = _report();
        _addPlatform(report, _platformEntry(PLATFORM));
        _addGrant(report, _grant(operator));
        _post(report);
        assertTrue(registry.isAttested(operator));
    }

    /// @notice The tombstone may stand before anybody was ever there.
    function test_revokesWhatIsNotKnownYet() public {
        vm.startPrank(governor);
        governance.revokeOperator(other, 1, 0);
        governance.revokePlatform(keccak256("unknown"), 1, 0);
        vm.stopPrank();
        vm.warp(START + 1);
        _expectSkippedGrant(_grant(other), I.SkipReason.Revoked);
        I.Report memory report = _report();
        _addPlatform(report, _platformEntry(keccak256("unknown")));
        _expectSkip(I.Item.Platform, keccak256("unknown"), I.SkipReason.Revoked);
        _postWithPassenger(report);
    }
}
