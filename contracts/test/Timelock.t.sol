// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudGovernance as IGov} from "../src/interfaces/IProofOfCloudGovernance.sol";
import {IProofOfCloudRegistry as I} from "../src/interfaces/IProofOfCloudRegistry.sol";
import {RegistryTest} from "./utils/RegistryTest.sol";

/// @notice Submit, wait, anyone executes: who may, when, how often, and that delays only grow.
contract TimelockTest is RegistryTest {
    bytes32 private constant NEW_POLICY = keccak256("new policy");
    bytes private register = abi.encodeCall(IGov.registerPolicy, (NEW_POLICY));

    function _submit(bytes memory data) private {
        vm.prank(governor);
        governance.submit(data);
    }

    function test_onlyTheGovernorSubmits() public {
        vm.expectRevert(abi.encodeWithSelector(IGov.NotGovernor.selector, guardian));
        vm.prank(guardian);
        governance.submit(register);
    }

    function test_waitsItsDelayAndThenAnyoneExecutesOnce() public {
        bytes32 id = keccak256(register);
        vm.expectEmit(address(registry));
        emit IGov.ActionSubmitted(id, IGov.registerPolicy.selector, register, START + 3 days);
        _submit(register);
        assertEq(governance.executableAt(register), START + 3 days);

        vm.warp(START + 3 days - 1);
        bytes memory refusal = abi.encodeWithSelector(IGov.NotExecutable.selector, id, START + 3 days);
        vm.expectRevert(refusal);
        governance.registerPolicy(NEW_POLICY);

        vm.warp(START + 3 days);
        vm.expectEmit(address(registry));
        emit IGov.ActionExecuted(id, IGov.registerPolicy.selector, address(this));
        governance.registerPolicy(NEW_POLICY);
        assertTrue(registry.policyInForce(NEW_POLICY));
        assertEq(governance.executableAt(register), 0);
        vm.expectRevert(abi.encodeWithSelector(IGov.NotExecutable.selector, id, 0));
        governance.registerPolicy(NEW_POLICY);
    }

    /// @notice Neither other arguments nor the same ones in other bytes.
    function test_executesOnlyTheBytesSubmitted() public {
        _submit(register);
        vm.warp(START + 3 days);
        bytes memory other = abi.encodeCall(IGov.registerPolicy, (keccak256("another")));
        vm.expectRevert(abi.encodeWithSelector(IGov.NotExecutable.selector, keccak256(other), 0));
        _call(other);
        bytes memory longer = bytes.concat(register, hex"00");
        vm.expectRevert(abi.encodeWithSelector(IGov.NotExecutable.selector, keccak256(longer), 0));
        _call(longer);
    }

    /// @notice Each spelling would be a submission of its own: one made, the others kept for the next stop.
    function test_takesOneSpellingOnly() public {
        vm.prank(guardian);
        registry.pause(1, 0);
        address[] memory members = new address[](1);
        members[0] = makeAddr("member");
        bytes memory rotation = abi.encodeCall(IGov.rotateRelayers, (members, 1, 1, 0));
        bytes[] memory calls = new bytes[](5);
        calls[0] = bytes.concat(abi.encodeCall(IGov.unpause, ()), hex"00");
        calls[1] = bytes.concat(register, hex"00");
        calls[2] = bytes.concat(abi.encodeCall(IGov.lengthenDelay, (IGov.unpause.selector, 30 days)), hex"00");
        calls[3] = bytes.concat(rotation, hex"00");
        calls[4] = bytes.concat(rotation, new bytes(32));
        calls[4][35] = 0xa0; // the members' offset
        for (uint256 i; i < 32; ++i) {
            (calls[4][132 + i], calls[4][164 + i], calls[4][196 + i]) = (0, calls[4][132 + i], calls[4][164 + i]);
        }
        vm.startPrank(governor);
        for (uint256 i; i < calls.length; ++i) {
            vm.expectRevert(IGov.NotCanonical.selector);
            governance.submit(calls[i]);
        }
        governance.submit(rotation);
        vm.expectRevert(abi.encodeWithSelector(IGov.UnknownGuardian.selector, address(this)));
        governance.submit(abi.encodeCall(IGov.removeGuardian, (address(this))));
    }

    function test_aCallStaysRipeFor14Days() public {
        _submit(register);
        vm.warp(START + 3 days + 14 days + 1);
        vm.expectRevert(abi.encodeWithSelector(IGov.NotExecutable.selector, keccak256(register), START + 3 days));
        governance.registerPolicy(NEW_POLICY);
        _submit(register);
        vm.warp(vm.getBlockTimestamp() + 3 days + 14 days);
        governance.registerPolicy(NEW_POLICY);
        assertTrue(registry.policyInForce(NEW_POLICY));
    }

    function test_refusesToSubmitTwiceOrWhatDoesNotWait() public {
        _submit(register);
        vm.startPrank(governor);
        vm.expectRevert(abi.encodeWithSelector(IGov.AlreadySubmitted.selector, keccak256(register)));
        governance.submit(register);
        vm.expectRevert(abi.encodeWithSelector(IGov.NotTimelocked.selector, I.pause.selector));
        governance.submit(abi.encodeCall(I.pause, (1, 0)));
        vm.expectRevert(abi.encodeWithSelector(IGov.NotTimelocked.selector, bytes4(0)));
        governance.submit("");
    }

    /// @notice Guardians veto one by one: among many, the one that they miss would do.
    function test_oneWaitsAtATimeOfWhatCanBeDrawnUpWithoutEnd() public {
        bytes[2][4] memory calls;
        calls[0] = [register, abi.encodeCall(IGov.registerPolicy, (keccak256("another")))];
        for (uint256 i; i < 2; ++i) {
            calls[1][i] = abi.encodeCall(IGov.addGuardian, (address(uint160(1000 + i))));
            calls[2][i] = abi.encodeCall(IGov.setGovernor, (address(uint160(1000 + i))));
            calls[3][i] = abi.encodeCall(IGov.rotateRelayers, (_config().relayers, uint8(THRESHOLD), 2, uint40(i)));
        }
        for (uint256 i; i < calls.length; ++i) {
            (bytes memory one, bytes memory other) = (calls[i][0], calls[i][1]);
            _submit(one);
            vm.expectRevert(abi.encodeWithSelector(IGov.AlreadySubmitted.selector, keccak256(one)));
            _submit(other);
            // Vetoed, run out or made, it makes room.
            vm.prank(governor);
            governance.veto(one);
            _submit(other);
            vm.warp(governance.executableAt(other) + 14 days);
            vm.expectRevert(abi.encodeWithSelector(IGov.AlreadySubmitted.selector, keccak256(other)));
            _submit(one);
            vm.warp(vm.getBlockTimestamp() + 1);
            _submit(one);
        }
        vm.warp(governance.executableAt(calls[3][0]));
        _call(calls[3][0]);
        _submit(calls[3][1]);
    }

    /// @notice To watchers, either would look like one that can still be made.
    function test_whatHasRunOutNeitherWaitsNorIsVetoed() public {
        _submit(register);
        uint256 ripe = governance.executableAt(register);
        vm.warp(ripe + 14 days);
        assertEq(governance.executableAt(register), ripe);
        vm.warp(ripe + 14 days + 1);
        assertEq(governance.executableAt(register), 0);
        vm.expectRevert(abi.encodeWithSelector(IGov.NotExecutable.selector, keccak256(register), ripe));
        vm.prank(guardian);
        governance.veto(register);
    }

    /// @notice Of stops there are many at once, and each is lifted by itself.
    function test_manyThatLiftWaitAtATime() public {
        address[2] memory operators = [operator, makeAddr("another operator")];
        for (uint256 i; i < 2; ++i) {
            _register(operators[i]);
            vm.prank(guardian);
            registry.freezeOperator(operators[i], 1, 0);
        }
        for (uint256 i; i < 2; ++i) {
            _submit(abi.encodeCall(IGov.liftFreeze, (I.Subject.Operator, _subject(operators[i]), 1)));
        }
    }

    function test_aGuardianOrTheGovernorVetoes() public {
        address[2] memory who = [otherGuardian, governor];
        for (uint256 i; i < who.length; ++i) {
            _submit(register);
            vm.expectEmit(address(registry));
            emit IGov.ActionVetoed(keccak256(register), IGov.registerPolicy.selector, who[i]);
            vm.prank(who[i]);
            governance.veto(register);
            vm.warp(vm.getBlockTimestamp() + 30 days);
            vm.expectRevert(abi.encodeWithSelector(IGov.NotExecutable.selector, keccak256(register), 0));
            governance.registerPolicy(NEW_POLICY);
        }
        vm.expectRevert(abi.encodeWithSelector(I.NotGuardian.selector, address(this)));
        governance.veto(register);
        vm.expectRevert(abi.encodeWithSelector(IGov.NotExecutable.selector, keccak256(register), 0));
        vm.prank(guardian);
        governance.veto(register);
    }

    function test_noGuardianVetoesTheRemovalOfOne() public {
        bytes memory data = abi.encodeCall(IGov.removeGuardian, (guardian));
        _submit(data);
        vm.expectRevert(abi.encodeWithSelector(IGov.NotVetoable.selector, IGov.removeGuardian.selector));
        vm.prank(guardian);
        governance.veto(data);
        vm.prank(governor);
        governance.veto(data);
        assertEq(governance.executableAt(data), 0);
    }

    /// @notice Guardians drawn up for removal together with a rotation can still veto the rotation.
    function test_noGuardianIsRemovedBeforeARotationDrawnUpWithIt() public {
        bytes memory removal = abi.encodeCall(IGov.removeGuardian, (guardian));
        bytes memory rotation = abi.encodeCall(IGov.rotateRelayers, (_config().relayers, uint8(THRESHOLD), 2, 0));
        _submit(removal);
        _submit(rotation);
        uint256 ripe = governance.executableAt(rotation);
        assertEq(governance.executableAt(removal), ripe);
        vm.warp(ripe - 1);
        vm.expectRevert(abi.encodeWithSelector(IGov.NotExecutable.selector, keccak256(removal), ripe));
        _call(removal);
        vm.prank(guardian);
        governance.veto(rotation);
        vm.warp(ripe);
        _call(removal);
        vm.expectRevert(abi.encodeWithSelector(IGov.NotExecutable.selector, keccak256(rotation), 0));
        _call(rotation);
    }

    /// @notice A lift drawn up in advance would end the next freeze at once.
    function test_nothingIsHeldInReserve() public {
        _register(operator);
        bytes[] memory calls = new bytes[](7);
        calls[6] = abi.encodeCall(IGov.registerPolicy, (POLICY));
        calls[0] = abi.encodeCall(IGov.unpause, ());
        calls[1] = abi.encodeCall(IGov.admitProvider, (PROVIDER));
        calls[2] = abi.encodeCall(IGov.liftFreeze, (I.Subject.Operator, _subject(operator), 0));
        calls[3] = abi.encodeCall(IGov.liftFreeze, (I.Subject.Platform, PLATFORM, 1));
        calls[4] = abi.encodeCall(IGov.reinstate, (I.Subject.Operator, _subject(operator), 1));
        calls[5] = abi.encodeCall(IGov.reinstate, (I.Subject.Platform, PLATFORM, 0));
        vm.startPrank(governor);
        for (uint256 i; i < calls.length; ++i) {
            vm.expectRevert(IGov.NothingToRaise.selector);
            governance.submit(calls[i]);
        }
        vm.expectRevert(IGov.NothingToRaise.selector);
        governance.submit(abi.encodeCall(IGov.liftFreeze, (I.Subject.Operator, bytes32(uint256(1) << 160), 0)));
        vm.expectRevert(abi.encodeWithSelector(I.InvalidProvider.selector, 128));
        governance.submit(abi.encodeCall(IGov.admitProvider, (128)));
    }

    /// @notice A lift drawn up for one freeze does nothing to the next.
    function test_aLiftIsForOneFreezeOnly() public {
        _register(operator);
        vm.prank(guardian);
        registry.freezeOperator(operator, 1, 0);
        bytes memory lift = abi.encodeCall(IGov.liftFreeze, (I.Subject.Operator, _subject(operator), 1));
        _submit(lift);
        vm.warp(START + 72 hours);
        _register(operator);
        vm.prank(otherGuardian);
        registry.freezeOperator(operator, 1, 0);
        assertLe(governance.executableAt(lift), vm.getBlockTimestamp());
        vm.expectRevert(IGov.NothingToRaise.selector);
        _call(lift);
    }

    function test_delaysOnlyGrow() public {
        bytes4 selector = IGov.rotateRelayers.selector;
        uint256[4] memory refused = [uint256(0), 1 days, 7 days, 90 days + 1];
        for (uint256 i; i < refused.length; ++i) {
            bytes memory data = abi.encodeCall(IGov.lengthenDelay, (selector, uint40(refused[i])));
            vm.prank(governor);
            vm.expectRevert(abi.encodeWithSelector(IGov.DelayNotLonger.selector, selector, refused[i]));
            governance.submit(data);
        }
        // What was longer when it was drawn up may not be any more.
        bytes memory overtaken = abi.encodeCall(IGov.lengthenDelay, (selector, 30 days));
        _submit(overtaken);
        _raise(abi.encodeCall(IGov.lengthenDelay, (selector, 90 days)));
        assertEq(governance.delayOf(selector), 90 days);
        vm.expectRevert(abi.encodeWithSelector(IGov.DelayNotLonger.selector, selector, 30 days));
        _call(overtaken);

        vm.prank(governor);
        vm.expectRevert(abi.encodeWithSelector(IGov.NotTimelocked.selector, I.post.selector));
        governance.submit(abi.encodeCall(IGov.lengthenDelay, (I.post.selector, 30 days)));
    }

    /// @notice `lengthenDelay` waits, too, and its own delay can be lengthened; what is pending keeps its time.
    function test_lengthensItsOwnDelay() public {
        bytes4 selector = IGov.lengthenDelay.selector;
        _submit(register);
        _raise(abi.encodeCall(IGov.lengthenDelay, (selector, 10 days)));
        _submit(abi.encodeCall(IGov.lengthenDelay, (selector, 11 days)));
        vm.warp(vm.getBlockTimestamp() + 10 days - 1);
        vm.expectRevert();
        governance.lengthenDelay(selector, 11 days);
        governance.registerPolicy(NEW_POLICY);
    }
}
