// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudGovernance as IGov} from "../src/interfaces/IProofOfCloudGovernance.sol";
import {IProofOfCloudRegistry as I} from "../src/interfaces/IProofOfCloudRegistry.sol";
import {RegistryTest} from "./utils/RegistryTest.sol";

/// @notice The thirty days between one guardian's freezes of one subject, however many freeze it in between. The subject's
/// word keeps only the last freeze; the model here keeps all.
contract FreezesTest is RegistryTest {
    mapping(uint256 guardian => mapping(uint256 kind => uint256 time)) private _last;
    address[3] private _guardians;

    function setUp() public override {
        super.setUp();
        _guardians = [guardian, otherGuardian, makeAddr("third guardian")];
        _raise(abi.encodeCall(IGov.addGuardian, (_guardians[2])));
        I.Report memory report = _report();
        _addPlatform(report, _platformEntry(PLATFORM));
        _post(report);
        _register(operator);
    }

    /// @notice Guardians freeze one operator and one platform in any order, at any time; relayers join in.
    function testFuzz_aGuardianFreezesOnceIn30Days(uint256 seed) public {
        for (uint256 step; step < 24; ++step) {
            seed = uint256(keccak256(abi.encode(seed)));
            vm.warp(vm.getBlockTimestamp() + seed % 12 days);
            uint256 kind = (seed >> 32) % 2;
            uint256 who = (seed >> 64) % 4;
            if (who == 3) _freezeByRelayers(kind);
            else _freezeByGuardian(who, kind);
        }
    }

    function _freezeByGuardian(uint256 who, uint256 kind) private {
        bytes32 subject = kind == 0 ? _subject(operator) : PLATFORM;
        uint256 last = _last[who][kind];
        // An operator's word keeps the time in units of 64 s, rounded up.
        uint256 allowed = last == 0 ? 0 : (kind == 0 ? (last + 63) / 64 * 64 : last) + 30 days;
        bool refused = vm.getBlockTimestamp() < allowed;
        uint256 stored = registry.freezeAllowedAt(_guardians[who], I.Subject(kind), subject);
        if (refused) assertEq(stored, allowed);
        else assertLe(stored, vm.getBlockTimestamp());

        if (refused) vm.expectRevert(abi.encodeWithSelector(I.FrozenTooRecently.selector, allowed));
        vm.prank(_guardians[who]);
        if (kind == 0) registry.freezeOperator(operator, 1, 0);
        else registry.freezePlatform(PLATFORM, 1, 0);
        if (!refused) _last[who][kind] = vm.getBlockTimestamp();
    }

    function _freezeByRelayers(uint256 kind) private {
        I.Freeze memory order;
        order.relayerSetId = 1;
        order.action = uint8(kind);
        order.subject = kind == 0 ? _subject(operator) : PLATFORM;
        order.statusNonce =
            kind == 0 ? registry.attestationOf(operator).statusNonce : registry.platform(PLATFORM).statusNonce;
        order.deadline = uint40(vm.getBlockTimestamp());
        bytes memory signatures = _sign(governance.hashFreeze(order), 3);
        governance.freezeBySignatures(order, 3, signatures);
    }

    /// @notice A grant between two freezes forgets neither.
    function test_aGrantDoesNotForgetAFreeze() public {
        vm.prank(guardian);
        registry.freezeOperator(operator, 1, 0);
        uint256 allowed = registry.freezeAllowedAt(guardian, I.Subject.Operator, _subject(operator));
        vm.warp(vm.getBlockTimestamp() + 72 hours);
        _register(operator);
        assertTrue(registry.isAttested(operator));
        assertEq(registry.freezeAllowedAt(guardian, I.Subject.Operator, _subject(operator)), allowed);
    }
}
