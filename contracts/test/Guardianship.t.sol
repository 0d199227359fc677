// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudGovernance as IGov} from "../src/interfaces/IProofOfCloudGovernance.sol";
import {IProofOfCloudRegistry as I} from "../src/interfaces/IProofOfCloudRegistry.sol";
import {RegistryTest} from "./utils/RegistryTest.sol";

/// @notice Trust goes down at once, by a guardian or by the operator itself, and nobody else.
contract GuardianshipTest is RegistryTest {
    bytes32 private constant EVIDENCE = keccak256("evidence");
    /// @dev The providers that were never admitted.
    uint128 private constant CLOSED = ~(uint128(1) << PROVIDER);

    function setUp() public override {
        super.setUp();
        _register(operator);
    }

    function _statusHead(I.Subject kind, bytes32 subject, I.Status from, I.Status to, uint16 reason, address actor)
        private
        view
        returns (bytes32)
    {
        bytes32 evidence = reason == 0 ? bytes32(0) : EVIDENCE;
        bytes32 payload = keccak256(abi.encode(kind, subject, from, to, reason, evidence, actor));
        return _nextHead(2, payload);
    }

    function test_onlyGuardians() public {
        bytes memory refusal = abi.encodeWithSelector(I.NotGuardian.selector, address(this));
        vm.expectRevert(refusal);
        registry.freezeOperator(operator, 1, 0);
        vm.expectRevert(refusal);
        registry.freezePlatform(PLATFORM, 1, 0);
        vm.expectRevert(refusal);
        registry.freezeProvider(PROVIDER, 1, 0);
        vm.expectRevert(refusal);
        registry.pause(1, 0);
        vm.expectRevert(refusal);
        governance.disableRelayer(1, 0, 1, 0);
        vm.expectRevert(refusal);
        governance.retirePolicy(POLICY, 1, 0);
        assertTrue(registry.isGuardian(guardian));
        assertFalse(registry.isGuardian(address(this)));
    }

    function test_freezeOperator() public {
        bytes32 head =
            _statusHead(I.Subject.Operator, _subject(operator), I.Status.Active, I.Status.Frozen, 3, guardian);
        vm.expectEmit(address(registry));
        emit I.StatusChanged(
            I.Subject.Operator, _subject(operator), I.Status.Active, I.Status.Frozen, 3, EVIDENCE, guardian, head
        );
        vm.prank(guardian);
        registry.freezeOperator(operator, 3, EVIDENCE);
        assertEq(registry.head(), head);
        I.Attestation memory a = registry.attestationOf(operator);
        assertEq(uint8(a.status), uint8(I.Status.Frozen));
        assertEq(a.statusNonce, 1);
        assertEq(a.expiry, 0);
        assertEq(a.attestedSince, 0);
    }

    function test_freezePlatformStopsAllItsOperators() public {
        address[] memory operators = new address[](12);
        for (uint256 i; i < operators.length; ++i) {
            operators[i] = address(uint160(0x2000 + i));
            _register(operators[i]);
        }
        assertEq(registry.distinctPlatforms(operators), 1);
        bytes32 head = _statusHead(I.Subject.Platform, PLATFORM, I.Status.Active, I.Status.Frozen, 3, guardian);
        vm.expectEmit(address(registry));
        emit I.StatusChanged(
            I.Subject.Platform, PLATFORM, I.Status.Active, I.Status.Frozen, 3, EVIDENCE, guardian, head
        );
        vm.prank(guardian);
        registry.freezePlatform(PLATFORM, 3, EVIDENCE);
        assertEq(registry.distinctPlatforms(operators), 0);
        for (uint256 i; i < operators.length; ++i) {
            assertFalse(registry.isAttested(operators[i]));
            assertEq(uint8(registry.statusOf(operators[i])), uint8(I.Status.Frozen));
        }
        I.PlatformState memory p = registry.platform(PLATFORM);
        assertEq(uint8(p.status), uint8(I.Status.Frozen));
        assertEq(p.statusNonce, 1);
        assertEq(p.frozenAt, START);
    }

    function test_freezesWhatIsNotKnownYet() public {
        address stranger = makeAddr("stranger");
        vm.startPrank(guardian);
        registry.freezeOperator(stranger, 1, 0);
        registry.freezePlatform(keccak256("unknown"), 1, 0);
        vm.stopPrank();
        assertEq(uint8(registry.statusOf(stranger)), uint8(I.Status.Frozen));
        assertTrue(registry.isAttested(operator));
        vm.warp(START + 72 hours);
        _register(stranger);
        assertTrue(registry.isAttested(stranger));
    }

    function test_aGuardianFreezesOneSubjectOnceIn30Days() public {
        vm.startPrank(guardian);
        registry.freezeOperator(operator, 1, 0);
        registry.freezePlatform(PLATFORM, 1, 0);
        vm.warp(START + 30 days - 1);
        bytes memory refusal = abi.encodeWithSelector(I.FrozenTooRecently.selector, START + 30 days);
        vm.expectRevert(refusal);
        registry.freezeOperator(operator, 1, 0);
        vm.expectRevert(refusal);
        registry.freezePlatform(PLATFORM, 1, 0);
        assertEq(registry.freezeAllowedAt(guardian, I.Subject.Platform, PLATFORM), START + 30 days);
        vm.stopPrank();
        vm.prank(otherGuardian);
        registry.freezeOperator(operator, 1, 0);
        vm.warp(START + 30 days);
        vm.prank(guardian);
        registry.freezeOperator(operator, 1, 0);
        assertEq(registry.attestationOf(operator).statusNonce, 3);
        assertEq(registry.freezeAllowedAt(guardian, I.Subject.Operator, _subject(address(this))), 0);
        // A word that is no address is nobody's, though its low bits are the operator's.
        assertGt(registry.freezeAllowedAt(guardian, I.Subject.Operator, _subject(operator)), START + 30 days);
        bytes32 nobody = _subject(operator) | bytes32(uint256(1) << 160);
        assertEq(registry.freezeAllowedAt(guardian, I.Subject.Operator, nobody), 0);
    }

    function test_freezeProvider() public {
        vm.startPrank(guardian);
        bytes32 payload = keccak256(abi.encode(false, type(uint128).max, uint32(1), uint16(3), EVIDENCE, guardian));
        bytes32 head = _nextHead(3, payload);
        vm.expectEmit(address(registry));
        emit I.ControlChanged(false, type(uint128).max, 1, 3, EVIDENCE, guardian, head);
        registry.freezeProvider(PROVIDER, 3, EVIDENCE);
        assertFalse(registry.isAttested(operator));
        assertEq(uint8(registry.statusOf(operator)), uint8(I.Status.Frozen));
        assertEq(registry.control().frozenProviders, type(uint128).max);
        vm.expectRevert(I.AlreadyDown.selector);
        registry.freezeProvider(PROVIDER, 3, EVIDENCE);
        vm.expectRevert(abi.encodeWithSelector(I.InvalidProvider.selector, 0));
        registry.freezeProvider(0, 3, EVIDENCE);
        vm.expectRevert(abi.encodeWithSelector(I.InvalidProvider.selector, 128));
        registry.freezeProvider(128, 3, EVIDENCE);
    }

    /// @notice The bit of one provider is no other's, and no other field's.
    function testFuzz_freezesOneProviderOnly(uint16 provider) public {
        provider = uint16(bound(provider, 1, 127));
        I.Config memory config = _config();
        config.providers = new uint16[](127);
        for (uint16 i; i < 127; ++i) {
            config.providers[i] = i + 1;
        }
        registry = _deploy(config);
        _register(operator);
        I.ControlState memory before = registry.control();
        assertEq(before.frozenProviders, 1);
        vm.prank(guardian);
        registry.freezeProvider(provider, 1, 0);
        assertEq(registry.isAttested(operator), provider != PROVIDER);
        before.frozenProviders = 1 | (uint128(1) << provider);
        assertEq(abi.encode(registry.control()), abi.encode(before));
    }

    function test_pause() public {
        vm.startPrank(guardian);
        bytes32 payload = keccak256(abi.encode(true, CLOSED, uint32(1), uint16(3), EVIDENCE, guardian));
        bytes32 head = _nextHead(3, payload);
        vm.expectEmit(address(registry));
        emit I.ControlChanged(true, CLOSED, 1, 3, EVIDENCE, guardian, head);
        registry.pause(3, EVIDENCE);
        assertFalse(registry.isAttested(operator));
        assertEq(uint8(registry.statusOf(operator)), uint8(I.Status.Paused));
        vm.expectRevert(I.AlreadyDown.selector);
        registry.pause(3, EVIDENCE);
    }

    function test_disableRelayer() public {
        I.RelayerSet memory set = registry.relayerSet(1);
        bytes32 payload = keccak256(
            abi.encode(
                uint32(1),
                keccak256(abi.encodePacked(set.members)),
                set.threshold,
                set.freezeThreshold,
                uint32(1 << 4),
                uint40(0),
                uint16(3),
                EVIDENCE,
                guardian
            )
        );
        bytes32 head = _nextHead(4, payload);
        vm.startPrank(guardian);
        vm.expectEmit(address(registry));
        emit I.RelayerSetChanged(
            1, set.members, set.threshold, set.freezeThreshold, 1 << 4, 0, 3, EVIDENCE, guardian, head
        );
        governance.disableRelayer(1, 4, 3, EVIDENCE);
        set.disabled = 1 << 4;
        assertEq(abi.encode(registry.relayerSet(1)), abi.encode(set));
        vm.expectRevert(I.AlreadyDown.selector);
        governance.disableRelayer(1, 4, 3, EVIDENCE);
        vm.expectRevert(abi.encodeWithSelector(IGov.UnknownRelayer.selector, 1, 5));
        governance.disableRelayer(1, 5, 3, EVIDENCE);
        vm.expectRevert(abi.encodeWithSelector(IGov.UnknownRelayer.selector, 2, 0));
        governance.disableRelayer(2, 0, 3, EVIDENCE);
    }

    function test_retirePolicyRefusesReportsAndLetsLanesRunOut() public {
        I.Report memory report = _renewal(operator, START + 24 hours);
        bytes memory signatures = _signed(report);
        bytes32 payload = keccak256(abi.encode(POLICY, false, uint16(3), EVIDENCE, guardian));
        bytes32 head = _nextHead(5, payload);
        vm.startPrank(guardian);
        vm.expectEmit(address(registry));
        emit I.PolicyRetired(POLICY, 3, EVIDENCE, guardian, head);
        governance.retirePolicy(POLICY, 3, EVIDENCE);
        assertFalse(registry.policyInForce(POLICY));
        assertTrue(registry.isAttested(operator));
        vm.expectRevert(abi.encodeWithSelector(I.PolicyNotInForce.selector, POLICY));
        registry.post(report, MASK, signatures);
        vm.expectRevert(abi.encodeWithSelector(I.PolicyNotInForce.selector, POLICY));
        governance.retirePolicy(POLICY, 3, EVIDENCE);
    }

    function test_deregister() public {
        bytes32 head =
            _statusHead(I.Subject.Operator, _subject(operator), I.Status.Active, I.Status.Deregistered, 0, operator);
        vm.startPrank(operator);
        vm.expectEmit(address(registry));
        emit I.StatusChanged(
            I.Subject.Operator, _subject(operator), I.Status.Active, I.Status.Deregistered, 0, 0, operator, head
        );
        registry.deregister();
        assertFalse(registry.isAttested(operator));
        vm.expectRevert(abi.encodeWithSelector(I.NotActive.selector, operator));
        registry.deregister();
    }

    function test_onlyAnActiveOperatorDeregisters() public {
        vm.expectRevert(abi.encodeWithSelector(I.NotActive.selector, address(this)));
        registry.deregister();
        vm.prank(guardian);
        registry.freezeOperator(operator, 1, 0);
        vm.prank(operator);
        vm.expectRevert(abi.encodeWithSelector(I.NotActive.selector, operator));
        registry.deregister();
    }
}
