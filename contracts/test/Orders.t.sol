// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudGovernance as IGov} from "../src/interfaces/IProofOfCloudGovernance.sol";
import {IProofOfCloudRegistry as I} from "../src/interfaces/IProofOfCloudRegistry.sol";
import {RegistryTest} from "./utils/RegistryTest.sol";

/// @notice What relayers stop and revoke by their signatures alone: two freeze, three revoke.
contract OrdersTest is RegistryTest {
    uint32 private constant TWO = 0x5; // relayers 0 and 2
    bytes32 private constant EVIDENCE = keccak256("evidence");

    function setUp() public override {
        super.setUp();
        _register(operator);
    }

    function _freeze(uint8 action, bytes32 subject) private view returns (I.Freeze memory) {
        return I.Freeze(1, action, subject, 0, 3, EVIDENCE, uint40(block.timestamp + 10 minutes));
    }

    function _revoke(uint8 kind, bytes32 subject) private view returns (I.Revoke memory) {
        return I.Revoke(1, kind, subject, 0, 3, EVIDENCE, uint40(block.timestamp + 10 minutes));
    }

    function _send(I.Freeze memory order) private {
        bytes memory signatures = _sign(governance.hashFreeze(order), TWO);
        governance.freezeBySignatures(order, TWO, signatures);
    }

    function _send(I.Revoke memory order) private {
        bytes memory signatures = _sign(governance.hashRevoke(order), MASK);
        governance.revokeBySignatures(order, MASK, signatures);
    }

    function _expectRefusal(I.Freeze memory order, bytes memory refusal) private {
        bytes memory signatures = _sign(governance.hashFreeze(order), TWO);
        vm.expectRevert(refusal);
        governance.freezeBySignatures(order, TWO, signatures);
    }

    function test_theDigestIsThatOfEip712() public view {
        I.Freeze memory f = _freeze(1, PLATFORM);
        bytes32 typeHash = keccak256(
            "Freeze(uint32 relayerSetId,uint8 action,bytes32 subject,uint32 statusNonce,uint16 reason,bytes32 evidenceHash,uint40 deadline)"
        );
        bytes32 structHash = keccak256(abi.encode(typeHash, 1, 1, PLATFORM, 0, 3, EVIDENCE, f.deadline));
        assertEq(
            governance.hashFreeze(f), keccak256(abi.encodePacked(hex"1901", registry.domainSeparator(), structHash))
        );
        I.Revoke memory r = _revoke(1, PLATFORM);
        typeHash = keccak256(
            "Revoke(uint32 relayerSetId,uint8 kind,bytes32 subject,uint32 statusNonce,uint16 reason,bytes32 evidenceHash,uint40 deadline)"
        );
        structHash = keccak256(abi.encode(typeHash, 1, 1, PLATFORM, 0, 3, EVIDENCE, r.deadline));
        assertEq(
            governance.hashRevoke(r), keccak256(abi.encodePacked(hex"1901", registry.domainSeparator(), structHash))
        );
    }

    function test_freezesAnOperator() public {
        I.Freeze memory order = _freeze(0, _subject(operator));
        bytes32 digest = governance.hashFreeze(order);
        vm.expectEmit(address(registry));
        emit IGov.OrderExecuted(digest, 1, TWO);
        _send(order);
        assertEq(uint8(registry.statusOf(operator)), uint8(I.Status.Frozen));
        assertEq(registry.attestationOf(operator).expiry, 0);
        assertEq(registry.freezeAllowedAt(guardian, I.Subject.Operator, _subject(operator)), 0);
    }

    function test_freezesAPlatformAndAProviderAndPauses() public {
        _send(_freeze(1, PLATFORM));
        assertEq(uint8(registry.platform(PLATFORM).status), uint8(I.Status.Frozen));
        assertFalse(registry.isAttested(operator));
        _send(_freeze(2, bytes32(uint256(PROVIDER))));
        assertEq(registry.control().frozenProviders, type(uint128).max);
        _send(_freeze(3, 0));
        assertTrue(registry.control().paused);
    }

    function test_disablesARelayerRetiresAPolicyAndEndsAGrace() public {
        _send(_freeze(4, bytes32(uint256((1 << 8) | 4))));
        assertEq(registry.relayerSet(1).disabled, 1 << 4);
        _send(_freeze(6, POLICY));
        assertFalse(registry.policyInForce(POLICY));

        address[] memory members = new address[](1);
        members[0] = makeAddr("new relayer");
        _raise(abi.encodeCall(IGov.rotateRelayers, (members, 1, 1, 1 hours)));
        _send(_freeze(5, bytes32(uint256(1))));
        assertEq(registry.relayerSet(1).retiredAt, vm.getBlockTimestamp());
        _expectRefusal(_freeze(3, 0), abi.encodeWithSelector(I.RelayerSetNotInForce.selector, 1));
    }

    function test_revokesAnOperatorAndAPlatform() public {
        _send(_revoke(0, _subject(operator)));
        assertEq(uint8(registry.statusOf(operator)), uint8(I.Status.Revoked));
        _send(_revoke(1, PLATFORM));
        assertEq(uint8(registry.platform(PLATFORM).status), uint8(I.Status.Revoked));
    }

    function test_refusesTheSecondTime() public {
        I.Freeze memory order = _freeze(3, 0);
        bytes32 digest = governance.hashFreeze(order);
        bytes memory signatures = _sign(digest, TWO);
        governance.freezeBySignatures(order, TWO, signatures);
        vm.expectRevert(abi.encodeWithSelector(IGov.Spent.selector, digest));
        governance.freezeBySignatures(order, TWO, signatures);
        I.Revoke memory revoke = _revoke(1, PLATFORM);
        _send(revoke);
        digest = governance.hashRevoke(revoke);
        signatures = _sign(digest, MASK);
        vm.expectRevert(abi.encodeWithSelector(IGov.Spent.selector, digest));
        governance.revokeBySignatures(revoke, MASK, signatures);
    }

    function test_refusesADeadlinePassedOrFarAhead() public {
        I.Freeze memory order = _freeze(3, 0);
        order.deadline = uint40(block.timestamp) - 1;
        _expectRefusal(order, abi.encodeWithSelector(IGov.OutsideDeadline.selector, order.deadline));
        order.deadline = uint40(block.timestamp) + 1 hours + 1;
        _expectRefusal(order, abi.encodeWithSelector(IGov.OutsideDeadline.selector, order.deadline));
        order.deadline = uint40(block.timestamp) + 1 hours;
        _send(order);
    }

    function test_refusesAnotherStatusNonce() public {
        I.Freeze memory order = _freeze(0, _subject(operator));
        order.statusNonce = 1;
        _expectRefusal(order, abi.encodeWithSelector(IGov.WrongStatusNonce.selector, 0));
        vm.prank(guardian);
        registry.freezeOperator(operator, 1, 0);
        _expectRefusal(_freeze(0, _subject(operator)), abi.encodeWithSelector(IGov.WrongStatusNonce.selector, 1));
        _send(order);
        order = _freeze(1, PLATFORM);
        order.statusNonce = 1;
        _expectRefusal(order, abi.encodeWithSelector(IGov.WrongStatusNonce.selector, 0));
        // A pause has no nonce.
        order = _freeze(3, 0);
        order.statusNonce = 1;
        _expectRefusal(order, abi.encodeWithSelector(IGov.WrongStatusNonce.selector, 0));
    }

    /// @dev A grant of the operator's instance to another key, which the registry must not apply.
    function _expectInstanceHeld(I.SkipReason reason) private {
        I.Report memory report = _report();
        I.Grant memory g = _grant(makeAddr("another key"));
        g.instanceId = _instance(operator);
        _addGrant(report, g);
        _expectSkip(I.Item.Grant, _subject(g.operator), reason);
        _postWithPassenger(report);
    }

    /// @notice An operator that sees a freeze in the pool of transactions and deregisters, once or again and again, is
    /// frozen all the same, and its TPM does not enrol under another key meanwhile.
    function test_noOperatorDeregistersOutOfAFreezesWay() public {
        I.Freeze memory order = _freeze(0, _subject(operator));
        _deregister();
        _comeBack();
        _deregister();
        _send(order);
        assertEq(uint8(registry.statusOf(operator)), uint8(I.Status.Frozen));
        assertEq(registry.attestationOf(operator).statusNonce, 3);
        vm.warp(vm.getBlockTimestamp() + 72 hours - 1);
        _expectInstanceHeld(I.SkipReason.InstanceTaken);
        _expectRefusalOfGrant(I.SkipReason.Frozen);
        // Relayers have no seat: no guardian's 30 days have begun.
        assertEq(registry.freezeAllowedAt(guardian, I.Subject.Operator, _subject(operator)), 0);
    }

    function _deregister() private {
        vm.prank(operator);
        registry.deregister();
    }

    /// @dev A grant to the operator on evidence newer than its deregistration.
    function _comeBack() private {
        vm.warp(START + 5 minutes);
        I.Report memory report = _report();
        I.Grant memory g = _grant(operator);
        g.evidenceTime = START + 1;
        _addGrant(report, g);
        _post(report);
    }

    function _expectRefusalOfGrant(I.SkipReason reason) private {
        I.Report memory report = _report();
        _addGrant(report, _grant(operator));
        _expectSkip(I.Item.Grant, _subject(operator), reason);
        _postWithPassenger(report);
    }

    /// @notice A freeze signed before the operator came back is none of what it came back with.
    function test_aFreezeOfWhatHasComeBackIsSignedAnew() public {
        I.Freeze memory order = _freeze(0, _subject(operator));
        _deregister();
        _comeBack();
        _expectRefusal(order, abi.encodeWithSelector(IGov.WrongStatusNonce.selector, 1));
        order.statusNonce = 1;
        _send(order);
        assertEq(uint8(registry.statusOf(operator)), uint8(I.Status.Frozen));
    }

    /// @notice Nothing that moves the status nonce voids a revocation: not the operator, not the few who can freeze, not a
    /// guardian. And the operator's instance goes with it.
    function test_nobodyGetsARevocationOutOfTheWay() public {
        I.Revoke memory order = _revoke(0, _subject(operator));
        uint256 signed = vm.snapshotState();
        for (uint256 i; i < 3; ++i) {
            vm.revertToState(signed);
            if (i == 0) {
                _deregister();
            } else if (i == 1) {
                _send(_freeze(0, _subject(operator)));
            } else {
                vm.prank(guardian);
                registry.freezeOperator(operator, 1, 0);
            }
            assertEq(registry.attestationOf(operator).statusNonce, 1);
            _send(order);
            assertEq(uint8(registry.statusOf(operator)), uint8(I.Status.Revoked));
            vm.warp(START + 1 hours);
            _expectInstanceHeld(I.SkipReason.Revoked);
        }
        vm.revertToState(signed);
        _send(_freeze(1, PLATFORM));
        _send(_revoke(1, PLATFORM));
        assertEq(uint8(registry.platform(PLATFORM).status), uint8(I.Status.Revoked));
    }

    function test_refusesOrdersThatMeanNothing() public {
        bytes memory refusal = abi.encodeWithSelector(IGov.InvalidOrder.selector);
        _expectRefusal(_freeze(7, 0), refusal);
        _expectRefusal(_freeze(0, bytes32(uint256(1) << 160)), refusal);
        _expectRefusal(_freeze(3, bytes32(uint256(1))), refusal);
        _expectRefusal(_freeze(4, bytes32(uint256(2) << 8)), refusal); // another set's member
        _expectRefusal(_freeze(5, bytes32(uint256(1) << 32)), refusal);
        _expectRefusal(_freeze(2, 0), abi.encodeWithSelector(I.InvalidProvider.selector, 0));
        _expectRefusal(_freeze(2, bytes32(uint256(128))), abi.encodeWithSelector(I.InvalidProvider.selector, 128));
        _expectRefusal(
            _freeze(4, bytes32(uint256(1 << 8 | 5))), abi.encodeWithSelector(IGov.UnknownRelayer.selector, 1, 5)
        );
        _expectRefusal(_freeze(6, PLATFORM), abi.encodeWithSelector(I.PolicyNotInForce.selector, PLATFORM));
        _expectRefusal(_freeze(5, bytes32(uint256(1))), abi.encodeWithSelector(IGov.NoGrace.selector, 1));
        I.Revoke memory revoke = _revoke(2, PLATFORM);
        bytes memory signatures = _sign(governance.hashRevoke(revoke), MASK);
        vm.expectRevert(refusal);
        governance.revokeBySignatures(revoke, MASK, signatures);
        revoke = _revoke(0, bytes32(uint256(1) << 160));
        signatures = _sign(governance.hashRevoke(revoke), MASK);
        vm.expectRevert(refusal);
        governance.revokeBySignatures(revoke, MASK, signatures);
    }

    /// @notice Exactly as many as it takes, each a member in good standing, each over this very order.
    function test_refusesOtherSigners() public {
        I.Freeze memory freeze_ = _freeze(3, 0);
        bytes32 digest = governance.hashFreeze(freeze_);
        uint32[3] memory masks = [uint32(0x1), 0x7, 0x41];
        for (uint256 i; i < masks.length; ++i) {
            bytes memory wrong = _sign(digest, masks[i]);
            vm.expectRevert(abi.encodeWithSelector(I.InvalidSigners.selector, masks[i]));
            governance.freezeBySignatures(freeze_, masks[i], wrong);
        }
        bytes memory others = _sign(digest, 0x6);
        vm.expectRevert(abi.encodeWithSelector(I.InvalidSignature.selector, 0));
        governance.freezeBySignatures(freeze_, TWO, others);
        // Two may freeze, but not revoke.
        I.Revoke memory revoke = _revoke(1, PLATFORM);
        bytes memory two = _sign(governance.hashRevoke(revoke), TWO);
        vm.expectRevert(abi.encodeWithSelector(I.InvalidSigners.selector, TWO));
        governance.revokeBySignatures(revoke, TWO, two);
        vm.prank(guardian);
        governance.disableRelayer(1, 2, 1, 0);
        bytes memory disabled = _sign(digest, TWO);
        vm.expectRevert(abi.encodeWithSelector(I.InvalidSigners.selector, TWO));
        governance.freezeBySignatures(freeze_, TWO, disabled);
        freeze_.relayerSetId = 2;
        _expectRefusal(freeze_, abi.encodeWithSelector(I.RelayerSetNotInForce.selector, 2));
    }
}
