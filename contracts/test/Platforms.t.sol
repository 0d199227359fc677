// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry as I} from "../src/interfaces/IProofOfCloudRegistry.sol";
import {RegistryTest} from "./utils/RegistryTest.sol";

/// @notice Platform entries: when they apply, and what a lowered one takes along.
contract PlatformsTest is RegistryTest {
    function _postEntry(I.PlatformEntry memory entry) private {
        I.Report memory report = _report();
        _addPlatform(report, entry);
        _post(report);
    }

    /// @dev Posts one entry and expects it to be skipped, beside another that applies.
    function _expectSkipped(I.PlatformEntry memory entry, I.SkipReason reason) private {
        I.Report memory report = _report();
        _addPlatform(report, entry);
        bytes32 before = keccak256(abi.encode(registry.platform(entry.platformId)));
        _expectSkip(I.Item.Platform, entry.platformId, reason);
        _postWithPassenger(report);
        assertEq(keccak256(abi.encode(registry.platform(entry.platformId))), before);
    }

    function test_storesAnEntry() public {
        I.PlatformEntry memory entry = _platformEntry(PLATFORM);
        vm.expectEmit(address(registry));
        uint256 word = 1 | (uint256(I.Status.Active) << 24) | (2 << 28) | (uint256(PROVIDER) << 32);
        word |= (uint256(entry.custodyExpiry) << 72) | (uint256(START) << 104);
        emit I.PlatformUpdated(PLATFORM, PROVIDER, word);
        _postEntry(entry);
        I.PlatformState memory p = registry.platform(PLATFORM);
        assertEq(uint8(p.status), uint8(I.Status.Active));
        assertEq(p.provider, PROVIDER);
        assertEq(p.custody, 2);
        assertEq(p.custodyExpiry, entry.custodyExpiry);
        assertEq(p.issuedAt, START);
        assertEq(p.index, 1);
        assertEq(p.operatorCount, 0);
    }

    function test_skipsFieldsOutOfRange() public {
        I.PlatformEntry memory entry = _platformEntry(PLATFORM);
        entry.provider = 0;
        _expectSkipped(entry, I.SkipReason.InvalidField);
        entry.provider = 128;
        _expectSkipped(entry, I.SkipReason.InvalidField);
        entry = _platformEntry(PLATFORM);
        entry.custody = 3;
        _expectSkipped(entry, I.SkipReason.InvalidField);
        entry = _platformEntry(PLATFORM);
        entry.custodyExpiry = uint40(1) << 32;
        _expectSkipped(entry, I.SkipReason.InvalidField);
        entry = _platformEntry(bytes32(0));
        _expectSkipped(entry, I.SkipReason.InvalidField);
    }

    function test_skipsAnotherStatusNonce() public {
        I.PlatformEntry memory entry = _platformEntry(PLATFORM);
        entry.statusNonce = 1;
        _expectSkipped(entry, I.SkipReason.StatusNonce);
    }

    function test_skipsWhatIsNotStrictlyLater() public {
        _postEntry(_platformEntry(PLATFORM));
        _expectSkipped(_platformEntry(PLATFORM), I.SkipReason.NotLater);
        vm.warp(START + 1);
        _postEntry(_platformEntry(PLATFORM));
    }

    function test_skipsAFrozenPlatformFor72Hours() public {
        vm.prank(guardian);
        registry.freezePlatform(PLATFORM, 1, 0);
        vm.warp(START + 72 hours - 1);
        _expectSkipped(_platformEntry(PLATFORM), I.SkipReason.Frozen);
        vm.warp(START + 72 hours);
        _postEntry(_platformEntry(PLATFORM));
        assertEq(uint8(registry.platform(PLATFORM).status), uint8(I.Status.Active));
        assertEq(registry.platform(PLATFORM).frozenAt, 0);
    }

    function test_loweringTheExpiryCutsLanesAndTheirGeneration() public {
        _register(operator);
        uint256 generation = registry.attestationOf(operator).generation;
        I.Report memory inFlight = _renewal(operator, START + 24 hours);
        vm.warp(START + 1);
        I.PlatformEntry memory entry = _platformEntry(PLATFORM);
        entry.custodyExpiry = START + 2 hours;
        _postEntry(entry);
        I.Attestation memory a = registry.attestationOf(operator);
        assertEq(a.expiry, _floor(START + 2 hours));
        assertEq(a.generation, generation + 1);
        assertTrue(registry.isAttested(operator));
        // The renewal signed before would have outlived the custody.
        _expectSkip(I.Item.Renewal, bytes32(uint256(a.lane)), I.SkipReason.Generation);
        _postWithPassenger(inFlight);
        assertEq(registry.attestationOf(operator).expiry, a.expiry);
    }

    function test_loweringTheExpiryMovesTheGenerationOfShorterLanesToo() public {
        _register(operator);
        I.Attestation memory before = registry.attestationOf(operator);
        vm.warp(START + 1);
        I.PlatformEntry memory entry = _platformEntry(PLATFORM);
        entry.custodyExpiry = START + 3 days;
        _postEntry(entry);
        I.Attestation memory a = registry.attestationOf(operator);
        assertEq(a.expiry, before.expiry);
        assertEq(a.generation, before.generation + 1);
    }

    /// @notice No renewal applies to it, so there is none in flight to outdo: it is left alone, and costs no write.
    function test_loweringTheExpiryLeavesALapsedLaneAlone() public {
        _register(operator);
        I.Attestation memory before = registry.attestationOf(operator);
        vm.warp(before.expiry);
        I.PlatformEntry memory entry = _platformEntry(PLATFORM);
        entry.custodyExpiry = START + 3 days;
        _postEntry(entry);
        I.Attestation memory a = registry.attestationOf(operator);
        assertEq(a.expiry, before.expiry);
        assertEq(a.generation, before.generation);
    }

    function test_loweringCustodyOrChangingProviderEndsTheOperators() public {
        _register(operator);
        vm.warp(START + 1);
        I.PlatformEntry memory entry = _platformEntry(PLATFORM);
        entry.custody = 1;
        _postEntry(entry);
        assertFalse(registry.isAttested(operator));

        vm.warp(START + 2);
        entry = _platformEntry(PLATFORM);
        _postEntry(entry);
        _register(operator);
        assertTrue(registry.isAttested(operator));
        vm.warp(START + 3);
        entry = _platformEntry(PLATFORM);
        entry.provider = PROVIDER + 1;
        _postEntry(entry);
        assertFalse(registry.isAttested(operator));
    }

    function test_raisingTouchesNoLane() public {
        _register(operator);
        I.Attestation memory before = registry.attestationOf(operator);
        vm.warp(START + 1);
        _postEntry(_platformEntry(PLATFORM));
        assertEq(abi.encode(registry.attestationOf(operator)), abi.encode(before));
    }
}
