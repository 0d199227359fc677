// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry as I} from "../src/interfaces/IProofOfCloudRegistry.sol";
import {RegistryTest} from "./utils/RegistryTest.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

/// @notice The questions relying parties ask.
contract ReadsTest is RegistryTest {
    function setUp() public override {
        super.setUp();
        I.Report memory report = _report();
        _addPlatform(report, _platformEntry(PLATFORM));
        I.Grant memory g = _grant(operator);
        g.tcb = 2;
        g.custody = 1;
        g.flags = 0;
        _addGrant(report, g);
        _post(report);
    }

    /// @dev Both forms, at once: they must never differ.
    function _expectDenial(I.Requirement memory r, I.Denial denial) private {
        assertEq(registry.isAttested(operator, r), denial == I.Denial.None);
        if (denial != I.Denial.None) {
            vm.expectRevert(abi.encodeWithSelector(I.NotAttested.selector, operator, denial));
        }
        registry.requireAttested(operator, r);
    }

    function test_eachDemandDeniesForItsReason() public {
        I.Requirement memory r;
        _expectDenial(r, I.Denial.None);
        r.minBinding = 2;
        _expectDenial(r, I.Denial.None);
        r.minBinding = 3;
        _expectDenial(r, I.Denial.Binding);
        r = I.Requirement(0, 1, 0, 0, 0, 0, false, 0, 0);
        _expectDenial(r, I.Denial.None);
        r.minCustody = 2;
        _expectDenial(r, I.Denial.Custody);
        r = I.Requirement(0, 0, 2, 0, 0, 0, false, 0, 0);
        _expectDenial(r, I.Denial.None);
        r.maxTcb = 1;
        _expectDenial(r, I.Denial.Tcb);
        r = I.Requirement(0, 0, 0, 2, 0, 0, false, 0, 0);
        _expectDenial(r, I.Denial.None);
        r.teeClasses = 0xfffd;
        _expectDenial(r, I.Denial.TeeClass);
        r = I.Requirement(0, 0, 0, 0, 0, 0, false, 0, PROVIDER);
        _expectDenial(r, I.Denial.None);
        r.provider = PROVIDER + 256;
        _expectDenial(r, I.Denial.Provider);
        r = I.Requirement(0, 0, 0, 0, 0, 0, true, 0, 0);
        _expectDenial(r, I.Denial.KeyNotInTd);
        r = I.Requirement(0, 0, 0, 0, 0, 0, false, WORKLOAD, 0);
        _expectDenial(r, I.Denial.None);
        r.workload = keccak256("another workload");
        _expectDenial(r, I.Denial.Workload);
    }

    function test_ageCountsFromExpiryLessTtl() public {
        uint256 begun = registry.attestationOf(operator).expiry - TTL;
        I.Requirement memory r;
        r.maxAge = 1 hours;
        vm.warp(begun + 1 hours);
        _expectDenial(r, I.Denial.None);
        vm.warp(begun + 1 hours + 1);
        _expectDenial(r, I.Denial.Age);
        // A renewal makes it young again.
        _post(_renewal(operator, _floor(begun + 1 hours + TTL)));
        _expectDenial(r, I.Denial.None);
    }

    function test_continuityCountsFromTheFirstGrantWithoutAGap() public {
        I.Requirement memory r;
        r.minContinuity = 1 hours;
        vm.warp(START + 1 hours - 1);
        _expectDenial(r, I.Denial.Continuity);
        vm.warp(START + 1 hours);
        _expectDenial(r, I.Denial.None);
    }

    function test_statusesDenyBeforeDemands() public {
        I.Requirement memory r;
        vm.expectRevert(abi.encodeWithSelector(I.NotAttested.selector, address(this), I.Denial.Unknown));
        registry.requireAttested(address(this), r);
        uint256 snapshot = vm.snapshotState();

        vm.warp(registry.attestationOf(operator).expiry);
        _expectDenial(r, I.Denial.Expired);

        vm.revertToState(snapshot);
        vm.prank(operator);
        registry.deregister();
        _expectDenial(r, I.Denial.Deregistered);

        vm.revertToState(snapshot);
        vm.startPrank(guardian);
        registry.freezePlatform(PLATFORM, 1, 0);
        _expectDenial(r, I.Denial.Frozen);

        vm.revertToState(snapshot);
        registry.freezeProvider(PROVIDER, 1, 0);
        _expectDenial(r, I.Denial.ProviderFrozen);

        vm.revertToState(snapshot);
        registry.freezeOperator(operator, 1, 0);
        _expectDenial(r, I.Denial.Frozen);
        registry.pause(1, 0);
        _expectDenial(r, I.Denial.Paused);
        vm.stopPrank();

        vm.revertToState(snapshot);
        vm.prank(governor);
        governance.revokeOperator(operator, 1, 0);
        _expectDenial(r, I.Denial.Revoked);

        vm.revertToState(snapshot);
        vm.prank(governor);
        governance.revokePlatform(PLATFORM, 1, 0);
        _expectDenial(r, I.Denial.Revoked);
    }

    /// @notice A lane that says more than MAX_TTL reads false, however it came to be.
    function test_anExpiryTooFarAheadReadsFalse() public {
        vm.warp(START - 1 hours);
        I.Requirement memory r;
        _expectDenial(r, I.Denial.ExpiryTooFar);
        assertFalse(registry.isAttested(operator));
    }

    /// @notice The bare question equals the default requirement, whatever was granted.
    function testFuzz_theDefaultIsTheDefaultRequirement(uint8 binding, uint8 custody, uint8 tcb, uint40 time) public {
        vm.warp(START + 1);
        I.Grant memory g = _grant(operator);
        g.binding = uint8(bound(binding, 1, 3));
        g.custody = uint8(bound(custody, 0, 2));
        g.tcb = uint8(bound(tcb, 1, 6));
        I.Report memory report = _report();
        _addGrant(report, g);
        _post(report);
        vm.warp(bound(time, START, START + 2 * uint256(TTL)));
        bool bare = registry.isAttested(operator);
        assertEq(bare, registry.isAttested(operator, _default()));
        if (vm.getBlockTimestamp() < g.expiry && vm.getBlockTimestamp() > START) {
            assertEq(bare, g.binding >= 2 && g.custody >= 1 && g.tcb == 1);
        }
    }

    /// @notice No requirement, at no time, makes the boolean form revert or differ from the other.
    function testFuzz_bothFormsAgree(address who, I.Requirement memory r, uint256 time) public {
        vm.warp(bound(time, 0, type(uint64).max));
        if (uint160(who) % 2 == 0) who = operator;
        bool answer = registry.isAttested(who, r);
        (bool passed,) = address(registry).staticcall(abi.encodeCall(I.requireAttested, (who, r)));
        assertEq(answer, passed);
    }

    function test_platformOfAnswersOnlyWhileAttested() public {
        assertEq(registry.platformOf(operator), PLATFORM);
        vm.warp(registry.attestationOf(operator).expiry);
        assertEq(registry.platformOf(operator), 0);
        assertEq(registry.attestationOf(operator).platformId, PLATFORM);
    }

    function test_distinctPlatformsCountsMachinesNotOperators() public {
        address[] memory operators = new address[](5);
        I.Report memory report = _report();
        bytes32 second = keccak256("second");
        _addPlatform(report, _platformEntry(second));
        for (uint256 i; i < 4; ++i) {
            operators[i] = address(uint160(0x3000 + i));
            I.Grant memory g = _grant(operators[i]);
            if (i > 1) g.platformId = second;
            _addGrant(report, g);
        }
        _post(report);
        operators[4] = operator; // attested, but not well enough for the default
        assertEq(registry.distinctPlatforms(operators), 2);
        operators[2] = operators[3] = operators[0];
        assertEq(registry.distinctPlatforms(operators), 1);
        assertEq(registry.distinctPlatforms(new address[](0)), 0);
    }

    function test_supportsTheReadInterface() public view {
        // The overloads have one name, so their selectors are taken from the ABI's own strings.
        bytes4 id = I.requireAttested.selector ^ I.attestationOf.selector ^ I.statusOf.selector ^ I.platformOf.selector
            ^ I.distinctPlatforms.selector ^ I.verifyDigest.selector ^ bytes4(keccak256("isAttested(address)"))
            ^ bytes4(keccak256("isAttested(address,(uint8,uint8,uint8,uint16,uint32,uint32,bool,bytes32,uint16))"));
        assertTrue(registry.supportsInterface(id));
        assertTrue(registry.supportsInterface(type(IERC165).interfaceId));
        assertFalse(registry.supportsInterface(0xffffffff));
    }
}
