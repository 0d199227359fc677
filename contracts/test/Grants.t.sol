// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry as I} from "../src/interfaces/IProofOfCloudRegistry.sol";
import {Layout} from "./utils/Layout.sol";
import {RegistryTest} from "./utils/RegistryTest.sol";
import {Vm} from "forge-std/Vm.sol";

/// @notice Grants: what they store, every reason to skip one, instances and full platforms.
contract GrantsTest is RegistryTest {
    bytes32 private constant OTHER_PLATFORM = keccak256("other platform");
    address private other = makeAddr("other operator");

    function setUp() public override {
        super.setUp();
        I.Report memory report = _report();
        _addPlatform(report, _platformEntry(PLATFORM));
        _addPlatform(report, _platformEntry(OTHER_PLATFORM));
        _post(report);
    }

    function _postGrant(I.Grant memory grant) private {
        I.Report memory report = _report();
        _addGrant(report, grant);
        _post(report);
    }

    function _expectSkipped(I.Grant memory grant, I.SkipReason reason) private {
        I.Report memory report = _report();
        _addGrant(report, grant);
        _expectReportSkipped(report, grant.operator, reason);
    }

    function _expectReportSkipped(I.Report memory report, address who, I.SkipReason reason) private {
        bytes32 before = keccak256(abi.encode(registry.attestationOf(who), registry.operatorWord(who)));
        _expectSkip(I.Item.Grant, _subject(who), reason);
        _postWithPassenger(report);
        assertEq(keccak256(abi.encode(registry.attestationOf(who), registry.operatorWord(who))), before);
    }

    // ------------------------------------------------------------------------------------------------ what it stores

    function test_storesEveryField() public {
        I.Grant memory g = _grant(operator);
        g.binding = 3;
        g.tcb = 6;
        g.teeClass = 15;
        g.flags = 255;
        _postGrant(g);
        I.Attestation memory a = registry.attestationOf(operator);
        assertEq(uint8(a.status), uint8(I.Status.Active));
        assertEq(a.binding, 3);
        assertEq(a.custody, 2);
        assertEq(a.tcb, 6);
        assertEq(a.teeClass, 15);
        assertEq(a.flags, 255);
        assertEq(a.provider, PROVIDER);
        assertEq(a.statusNonce, 0);
        assertEq(a.ttl, g.ttl);
        assertEq(a.evidenceTime, g.evidenceTime);
        assertEq(a.attestedSince, START);
        assertEq(a.expiry, g.expiry);
        assertEq(a.lane, 8);
        assertEq(a.generation, 1);
        assertEq(a.platformId, PLATFORM);
        assertEq(a.workloadId, WORKLOAD);
        assertEq(registry.instanceHolder(g.instanceId), operator);
        assertEq(registry.platformLanes(PLATFORM)[0], 8);
        assertEq(registry.platformOf(operator), PLATFORM);
    }

    function test_emitsTheWordsAsStored() public {
        I.Grant memory g = _grant(operator);
        vm.recordLogs();
        _postGrant(g);
        Vm.Log memory log = vm.getRecordedLogs()[0];
        assertEq(log.topics[0], I.OperatorGranted.selector);
        assertEq(log.topics[1], _subject(operator));
        assertEq(log.topics[2], PLATFORM);
        assertEq(log.topics[3], WORKLOAD);
        (bytes32 instanceId, bytes32 digest, uint256 word, uint32 lane) =
            abi.decode(log.data, (bytes32, bytes32, uint256, uint32));
        assertEq(instanceId, g.instanceId);
        assertEq(digest, g.digest);
        assertEq(word, registry.operatorWord(operator));
        assertEq(lane, (registry.laneSlot(1) >> 224));
    }

    function test_floorsTheExpiryToItsUnit() public {
        I.Grant memory g = _grant(operator);
        g.expiry = START + 1 hours + 1;
        _postGrant(g);
        assertEq(registry.attestationOf(operator).expiry, _floor(START + 1 hours + 1));
    }

    function test_mayLowerAnythingExpiryIncluded() public {
        _postGrant(_grant(operator));
        vm.warp(START + 1);
        I.Grant memory g = _grant(operator);
        g.binding = 1;
        g.custody = 0;
        g.tcb = 6;
        g.expiry = START + 1 hours;
        _postGrant(g);
        I.Attestation memory a = registry.attestationOf(operator);
        assertEq(a.binding, 1);
        assertEq(a.custody, 0);
        assertEq(a.expiry, _floor(START + 1 hours));
        assertEq(a.generation, 2);
        assertEq(a.lane, 8);
        assertEq(a.attestedSince, START);
        assertFalse(registry.isAttested(operator));
    }

    /// @notice Continuity is of what the operator is now: a grant that says more of it, or something else, begins it anew,
    /// and one that says the same or less does not.
    function test_continuityBeginsAnewWithWhateverIsNew() public {
        I.Grant memory first = _grant(operator);
        (first.binding, first.custody, first.tcb, first.flags) = (2, 1, 2, 2);
        _postGrant(first);
        vm.warp(START + 1 hours);
        uint256 granted = vm.snapshotState();
        for (uint256 i; i < 12; ++i) {
            vm.revertToState(granted);
            I.Grant memory g = _grant(operator);
            (g.binding, g.custody, g.tcb, g.flags) = (2, 1, 2, 2);
            if (i == 1) g.binding = 3;
            if (i == 2) g.custody = 2;
            if (i == 3) g.tcb = 1;
            if (i == 4) g.flags = 3;
            if (i == 5) g.teeClass = 2;
            if (i == 6) g.workloadId = keccak256("another");
            if (i == 7) g.platformId = OTHER_PLATFORM;
            if (i == 8) g.binding = 1;
            if (i == 9) g.custody = 0;
            if (i == 10) g.tcb = 3;
            if (i == 11) g.flags = 0;
            _postGrant(g);
            bool isNew = i >= 1 && i <= 7;
            assertEq(registry.attestationOf(operator).attestedSince, isNew ? START + 1 hours : START, vm.toString(i));
        }
        // What was given up and comes back is new.
        vm.warp(START + 2 hours);
        I.Grant memory back = _grant(operator);
        (back.binding, back.custody, back.tcb, back.flags) = (2, 1, 2, 2);
        _postGrant(back);
        assertEq(registry.attestationOf(operator).attestedSince, START + 2 hours);
    }

    // ------------------------------------------------------------------------------------------------ skip reasons

    function test_skipsFieldsOutOfRange() public {
        I.Grant[] memory bad = new I.Grant[](16);
        for (uint256 i; i < bad.length; ++i) {
            bad[i] = _grant(operator);
        }
        bad[0].operator = address(0);
        bad[1].platformId = 0;
        bad[2].binding = 0;
        bad[3].binding = 4;
        bad[4].custody = 3;
        bad[5].tcb = 0;
        bad[6].tcb = 7;
        bad[7].teeClass = 0;
        bad[8].teeClass = 16;
        bad[9].evidenceTime = 0;
        bad[10].evidenceTime = START + 1;
        bad[11].ttl = 0;
        bad[12].ttl = 1 << 20;
        bad[13].expiry = bad[13].evidenceTime + bad[13].ttl + 1;
        bad[14].instanceId = 0; // binding 2
        (bad[15].instanceId, bad[15].binding) = (0, 3);
        for (uint256 i; i < bad.length; ++i) {
            _expectSkipped(bad[i], I.SkipReason.InvalidField);
        }
    }

    function test_skipsAnotherStatusNonce() public {
        I.Grant memory g = _grant(operator);
        g.statusNonce = 1;
        _expectSkipped(g, I.SkipReason.StatusNonce);
    }

    function test_skipsWhatIsNotStrictlyLater() public {
        _postGrant(_grant(operator));
        _expectSkipped(_grant(operator), I.SkipReason.NotLater);
    }

    function test_skipsTheSecondOfTwoForOneOperator() public {
        I.Report memory report = _report();
        _addGrant(report, _grant(operator));
        _addGrant(report, _grant(operator));
        _expectSkip(I.Item.Grant, _subject(operator), I.SkipReason.NotLater);
        _post(report);
        assertEq(registry.attestationOf(operator).generation, 1);
    }

    function test_skipsAFrozenOperatorFor72Hours() public {
        _postGrant(_grant(operator));
        vm.prank(guardian);
        registry.freezeOperator(operator, 1, 0);
        vm.warp(START + 72 hours - 1);
        _expectSkipped(_grant(operator), I.SkipReason.Frozen);
        vm.warp(START + 72 hours);
        _postGrant(_grant(operator));
        assertEq(registry.attestationOf(operator).generation, 2);
        assertEq(registry.attestationOf(operator).attestedSince, START + 72 hours);
    }

    function test_skipsEvidenceNotNewerThanADeregistration() public {
        _postGrant(_grant(operator));
        vm.prank(operator);
        registry.deregister();
        vm.warp(START + 1 hours);
        I.Grant memory g = _grant(operator);
        g.evidenceTime = START;
        g.expiry = START + 2 hours;
        _expectSkipped(g, I.SkipReason.EvidenceTooOld);
        g.evidenceTime = START + 1;
        _postGrant(g);
        assertTrue(registry.isAttested(operator));
    }

    function test_aFreezeDoesNotForgetADeregistration() public {
        _postGrant(_grant(operator));
        vm.prank(operator);
        registry.deregister();
        vm.prank(guardian);
        registry.freezeOperator(operator, 1, 0);
        vm.warp(START + 72 hours);
        I.Grant memory g = _grant(operator);
        g.evidenceTime = START;
        g.expiry = START + 1 hours;
        _expectSkipped(g, I.SkipReason.EvidenceTooOld);
    }

    function test_skipsAnUnknownPlatform() public {
        I.Grant memory g = _grant(operator);
        g.platformId = keccak256("nowhere");
        _expectSkipped(g, I.SkipReason.PlatformUnknown);
    }

    function test_skipsAFrozenPlatformUntilItHasANewEntry() public {
        vm.prank(guardian);
        registry.freezePlatform(PLATFORM, 1, 0);
        _expectSkipped(_grant(operator), I.SkipReason.PlatformNotActive);
        vm.warp(START + 80 hours);
        _expectSkipped(_grant(operator), I.SkipReason.PlatformNotActive);
        I.Report memory report = _report();
        _addPlatform(report, _platformEntry(PLATFORM));
        _addGrant(report, _grant(operator));
        _post(report);
        assertTrue(registry.isAttested(operator));
    }

    function test_skipsAReportIssuedBeforeThePlatformsLastEntry() public {
        vm.warp(START + 100);
        I.Report memory inFlight = _report();
        _addGrant(inFlight, _grant(operator));
        vm.warp(START + 101);
        I.Report memory report = _report();
        _addPlatform(report, _platformEntry(PLATFORM));
        _post(report);
        _expectReportSkipped(inFlight, operator, I.SkipReason.PlatformNotActive);
    }

    function test_skipsMoreCustodyThanThePlatformHas() public {
        vm.warp(START + 1);
        I.PlatformEntry memory entry = _platformEntry(PLATFORM);
        entry.custody = 1;
        I.Report memory report = _report();
        _addPlatform(report, entry);
        _post(report);
        _expectSkipped(_grant(operator), I.SkipReason.CustodyTooHigh);
    }

    function test_skipsAnExpiryTooFarAhead() public {
        I.Grant memory g = _grant(operator);
        g.ttl = 2 * TTL;
        g.expiry = START + TTL + 1;
        _expectSkipped(g, I.SkipReason.ExpiryTooFar);
        g.expiry = START + TTL;
        _postGrant(g);
    }

    function test_skipsAnExpiryBeyondCustody() public {
        vm.warp(START + 7 days - 1 hours);
        I.Grant memory g = _grant(operator);
        g.expiry = START + 7 days + 1;
        _expectSkipped(g, I.SkipReason.BeyondCustody);
        g.expiry = START + 7 days;
        _postGrant(g);
        assertTrue(registry.isAttested(operator));
    }

    // ------------------------------------------------------------------------------------------------ instances

    function test_skipsAnInstanceThatAnAttestedOperatorHolds() public {
        _postGrant(_grant(operator));
        I.Grant memory g = _grant(other);
        g.instanceId = _instance(operator);
        _expectSkipped(g, I.SkipReason.InstanceTaken);
        // Also while its provider is frozen: that only hides the holder.
        vm.prank(guardian);
        registry.freezeProvider(PROVIDER, 1, 0);
        _expectSkipped(g, I.SkipReason.InstanceTaken);
    }

    function test_takesOverTheInstanceOfALapsedOrDeregisteredHolder() public {
        _postGrant(_grant(operator));
        bytes32 instanceId = _instance(operator);
        vm.warp(START + TTL);
        I.Grant memory g = _grant(other);
        g.instanceId = instanceId;
        _postGrant(g);
        assertEq(registry.instanceHolder(instanceId), other);
        vm.prank(other);
        registry.deregister();
        g = _grant(operator);
        g.instanceId = instanceId;
        _postGrant(g);
        assertEq(registry.instanceHolder(instanceId), operator);
    }

    function test_aFrozenHolderKeepsItsInstanceFor72Hours() public {
        _postGrant(_grant(operator));
        bytes32 instanceId = _instance(operator);
        vm.prank(guardian);
        registry.freezeOperator(operator, 1, 0);
        vm.warp(START + 72 hours - 1);
        I.Grant memory g = _grant(other);
        g.instanceId = instanceId;
        _expectSkipped(g, I.SkipReason.InstanceTaken);
        vm.warp(START + 72 hours);
        g = _grant(other);
        g.instanceId = instanceId;
        _postGrant(g);
        assertEq(registry.instanceHolder(instanceId), other);
    }

    function test_aMoveReleasesTheOldInstance() public {
        _postGrant(_grant(operator));
        bytes32 old = _instance(operator);
        vm.warp(START + 1);
        I.Grant memory g = _grant(operator);
        g.instanceId = keccak256("new instance");
        _postGrant(g);
        assertEq(registry.instanceHolder(old), address(0));
        assertEq(registry.instanceHolder(g.instanceId), operator);
        // And another may have it, though who left it is attested still.
        g = _grant(other);
        g.instanceId = old;
        _postGrant(g);
        assertEq(registry.instanceHolder(old), other);
        assertTrue(registry.isAttested(operator) && registry.isAttested(other));
    }

    function test_aMoveDoesNotReleaseAnInstanceTakenOverSince() public {
        _postGrant(_grant(operator));
        bytes32 shared = _instance(operator);
        vm.warp(START + TTL);
        I.Grant memory g = _grant(other);
        g.instanceId = shared;
        _postGrant(g);
        g = _grant(operator);
        (g.instanceId, g.binding) = (0, 1);
        _postGrant(g);
        assertEq(registry.instanceHolder(shared), other);
    }

    function test_noTpmMeansNoInstanceToHold() public {
        address[2] memory both = [operator, other];
        for (uint256 i; i < 2; ++i) {
            I.Grant memory g = _grant(both[i]);
            (g.instanceId, g.binding) = (0, 1);
            _postGrant(g);
        }
        assertEq(registry.instanceHolder(0), address(0));
        for (uint256 i; i < 2; ++i) {
            assertEq(uint8(registry.statusOf(both[i])), uint8(I.Status.Active));
            assertFalse(registry.isAttested(both[i])); // a quote alone is not what one asks for by default
        }
    }

    // ------------------------------------------------------------------------------------------------ platforms

    function test_aMoveTakesTheLaneAlong() public {
        _postGrant(_grant(operator));
        _postGrant(_grant(other));
        vm.warp(START + 1);
        I.Grant memory g = _grant(operator);
        g.platformId = OTHER_PLATFORM;
        _postGrant(g);
        assertEq(registry.platformLanes(PLATFORM).length, 1);
        assertEq(registry.platformLanes(PLATFORM)[0], registry.attestationOf(other).lane);
        assertEq(registry.platformLanes(OTHER_PLATFORM)[0], registry.attestationOf(operator).lane);
        vm.prank(guardian);
        registry.freezePlatform(PLATFORM, 1, 0);
        assertTrue(registry.isAttested(operator));
        assertFalse(registry.isAttested(other));
    }

    /// @notice The 65th operator finds a place only where one of the 64 has lapsed.
    function test_aFullPlatformGivesAnExpiredOperatorsPlaceAway() public {
        for (uint256 i; i < 64; ++i) {
            I.Grant memory g = _grant(address(uint160(0x1000 + i)));
            if (i == 40) g.expiry = START + 1 hours;
            _postGrant(g);
        }
        assertEq(registry.platform(PLATFORM).operatorCount, 64);
        _expectSkipped(_grant(operator), I.SkipReason.PlatformFull);

        vm.warp(START + 1 hours);
        _postGrant(_grant(operator));
        assertEq(registry.platform(PLATFORM).operatorCount, 64);
        assertEq(registry.platformLanes(PLATFORM)[40], registry.attestationOf(operator).lane);
        // The evicted one kept its lane, and needs a place again.
        _expectSkipped(_grant(address(uint160(0x1000 + 40))), I.SkipReason.PlatformFull);

        vm.prank(guardian);
        registry.freezePlatform(PLATFORM, 1, 0);
        assertFalse(registry.isAttested(operator));
        for (uint256 i; i < 64; ++i) {
            assertFalse(registry.isAttested(address(uint160(0x1000 + i))));
        }
    }

    /// @dev A grant to one of many keys, on evidence without a TPM.
    function _grantWithoutInstance(uint256 i) private view returns (I.Grant memory g) {
        g = _grant(address(uint160(0x2000 + i)));
        (g.instanceId, g.binding) = (0, 1);
    }

    /// @notice One TD without a TPM can ask for any number of operators, and gets 32 at most: the other places are for
    /// those who name an instance.
    function test_evidenceWithoutAnInstanceTakesHalfOfAPlatform() public {
        for (uint256 i; i < 32; ++i) {
            _postGrant(_grantWithoutInstance(i));
        }
        _expectSkipped(_grantWithoutInstance(32), I.SkipReason.PlatformFull);
        _postGrant(_grant(operator));
        assertEq(registry.platformLanes(PLATFORM)[32], registry.attestationOf(operator).lane);
        // Who is there already stays where it is.
        vm.warp(START + 1);
        _postGrant(_grantWithoutInstance(7));
        assertEq(registry.platformLanes(PLATFORM)[7], registry.attestationOf(address(uint160(0x2000 + 7))).lane);
        assertEq(registry.platform(PLATFORM).operatorCount, 33);
    }

    /// @notice A place of the other half is given back with the instance: else one TPM, handed on from key to key, would
    /// take them all.
    function test_whoGivesUpItsInstanceGivesUpItsPlace() public {
        for (uint256 i; i < 32; ++i) {
            I.Grant memory g = _grantWithoutInstance(i);
            if (i == 5) g.expiry = START + 1 hours;
            _postGrant(g);
        }
        _postGrant(_grant(operator));
        _postGrant(_grant(other));
        vm.warp(START + 1);
        I.Grant memory bare = _grant(operator);
        (bare.instanceId, bare.binding) = (0, 1);
        _expectSkipped(bare, I.SkipReason.PlatformFull);

        vm.warp(START + 1 hours);
        bare = _grant(operator);
        (bare.instanceId, bare.binding) = (0, 1);
        _postGrant(bare);
        uint32[] memory lanes = registry.platformLanes(PLATFORM);
        assertEq(lanes.length, 33);
        assertEq(lanes[5], registry.attestationOf(operator).lane);
        assertEq(lanes[32], registry.attestationOf(other).lane);
    }

    // ------------------------------------------------------------------------------------------------ numbers

    /// @dev Puts one of the control word's counters where it has been handed out `left` short of all.
    function _useUp(uint256 shift, uint256 width, uint256 left) private {
        (uint256 slot,,,) = new Layout().slots();
        uint256 word = uint256(vm.load(address(registry), bytes32(slot)));
        uint256 all = (1 << width) - 1;
        word = word & ~(all << shift) | ((all - left) << shift);
        vm.store(address(registry), bytes32(slot), bytes32(word));
    }

    /// @notice Where no lane is left, newcomers are skipped, and nobody else: the last lane is handed out, too.
    function test_skipsNewcomersWhenLanesAreUsedUp() public {
        _useUp(145, 24, 1);
        _postGrant(_grant(operator));
        assertEq(registry.attestationOf(operator).lane, type(uint24).max);
        uint256 control = uint256(vm.load(address(registry), bytes32(uint256(2))));
        vm.warp(START + 1);
        I.Grant memory g = _grant(other);
        g.workloadId = keccak256("a workload of its own"); // must not get a number either
        I.Report memory report = _report();
        _addGrant(report, g);
        _addGrant(report, _grant(operator));
        _expectSkip(I.Item.Grant, _subject(other), I.SkipReason.Exhausted);
        _post(report);
        assertEq(registry.attestationOf(operator).generation, 2);
        assertEq(registry.operatorWord(other), 0);
        assertEq(registry.platform(PLATFORM).operatorCount, 1);
        assertEq(uint256(vm.load(address(registry), bytes32(uint256(2)))), control);
    }

    function test_skipsNewWorkloadsWhenTheirNumbersAreUsedUp() public {
        _useUp(193, 16, 1);
        _postGrant(_grant(operator)); // takes the last
        uint32 nextLane = registry.control().nextLane;
        I.Grant memory g = _grant(other);
        g.workloadId = keccak256("one too many");
        _expectSkipped(g, I.SkipReason.Exhausted);
        assertEq(registry.control().nextLane, nextLane, "a lane was lost");
        g.workloadId = WORKLOAD;
        _postGrant(g);
        assertEq(registry.attestationOf(other).workloadId, WORKLOAD);
        vm.warp(START + 1);
        g = _grant(other);
        g.workloadId = 0;
        _postGrant(g);
        assertEq(registry.attestationOf(other).workloadId, 0);
    }

    function test_skipsNewPlatformsWhenTheirNumbersAreUsedUp() public {
        _useUp(169, 24, 1);
        vm.warp(START + 1);
        I.Report memory report = _report();
        _addPlatform(report, _platformEntry(keccak256("last")));
        _addPlatform(report, _platformEntry(keccak256("one too many")));
        _addPlatform(report, _platformEntry(PLATFORM));
        _expectSkip(I.Item.Platform, keccak256("one too many"), I.SkipReason.Exhausted);
        _post(report);
        assertEq(registry.platform(keccak256("last")).index, type(uint24).max);
        assertEq(uint8(registry.platform(keccak256("one too many")).status), uint8(I.Status.Unknown));
        assertEq(registry.platform(PLATFORM).issuedAt, START + 1);
    }

    /// @notice Whatever joins and leaves, a platform's lanes are those of its operators, each once.
    function testFuzz_platformsListTheirOperators(uint256 seed) public {
        uint256 n = 16;
        for (uint256 step; step < 40; ++step) {
            vm.warp(START + step + 1);
            seed = uint256(keccak256(abi.encode(seed)));
            I.Grant memory g = _grant(address(uint160(0x1000 + seed % n)));
            if ((seed >> 128) & 1 == 1) g.platformId = OTHER_PLATFORM;
            _postGrant(g);
        }
        uint256 listed;
        for (uint256 i; i < n; ++i) {
            I.Attestation memory a = registry.attestationOf(address(uint160(0x1000 + i)));
            if (a.lane == 0) continue;
            ++listed;
            uint32[] memory lanes = registry.platformLanes(a.platformId);
            uint256 found;
            for (uint256 j; j < lanes.length; ++j) {
                if (lanes[j] == a.lane) ++found;
            }
            assertEq(found, 1);
        }
        assertEq(registry.platform(PLATFORM).operatorCount + registry.platform(OTHER_PLATFORM).operatorCount, listed);
    }
}
