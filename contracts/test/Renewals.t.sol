// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry as I} from "../src/interfaces/IProofOfCloudRegistry.sol";
import {BatchTree} from "../src/libraries/BatchTree.sol";
import {RegistryTest} from "./utils/RegistryTest.sol";
import {Vm} from "forge-std/Vm.sol";

/// @notice Renewals: only live lanes, only their generation, only forward, and not too far.
contract RenewalsTest is RegistryTest {
    uint40 private constant NOW = START + 2 hours;
    I.Attestation private a;

    function setUp() public override {
        super.setUp();
        _register(operator);
        vm.warp(NOW);
        a = registry.attestationOf(operator);
    }

    function _expectSkipped(I.Report memory report, uint256 lane, I.SkipReason reason) private {
        uint256 before = registry.laneSlot(uint32(lane >> 3));
        _expectSkip(I.Item.Renewal, bytes32(lane), reason);
        _postWithPassenger(report);
        assertEq(registry.laneSlot(uint32(lane >> 3)), before);
    }

    function test_movesTheExpiryForward() public {
        uint256 wordBefore = registry.operatorWord(operator);
        _post(_renewal(operator, NOW + TTL - 64));
        assertEq(registry.attestationOf(operator).expiry, _floor(NOW + TTL - 64));
        assertEq(registry.attestationOf(operator).generation, a.generation);
        assertEq(registry.operatorWord(operator), wordBefore);
    }

    /// @notice Refused ones in the first, middle and last place of three groups: each takes its own digest along.
    function test_skipsInSeveralGroups() public {
        for (uint160 i; i < 22; ++i) {
            _register(address(0x7000 + i)); // lanes 9 to 30
        }
        uint256 expiry = NOW + TTL - 64;
        vm.warp(NOW + 1 hours);
        I.Report memory report = _report();
        for (uint32 slot = 1; slot <= 3; ++slot) {
            uint256 words;
            for (uint256 i; i < 4; ++i) {
                bool bad = i == slot - 1 || (slot == 3 && i == 3);
                words |= _word(8 * slot + i, expiry + 1 hours, bad ? 9 : 1);
            }
            _addGroup(report, slot, words);
        }
        uint8[8] memory kept = [1, 2, 3, 4, 6, 7, 8, 9];
        bytes32[] memory expected = new bytes32[](8);
        for (uint256 i; i < 8; ++i) {
            expected[i] = report.digests[kept[i]];
        }
        vm.recordLogs();
        _post(report);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertEq(logs.length, 5); // four skips, one batch
        (,,,,, bytes memory renewals, bytes32[] memory digests,) =
            abi.decode(logs[4].data, (bytes32, uint256, bytes32, bytes32, uint256, bytes, bytes32[], bytes32));
        assertEq(abi.encode(digests), abi.encode(expected));
        assertEq(registry.batchRoot(registry.control().nextBatch - 1), BatchTree.root(expected));
        bytes memory applied;
        for (uint32 slot = 1; slot <= 3; ++slot) {
            uint256 words;
            for (uint256 i; i < 4; ++i) {
                if (i == slot - 1 || (slot == 3 && i == 3)) continue;
                words |= _word(8 * slot + i, expiry + 1 hours, 1);
            }
            applied = abi.encodePacked(applied, slot, words);
        }
        assertEq(renewals, applied);
    }

    /// @notice Also where the renewal itself would be refused.
    function test_refusesARefusedRenewalWithoutItsDigest() public {
        I.Report memory report = _report();
        _addGroup(report, a.lane >> 3, _word(a.lane, NOW + 23 hours, a.generation + 1));
        report.digests = new bytes32[](0);
        bytes memory signatures = _signed(report);
        vm.expectRevert(I.MalformedRenewals.selector);
        registry.post(report, MASK, signatures);
    }

    function test_skipsALapsedLane() public {
        vm.warp(a.expiry);
        _expectSkipped(_renewal(operator, a.expiry + 1 hours), a.lane, I.SkipReason.LaneLapsed);
    }

    function test_skipsALaneThatWasNeverHandedOut() public {
        I.Report memory report = _report();
        _addGroup(report, 1000, _word(5, NOW + 1 hours, 0));
        _expectSkipped(report, 8005, I.SkipReason.LaneLapsed);
    }

    function test_skipsAnotherGeneration() public {
        I.Report memory report = _report();
        _addGroup(report, a.lane >> 3, _word(a.lane, NOW + 23 hours, a.generation + 1));
        _expectSkipped(report, a.lane, I.SkipReason.Generation);
    }

    function test_skipsWhatIsNotForward() public {
        _expectSkipped(_renewal(operator, a.expiry), a.lane, I.SkipReason.NotForward);
        vm.warp(NOW + 1);
        _expectSkipped(_renewal(operator, a.expiry - 64), a.lane, I.SkipReason.NotForward);
    }

    function test_skipsAnExpiryTooFarAhead() public {
        _expectSkipped(_renewal(operator, _floor(NOW + TTL) + 64), a.lane, I.SkipReason.ExpiryTooFar);
    }

    function test_skipsAfterAFreezeAndAfterAGrant() public {
        I.Report memory inFlight = _renewal(operator, NOW + 23 hours);
        vm.warp(NOW + 1);
        I.Report memory regrant = _report();
        _addGrant(regrant, _grant(operator));
        _post(regrant);
        _expectSkipped(inFlight, a.lane, I.SkipReason.Generation);
        vm.prank(guardian);
        registry.freezeOperator(operator, 1, 0);
        inFlight.archive = 0;
        delete inFlight.platforms;
        _expectSkipped(inFlight, a.lane, I.SkipReason.LaneLapsed);
    }

    /// @notice Bad lanes beside good ones: the good apply, and the event shows only these.
    function test_oneBadLaneDoesNotStopItsNeighbours() public {
        address second = makeAddr("second");
        _register(second);
        I.Attestation memory b = registry.attestationOf(second);
        assertEq(b.lane, a.lane + 1);
        uint256 good = _word(b.lane, NOW + TTL, b.generation);
        uint256 bad = _word(a.lane, NOW + TTL, a.generation + 1);
        I.Report memory report = _report();
        _addGroup(report, a.lane >> 3, good | bad);
        bytes32 goodDigest = report.digests[1];
        bytes32[] memory digests = new bytes32[](1);
        digests[0] = goodDigest;
        bytes32 root = keccak256(abi.encode(keccak256(abi.encode(uint256(0), goodDigest))));
        bytes memory renewals = abi.encodePacked(a.lane >> 3, good);
        bytes32 hash = registry.hashReport(report);
        bytes32 payload =
            keccak256(abi.encode(uint64(2), POLICY, _origin(NOW), hash, report.archive, 0, root, keccak256(renewals)));
        bytes32 head = _nextHead(1, payload);
        _expectSkip(I.Item.Renewal, bytes32(uint256(a.lane)), I.SkipReason.Generation);
        vm.expectEmit(address(registry));
        emit I.BatchPosted(2, POLICY, _origin(NOW), hash, report.archive, 0, renewals, digests, head);
        _post(report);
        assertEq(registry.attestationOf(second).expiry, _floor(NOW + TTL));
        assertEq(registry.attestationOf(operator).expiry, a.expiry);
    }
}
