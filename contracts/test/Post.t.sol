// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {ProofOfCloudRegistry} from "../src/ProofOfCloudRegistry.sol";
import {IProofOfCloudRegistry as I} from "../src/interfaces/IProofOfCloudRegistry.sol";
import {BatchTree} from "../src/libraries/BatchTree.sol";
import {RegistryTest} from "./utils/RegistryTest.sol";
import {Vm} from "forge-std/Vm.sol";

/// @notice What concerns a report as a whole: who signed it, when, under what, and that it is dead afterwards.
contract PostTest is RegistryTest {
    /// @dev A report that would apply.
    function _good() private view returns (I.Report memory report) {
        report = _report();
        _addPlatform(report, _platformEntry(PLATFORM));
        _addGrant(report, _grant(operator));
    }

    function _expectRefusal(I.Report memory report, bytes memory refusal) private {
        bytes memory signatures = _signed(report);
        vm.expectRevert(refusal);
        registry.post(report, MASK, signatures);
    }

    function _outsideWindow(I.Report memory report) private pure returns (bytes memory) {
        return abi.encodeWithSelector(I.OutsideWindow.selector, report.issuedAt, report.deadline);
    }

    function test_anyoneMaySendASignedReport() public {
        I.Report memory report = _good();
        bytes memory signatures = _signed(report);
        vm.prank(makeAddr("stranger"));
        registry.post(report, MASK, signatures);
        assertTrue(registry.isAttested(operator));
    }

    function test_refusesAReportIssuedInTheFuture() public {
        I.Report memory report = _good();
        report.issuedAt = START + 1;
        _expectRefusal(report, _outsideWindow(report));
    }

    function test_refusesAReportPastItsDeadline() public {
        I.Report memory report = _good();
        report.deadline = START + 10;
        vm.warp(START + 11);
        _expectRefusal(report, _outsideWindow(report));
        vm.warp(START + 10);
        _post(report);
    }

    function test_refusesAWindowOfMoreThanAnHour() public {
        I.Report memory report = _good();
        report.deadline = START + 1 hours + 1;
        _expectRefusal(report, _outsideWindow(report));
    }

    /// @notice Times have 32 bits in the registry's words. The last report's deadline is the last such second.
    function test_refusesDeadlinesPastTheLastSecondOf32Bits() public {
        uint40 last = type(uint32).max;
        vm.warp(last - 10 minutes);
        I.Report memory report = _good();
        report.platforms[0].custodyExpiry = last;
        report.grants[0].expiry = last;
        report.deadline = last + 1;
        _expectRefusal(report, _outsideWindow(report));
        report.deadline = last;
        vm.warp(last);
        _post(report);
        // Every field is its own: nothing ran over.
        I.Attestation memory a = registry.attestationOf(operator);
        assertEq(a.evidenceTime, last - 25 minutes);
        assertEq(a.attestedSince, last);
        assertEq(a.platformId, PLATFORM);
        assertEq(a.workloadId, WORKLOAD);
        assertEq(a.expiry, _floor(last));
        assertEq(registry.platform(PLATFORM).issuedAt, last - 10 minutes);
    }

    function test_refusesAnUnknownPolicy() public {
        I.Report memory report = _good();
        report.policyDigest = keccak256("another policy");
        _expectRefusal(report, abi.encodeWithSelector(I.PolicyNotInForce.selector, report.policyDigest));
    }

    function test_refusesAnUnknownRelayerSet() public {
        I.Report memory report = _good();
        report.relayerSetId = 2;
        _expectRefusal(report, abi.encodeWithSelector(I.RelayerSetNotInForce.selector, 2));
    }

    function test_refusesASecondTime() public {
        I.Report memory report = _good();
        _post(report);
        bytes32 head = registry.head();
        _expectRefusal(report, abi.encodeWithSelector(I.NothingApplied.selector));
        assertEq(registry.head(), head);
    }

    function test_refusesAnEmptyReport() public {
        _expectRefusal(_report(), abi.encodeWithSelector(I.NothingApplied.selector));
    }

    function test_refusesMoreItemsThanTheBitmapsHold() public {
        I.Report memory report = _report();
        report.platforms = new I.PlatformEntry[](129);
        _expectRefusal(report, abi.encodeWithSelector(I.TooManyItems.selector));
        report = _report();
        report.grants = new I.Grant[](129);
        _expectRefusal(report, abi.encodeWithSelector(I.TooManyItems.selector));
    }

    /// @notice As much as the bitmaps hold, beside as many renewals: two full platforms of 64 are granted, two renewed.
    function test_takes128OfEach() public {
        (bytes32[] memory first,) = _post128(0);
        vm.warp(START + 1 hours);
        (bytes32[] memory second, I.Report memory report) = _post128(first.length);
        assertEq(registry.batchRoot(0), BatchTree.root(first));
        assertEq(second.length, 256);
        assertEq(registry.batchRoot(1), BatchTree.root(second));
        assertEq(registry.control().nextBatch, 2);
        for (uint160 i = 1; i <= 256; ++i) {
            assertTrue(registry.isAttested(address(i)));
        }
        // Two of the other platforms' entries name them, the rest stand alone.
        assertEq(registry.platform(report.platforms[127].platformId).index, 256);
        assertEq(registry.platform(report.platforms[1].platformId).operatorCount, 64);
    }

    /// @dev Enters 128 platforms, grants operators `from + 1` on, 64 each on the first two, and renews the `from` there are.
    function _post128(uint256 from) private returns (bytes32[] memory applied, I.Report memory report) {
        report = _report();
        report.platforms = new I.PlatformEntry[](128);
        report.grants = new I.Grant[](128);
        applied = new bytes32[](128 + from);
        for (uint256 i; i < 128; ++i) {
            report.platforms[i] = _platformEntry(keccak256(abi.encode("platform", from + i)));
            report.grants[i] = _grant(address(uint160(from + i + 1)));
            report.grants[i].platformId = report.platforms[i / 64].platformId;
            applied[i] = report.grants[i].digest;
        }
        for (uint32 slot = 1; slot <= from / 8; ++slot) {
            uint256 words;
            for (uint256 i; i < 8; ++i) {
                words |= _word(i, START + TTL, 1);
            }
            _addGroup(report, slot, words);
        }
        for (uint256 i; i < from; ++i) {
            applied[128 + i] = report.digests[i];
        }
        bytes32 reportHash = registry.hashReport(report);
        bytes32 payload = keccak256(
            abi.encode(
                from / 128,
                POLICY,
                _origin(report.issuedAt),
                reportHash,
                report.archive,
                type(uint256).max,
                BatchTree.root(applied),
                keccak256(report.renewals)
            )
        );
        bytes32 head = _nextHead(1, payload);
        _post(report);
        assertEq(registry.head(), head);
    }

    function test_refusesSignaturesMadeForAnotherChainOrRegistry() public {
        I.Report memory report = _good();
        bytes memory signatures = _signed(report);
        ProofOfCloudRegistry other = _deploy(_config());
        vm.expectPartialRevert(I.InvalidSignature.selector);
        other.post(report, MASK, signatures);
        vm.chainId(1);
        vm.expectPartialRevert(I.InvalidSignature.selector);
        registry.post(report, MASK, signatures);
    }

    function test_refusesTheHighSTwinOfASignature() public {
        I.Report memory report = _good();
        bytes32 digest = registry.hashReport(report);
        bytes memory signatures = _sign(digest, MASK);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(_key(0), digest);
        // In EIP-2098 the top bit is the parity, so n - s, which needs that bit for itself, cannot even be written.
        bytes32 high = bytes32(0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141 - uint256(s));
        assertGt(uint256(high), 1 << 254);
        bytes memory twin =
            abi.encodePacked(r, bytes32(uint256(high) & ~(uint256(1) << 255) | (uint256(28 - v) << 255)));
        for (uint256 i; i < 64; ++i) {
            signatures[i] = twin[i];
        }
        vm.expectRevert(abi.encodeWithSelector(I.InvalidSignature.selector, 0));
        registry.post(report, MASK, signatures);
    }

    function test_refusesADisabledRelayer() public {
        vm.prank(guardian);
        governance.disableRelayer(1, 2, 0, 0);
        I.Report memory report = _good();
        _expectRefusal(report, abi.encodeWithSelector(I.InvalidSigners.selector, MASK));
        registry.post(report, 0xb, _sign(registry.hashReport(report), 0xb));
        assertTrue(registry.isAttested(operator));
    }

    function test_refusesSignaturesOutOfOrder() public {
        I.Report memory report = _good();
        bytes32 digest = registry.hashReport(report);
        bytes memory signatures = abi.encodePacked(_sign(digest, 2), _sign(digest, 1), _sign(digest, 4));
        vm.expectRevert(abi.encodeWithSelector(I.InvalidSignature.selector, 0));
        registry.post(report, MASK, signatures);
    }

    /// @notice Of all masks and lengths, exactly those with k bits of members and 64 bytes each get past the count.
    function testFuzz_takesExactlyKOfN(uint32 mask, uint8 extra) public {
        mask = uint32(bound(mask, 0, 127)); // two bits beyond the members
        uint256 surplus = bound(extra, 0, 1);
        I.Report memory report = _good();
        bytes memory signatures = _sign(registry.hashReport(report), mask);
        if (surplus == 1) signatures = abi.encodePacked(signatures, bytes1(0));
        uint256 bits;
        for (uint256 i; i < 32; ++i) {
            bits += (mask >> i) & 1;
        }
        if (bits != THRESHOLD || mask >> RELAYERS != 0 || surplus == 1) {
            vm.expectRevert(abi.encodeWithSelector(I.InvalidSigners.selector, mask));
            registry.post(report, mask, signatures);
        } else {
            registry.post(report, mask, signatures);
            assertTrue(registry.isAttested(operator));
        }
    }

    function test_refusesMalformedRenewals() public {
        _register(operator);
        vm.warp(START + 1 hours);
        bytes memory refusal = abi.encodeWithSelector(I.MalformedRenewals.selector);
        uint40 expiry = START + 24 hours;

        I.Report memory report = _renewal(operator, expiry);
        report.renewals = abi.encodePacked(report.renewals, uint32(2), bytes31(0)); // an empty group, less a byte
        _expectRefusal(report, refusal);

        report = _renewal(operator, expiry);
        _addGroup(report, 1, _word(0, expiry, 1)); // the same slot again
        _expectRefusal(report, refusal);

        report = _renewal(operator, expiry);
        _addDigest(report, bytes32(0)); // one digest too many
        _expectRefusal(report, refusal);

        report = _renewal(operator, expiry);
        report.digests = new bytes32[](0); // one too few
        _expectRefusal(report, refusal);
    }

    /// @notice The event alone says what was applied, and its head follows from it.
    function test_batchPostedCarriesWhatTheHeadCommitsTo() public {
        I.Report memory report = _good();
        bytes32 reportHash = registry.hashReport(report);
        bytes32 digest = report.grants[0].digest;
        bytes32 root = keccak256(abi.encode(keccak256(abi.encode(uint256(0), digest))));
        uint256 applied = 1 << 128 | 1;
        bytes32 payload = keccak256(
            abi.encode(uint64(0), POLICY, _origin(START), reportHash, report.archive, applied, root, keccak256(""))
        );
        bytes32 head = _nextHead(1, payload);
        vm.expectEmit(address(registry));
        emit I.BatchPosted(0, POLICY, _origin(START), reportHash, report.archive, applied, "", new bytes32[](0), head);
        _post(report);
        assertEq(registry.head(), head);
        assertEq(registry.batchRoot(0), root);
        assertEq(registry.batchRoot(1), 0);
        assertEq(registry.control().nextBatch, 1);
        assertEq(uint40(uint256(head)), 1);
    }

    function test_rootsLeaveTheRingAfter1024Batches() public {
        for (uint256 i; i < 1025; ++i) {
            I.Report memory report = _report();
            _addGrant(report, _grant(operator));
            report.grants[0].platformId = PLATFORM;
            if (i == 0) _addPlatform(report, _platformEntry(PLATFORM));
            _post(report);
            vm.warp(START + i + 1);
            if (i == 1023) assertNotEq(registry.batchRoot(0), 0);
        }
        assertEq(registry.batchRoot(0), 0);
        assertNotEq(registry.batchRoot(1), 0);
        assertNotEq(registry.batchRoot(1024), 0);
        assertEq(registry.batchRoot(1025), 0);
    }

    function test_aPausedRegistryStillTakesReports() public {
        vm.prank(guardian);
        registry.pause(1, 0);
        _post(_good());
        assertFalse(registry.isAttested(operator));
        assertGt(registry.attestationOf(operator).expiry, START);
    }
}
