// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {Handler} from "./invariants/Handler.sol";
import {LogReplay} from "./utils/LogReplay.sol";
import {RegistryTest} from "./utils/RegistryTest.sol";
import {Vm} from "forge-std/Vm.sol";

/// @notice Invariant 6: a registry's log, constructor included, and its blocks' times are enough to rebuild every slot
/// and the head after every transaction. The history is a walk of the invariants' handler.
/// @dev Every read is a function of these slots, of the immutable MAX_TTL, and of the time; equal slots answer alike.
contract ReplayTest is RegistryTest {
    Handler private handler;
    LogReplay private replay;

    /// forge-config: default.fuzz.runs = 4
    /// forge-config: ci.fuzz.runs = 64
    function testFuzz_theLogRebuildsEverySlot(uint256 seed) public {
        _begin();
        for (uint256 i; i < 250; ++i) {
            handler.step(uint256(keccak256(abi.encode(seed, i))));
            _follow();
        }
        _compareSlots();
    }

    /// @notice The comparison itself fails where a slot is off.
    function test_theComparisonSeesEverySlot() public {
        _begin();
        for (uint256 i; i < 120; ++i) {
            handler.step(uint256(keccak256(abi.encode("walk", i))));
            _follow();
        }
        (, bytes32[] memory slots) = vm.accesses(address(registry));
        assertGt(slots.length, 150, "a history");
        assertGt(replay.batches(), 20, "of many batches");
        for (uint256 i; i < slots.length; ++i) {
            bytes32 right = vm.load(address(replay), slots[i]);
            vm.store(address(replay), slots[i], right ^ bytes32(uint256(1)));
            assertFalse(_equal(slots));
            vm.store(address(replay), slots[i], right);
            i += slots.length / 16; // a sample
        }
        assertTrue(_equal(slots));
    }

    /// @dev From the first log on, which is the constructor's. The slots are recorded as well.
    function _begin() private {
        vm.recordLogs();
        vm.record();
        handler = new Handler();
        registry = handler.theRegistry();
        replay = new LogReplay(address(registry), registry.MAX_TTL());
        _follow();
    }

    function _follow() private {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        if (!handler.reverted()) replay.take(_ours(logs));
        assertEq(replay.head(), registry.head(), "the head");
    }

    /// @dev The handler deploys a twin and other things that log.
    function _ours(Vm.Log[] memory all) private view returns (Vm.Log[] memory ours) {
        ours = new Vm.Log[](all.length);
        uint256 n;
        for (uint256 i; i < all.length; ++i) {
            if (all[i].emitter == address(registry)) ours[n++] = all[i];
        }
        assembly ("memory-safe") {
            mstore(ours, n)
        }
    }

    function _compareSlots() private {
        (, bytes32[] memory written) = vm.accesses(address(registry));
        (, bytes32[] memory rebuilt) = vm.accesses(address(replay));
        assertGt(written.length, 0);
        for (uint256 i; i < written.length; ++i) {
            bytes32 slot = written[i];
            assertEq(vm.load(address(replay), slot), vm.load(address(registry), slot), vm.toString(slot));
        }
        // The other way round: the replay wrote nothing the registry did not, but for its own variables.
        (uint256 first, uint256 last) = replay.ownSlots();
        for (uint256 i; i < rebuilt.length; ++i) {
            if (uint256(rebuilt[i]) >= first && uint256(rebuilt[i]) <= last) continue;
            assertEq(vm.load(address(replay), rebuilt[i]), vm.load(address(registry), rebuilt[i]));
        }
    }

    function _equal(bytes32[] memory slots) private view returns (bool) {
        for (uint256 i; i < slots.length; ++i) {
            if (vm.load(address(replay), slots[i]) != vm.load(address(registry), slots[i])) return false;
        }
        return true;
    }
}
