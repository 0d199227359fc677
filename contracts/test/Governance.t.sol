// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudGovernance as IGov} from "../src/interfaces/IProofOfCloudGovernance.sol";
import {IProofOfCloudRegistry as I} from "../src/interfaces/IProofOfCloudRegistry.sol";
import {Layout} from "./utils/Layout.sol";
import {RegistryTest} from "./utils/RegistryTest.sol";

/// @notice What each timelocked function does once its time has come.
contract GovernanceTest is RegistryTest {
    function setUp() public override {
        super.setUp();
        _register(operator);
    }

    function _submitRipe(bytes memory data) private {
        vm.prank(governor);
        governance.submit(data);
        vm.warp(governance.executableAt(data));
    }

    /// @dev A mistake shows when the call is drawn up, not after its delay.
    function _expectNoSubmission(bytes memory data, bytes memory refusal) private {
        vm.prank(governor);
        vm.expectRevert(refusal);
        governance.submit(data);
    }

    function _expectAuthority(I.Authority kind, bytes32 subject, uint256 value) private {
        bytes32 head = _nextHead(6, keccak256(abi.encode(kind, subject, value, address(this))));
        vm.expectEmit(address(registry));
        emit I.AuthorityChanged(kind, subject, value, address(this), head);
    }

    // ---------------------------------------------------------------------------------------------- pause, providers

    function test_unpauseRestoresOnlyWhatIsUnexpired() public {
        address other = makeAddr("other");
        vm.prank(guardian);
        registry.pause(1, 0);
        bytes memory data = abi.encodeCall(IGov.unpause, ());
        _submitRipe(data);
        _register(other);
        bytes32 payload = keccak256(
            abi.encode(false, registry.control().frozenProviders, uint32(1), uint16(0), bytes32(0), address(this))
        );
        bytes32 head = _nextHead(3, payload);
        vm.expectEmit(address(registry));
        emit I.ControlChanged(false, registry.control().frozenProviders, 1, 0, 0, address(this), head);
        governance.unpause();
        assertTrue(registry.isAttested(other));
        assertFalse(registry.isAttested(operator));
    }

    function test_admitsAProviderAndEndsItsFreeze() public {
        vm.prank(guardian);
        registry.freezeProvider(PROVIDER, 1, 0);
        _submitRipe(abi.encodeCall(IGov.admitProvider, (PROVIDER)));
        _register(operator);
        assertFalse(registry.isAttested(operator));
        governance.admitProvider(PROVIDER);
        assertTrue(registry.isAttested(operator));
        _raise(abi.encodeCall(IGov.admitProvider, (9)));
        assertEq(registry.control().frozenProviders, ~((uint128(1) << PROVIDER) | (1 << 9)));
    }

    /// @notice Of a provider that nobody admitted no operator is attested.
    function test_aProviderMustBeAdmitted() public {
        vm.warp(START + 1);
        I.PlatformEntry memory entry = _platformEntry(PLATFORM);
        entry.provider = 9;
        I.Report memory report = _report();
        _addPlatform(report, entry);
        _addGrant(report, _grant(operator));
        _post(report);
        I.Requirement memory anything;
        assertFalse(registry.isAttested(operator, anything));
        _raise(abi.encodeCall(IGov.admitProvider, (9)));
        report = _report();
        entry.statusNonce = 0;
        entry.custodyExpiry = report.issuedAt + 7 days;
        _addPlatform(report, entry);
        _addGrant(report, _grant(operator));
        _post(report);
        assertTrue(registry.isAttested(operator, anything));
    }

    // ---------------------------------------------------------------------------------------------- freezes

    function test_liftsAnOperatorsFreezeButTheQuorumMustGrant() public {
        vm.prank(guardian);
        registry.freezeOperator(operator, 1, 0);
        bytes memory data = abi.encodeCall(IGov.liftFreeze, (I.Subject.Operator, _subject(operator), 1));
        _submitRipe(data);
        assertEq(vm.getBlockTimestamp(), START + 1 days);
        I.Report memory early = _report();
        _addGrant(early, _grant(operator));
        _expectSkip(I.Item.Grant, _subject(operator), I.SkipReason.Frozen);
        _postWithPassenger(early);
        bytes32 payload = keccak256(
            abi.encode(
                I.Subject.Operator,
                _subject(operator),
                I.Status.Frozen,
                I.Status.Frozen,
                uint16(0),
                bytes32(0),
                address(this)
            )
        );
        bytes32 head = _nextHead(2, payload);
        vm.expectEmit(address(registry));
        emit I.StatusChanged(
            I.Subject.Operator, _subject(operator), I.Status.Frozen, I.Status.Frozen, 0, 0, address(this), head
        );
        _call(data);
        assertEq(uint8(registry.statusOf(operator)), uint8(I.Status.Frozen));
        assertEq(registry.attestationOf(operator).statusNonce, 2);
        _register(operator);
        assertTrue(registry.isAttested(operator));
    }

    /// @notice Freezes block for three days. A lift takes one, whatever all else takes: it ends them two days early, and
    /// what was frozen comes back at once.
    function test_liftsAFreezeBeforeItsTimeIsOver() public {
        assertEq(_config().delay, 3 days);
        vm.prank(guardian);
        registry.freezeOperator(operator, 1, 0);
        vm.prank(guardian);
        registry.freezePlatform(PLATFORM, 1, 0);
        vm.warp(START + 1 hours);
        vm.prank(otherGuardian);
        registry.freezeOperator(operator, 1, 0);
        vm.prank(otherGuardian);
        registry.freezePlatform(PLATFORM, 1, 0);
        bytes memory operatorsLift = abi.encodeCall(IGov.liftFreeze, (I.Subject.Operator, _subject(operator), 2));
        bytes memory platformsLift = abi.encodeCall(IGov.liftFreeze, (I.Subject.Platform, PLATFORM, 2));
        vm.startPrank(governor);
        governance.submit(operatorsLift);
        governance.submit(platformsLift);
        vm.stopPrank();
        vm.warp(START + 1 hours + 1 days - 1);
        vm.expectRevert();
        _call(operatorsLift);
        vm.warp(START + 1 hours + 1 days);
        I.Report memory report = _report();
        _addPlatform(report, _platformEntry(PLATFORM));
        _addGrant(report, _grant(operator));
        bytes memory signatures = _signed(report);
        vm.expectRevert(I.NothingApplied.selector); // two days too early for both
        registry.post(report, MASK, signatures);
        _call(operatorsLift);
        _call(platformsLift);
        assertEq(registry.platform(PLATFORM).frozenAt, 0);
        report = _report();
        _addPlatform(report, _platformEntry(PLATFORM));
        _addGrant(report, _grant(operator));
        _post(report);
        assertTrue(registry.isAttested(operator));
    }

    // ---------------------------------------------------------------------------------------------- policies, relayers

    function test_registersAPolicy() public {
        bytes32 policy = keccak256("new policy");
        _submitRipe(abi.encodeCall(IGov.registerPolicy, (policy)));
        bytes32 head = _nextHead(5, keccak256(abi.encode(policy, true, uint16(0), bytes32(0), address(this))));
        vm.expectEmit(address(registry));
        emit I.PolicyRegistered(policy, address(this), head);
        governance.registerPolicy(policy);
        assertTrue(registry.policyInForce(policy));
        _expectNoSubmission(abi.encodeCall(IGov.registerPolicy, (0)), abi.encodeWithSelector(I.InvalidConfig.selector));
    }

    function _newMembers() private pure returns (address[] memory members) {
        members = new address[](2);
        members[0] = vm.addr(_key(10));
        members[1] = vm.addr(_key(0)); // who sits in the old set, too
    }

    function _rotation(uint40 grace) private pure returns (bytes memory) {
        return abi.encodeCall(IGov.rotateRelayers, (_newMembers(), 2, 1, grace));
    }

    /// @dev Signed by the new set.
    function _postByNewSet(I.Report memory report) private {
        bytes32 digest = registry.hashReport(report);
        (bytes32 r, bytes32 vs) = vm.signCompact(_key(10), digest);
        (bytes32 r0, bytes32 vs0) = vm.signCompact(_key(0), digest);
        registry.post(report, 3, abi.encodePacked(r, vs, r0, vs0));
    }

    function test_rotatesTheRelayersWithGrace() public {
        vm.warp(START + 10);
        _submitRipe(_rotation(1 hours));
        assertEq(vm.getBlockTimestamp(), START + 10 + 7 days);
        _call(_rotation(1 hours));
        uint256 rotated = vm.getBlockTimestamp();
        assertEq(registry.control().relayerSetId, 2);
        assertEq(registry.relayerSet(1).retiredAt, rotated + 1 hours);
        assertEq(abi.encode(registry.relayerSet(2).members), abi.encode(_newMembers()));
        assertEq(registry.relayerSet(2).threshold, 2);
        assertEq(registry.relayerSet(2).freezeThreshold, 1);

        I.Report memory report = _report(); // the old set, in its grace
        _addPlatform(report, _platformEntry(PLATFORM));
        _addGrant(report, _grant(operator));
        _post(report);
        assertTrue(registry.isAttested(operator));
        report = _report();
        report.relayerSetId = 2;
        _addGrant(report, _grant(makeAddr("other")));
        report.grants[0].platformId = PLATFORM;
        _postByNewSet(report);
        assertTrue(registry.isAttested(makeAddr("other")));

        vm.warp(rotated + 1 hours);
        report = _renewal(operator, _floor(vm.getBlockTimestamp() + 23 hours));
        bytes memory signatures = _signed(report);
        vm.expectRevert(abi.encodeWithSelector(I.RelayerSetNotInForce.selector, 1));
        registry.post(report, MASK, signatures);
    }

    function test_aGuardianEndsAGrace() public {
        vm.startPrank(guardian);
        vm.expectRevert(abi.encodeWithSelector(IGov.NoGrace.selector, 1));
        governance.endGrace(1, 1, 0);
        vm.stopPrank();
        _submitRipe(_rotation(1 hours));
        _call(_rotation(1 hours));
        vm.expectRevert(abi.encodeWithSelector(I.NotGuardian.selector, address(this)));
        governance.endGrace(1, 1, 0);
        vm.prank(guardian);
        governance.endGrace(1, 1, 0);
        assertEq(registry.relayerSet(1).retiredAt, vm.getBlockTimestamp());
        I.Report memory report = _report();
        _addGrant(report, _grant(operator));
        bytes memory signatures = _signed(report);
        vm.expectRevert(abi.encodeWithSelector(I.RelayerSetNotInForce.selector, 1));
        registry.post(report, MASK, signatures);
        vm.prank(guardian);
        vm.expectRevert(abi.encodeWithSelector(IGov.NoGrace.selector, 1));
        governance.endGrace(1, 1, 0);
    }

    function test_refusesAGraceOverAnHourAndABadSet() public {
        _expectNoSubmission(_rotation(1 hours + 1), abi.encodeWithSelector(IGov.GraceTooLong.selector, 1 hours + 1));
        bytes memory refusal = abi.encodeWithSelector(I.InvalidConfig.selector);
        address[] memory members = new address[](1);
        _expectNoSubmission(abi.encodeCall(IGov.rotateRelayers, (members, 1, 1, 0)), refusal); // nobody
        members = _newMembers();
        uint8[2][4] memory thresholds = [[uint8(0), 1], [1, uint8(0)], [uint8(3), 1], [1, uint8(3)]];
        for (uint256 i; i < thresholds.length; ++i) {
            (uint8 k, uint8 f) = (thresholds[i][0], thresholds[i][1]);
            _expectNoSubmission(abi.encodeCall(IGov.rotateRelayers, (members, k, f, 0)), refusal);
        }
        members[1] = members[0];
        _expectNoSubmission(abi.encodeCall(IGov.rotateRelayers, (members, 1, 1, 0)), refusal);
        _expectNoSubmission(abi.encodeCall(IGov.rotateRelayers, (new address[](0), 1, 1, 0)), refusal);
        _expectNoSubmission(abi.encodeCall(IGov.rotateRelayers, (new address[](33), 1, 1, 0)), refusal);
    }

    /// @notice A set's number has 16 bits in the control word. The last is handed out, and none after it.
    function test_refusesARotationWhenSetNumbersAreUsedUp() public {
        (uint256 slot,,,) = new Layout().slots();
        uint256 word = uint256(vm.load(address(registry), bytes32(slot)));
        word = word & ~(uint256(type(uint16).max) << 129) | (uint256(type(uint16).max - 1) << 129);
        vm.store(address(registry), bytes32(slot), bytes32(word));
        _raise(_rotation(0));
        assertEq(registry.control().relayerSetId, type(uint16).max);
        assertEq(registry.relayerSet(type(uint16).max).members.length, 2);
        _expectNoSubmission(_rotation(0), abi.encodeWithSelector(I.Exhausted.selector));
        assertEq(registry.relayerSet(type(uint16).max).retiredAt, 0);
    }

    // ---------------------------------------------------------------------------------------------- authorities

    function test_addsAndRemovesGuardians() public {
        address third = makeAddr("third guardian");
        _submitRipe(abi.encodeCall(IGov.addGuardian, (third)));
        _expectAuthority(I.Authority.Guardian, _subject(third), 3);
        governance.addGuardian(third);
        assertTrue(registry.isGuardian(third));

        _submitRipe(abi.encodeCall(IGov.removeGuardian, (guardian)));
        _expectAuthority(I.Authority.Guardian, _subject(guardian), 0);
        governance.removeGuardian(guardian);
        assertFalse(registry.isGuardian(guardian));
        vm.expectRevert(abi.encodeWithSelector(I.NotGuardian.selector, guardian));
        vm.prank(guardian);
        registry.pause(1, 0);

        // The seat is free again.
        address fourth = makeAddr("fourth guardian");
        _submitRipe(abi.encodeCall(IGov.addGuardian, (fourth)));
        _expectAuthority(I.Authority.Guardian, _subject(fourth), 1);
        governance.addGuardian(fourth);
    }

    function test_keepsTheLastGuardianAndRefusesStrangers() public {
        _raise(abi.encodeCall(IGov.removeGuardian, (guardian)));
        bytes memory data = abi.encodeCall(IGov.removeGuardian, (otherGuardian));
        _submitRipe(data);
        vm.expectRevert(IGov.LastGuardian.selector);
        _call(data);
        // Two removals of one guardian cannot both wait, but one can come twice.
        _raise(abi.encodeCall(IGov.addGuardian, (guardian)));
        _raise(abi.encodeCall(IGov.removeGuardian, (guardian)));
        vm.prank(governor);
        vm.expectRevert(abi.encodeWithSelector(IGov.UnknownGuardian.selector, guardian));
        governance.submit(abi.encodeCall(IGov.removeGuardian, (guardian)));
        address[2] memory bad = [address(0), otherGuardian];
        for (uint256 i; i < bad.length; ++i) {
            data = abi.encodeCall(IGov.addGuardian, (bad[i]));
            _expectNoSubmission(data, abi.encodeWithSelector(I.InvalidConfig.selector));
        }
    }

    function test_seatsFifteenGuardians() public {
        for (uint160 i = 3; i <= 16; ++i) {
            bytes memory data = abi.encodeCall(IGov.addGuardian, (address(0x5000 + i)));
            _submitRipe(data);
            if (i == 16) vm.expectRevert(I.InvalidConfig.selector);
            _call(data);
        }
        assertTrue(registry.isGuardian(address(0x5000 + 15)));
    }

    function test_handsTheGovernorshipOn() public {
        address next = makeAddr("next governor");
        _submitRipe(abi.encodeCall(IGov.setGovernor, (next)));
        _expectAuthority(I.Authority.Governor, _subject(next), 0);
        governance.setGovernor(next);
        assertEq(governance.governor(), next);
        vm.expectRevert(abi.encodeWithSelector(IGov.NotGovernor.selector, governor));
        vm.prank(governor);
        governance.revokeOperator(operator, 1, 0);
        vm.prank(next);
        vm.expectRevert(I.InvalidConfig.selector);
        governance.submit(abi.encodeCall(IGov.setGovernor, (address(0))));
    }
}
