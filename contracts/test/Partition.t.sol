// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry as I} from "../src/interfaces/IProofOfCloudRegistry.sol";
import {RegistryTest} from "./utils/RegistryTest.sol";
import {Vm} from "forge-std/Vm.sol";

/// @notice Invariant 5: a report of n items does what n reports of one do, or any partition of it between, with any
/// items failing: items in the same order, on distinct subjects. The head, roots, batch numbers, and reports in which
/// nothing applies, which revert, aside.
/// @dev The two registries are one: it is set back between the whole and the parts, so that even addresses are equal.
contract PartitionTest is RegistryTest {
    uint256 private constant OPERATORS = 10;
    uint256 private constant PLATFORMS = 4;

    /// @dev One item: an entry, a grant, or a renewal of one lane.
    struct Items {
        I.PlatformEntry[] entries;
        I.Grant[] grants;
        uint256[] lanes;
        uint256[] words;
    }

    /// forge-config: default.fuzz.runs = 64
    /// forge-config: ci.fuzz.runs = 1000
    function testFuzz_anyPartitionDoesTheSame(uint256 seed, uint256 cuts) public {
        _history(seed);
        _compare(_items(seed), cuts);
    }

    /// @notice One by one, for many seeds; and most of them do have items of both kinds.
    function test_oneByOneDoesTheSame() public {
        uint256 start = vm.snapshotState();
        uint256 mixed;
        for (uint256 seed; seed < 24; ++seed) {
            _history(seed);
            if (_compare(_items(seed), type(uint256).max)) ++mixed;
            vm.revertToState(start);
        }
        assertGt(mixed, 12);
    }

    function _who(uint256 i) private pure returns (address) {
        return address(uint160(0x7000 + i));
    }

    function _platform(uint256 i) private pure returns (bytes32) {
        return keccak256(abi.encode("platform", i));
    }

    function _draw(uint256 seed, string memory what, uint256 i, uint256 n) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, what, i))) % n;
    }

    /// @dev Platforms and operators, some of which have since been stopped or have lapsed.
    function _history(uint256 seed) private {
        I.Report memory report = _report();
        for (uint256 p; p < PLATFORMS - 1; ++p) {
            _addPlatform(report, _platformEntry(_platform(p)));
        }
        for (uint256 o; o < OPERATORS - 2; ++o) {
            I.Grant memory g = _grant(_who(o));
            g.platformId = _platform(_draw(seed, "home", o, PLATFORMS - 1));
            g.expiry = uint40(START + _draw(seed, "expiry", o, 20 hours));
            _addGrant(report, g);
        }
        _post(report);
        vm.warp(START + 2 hours);
        for (uint256 o; o < OPERATORS; ++o) {
            uint256 fate = _draw(seed, "fate", o, 8);
            if (fate == 0) {
                vm.prank(guardian);
                registry.freezeOperator(_who(o), 1, 0);
            } else if (fate == 1) {
                vm.prank(governor);
                governance.revokeOperator(_who(o), 1, 0);
            } else if (fate == 2 && o < OPERATORS - 2) {
                vm.prank(_who(o));
                registry.deregister();
            }
        }
        if (_draw(seed, "platform", 0, 2) == 0) {
            vm.prank(guardian);
            registry.freezePlatform(_platform(_draw(seed, "platform", 1, PLATFORMS)), 1, 0);
        }
        vm.warp(START + 3 hours);
    }

    /// @dev Half of the subjects get an item; a third of the items are spoilt in one way or another.
    function _items(uint256 seed) private view returns (Items memory items) {
        I.Report memory report = _report();
        for (uint256 p; p < PLATFORMS; ++p) {
            if (_draw(seed, "entry", p, 2) == 0) continue;
            I.PlatformEntry memory e = _platformEntry(_platform(p));
            e.custody = uint8(_draw(seed, "custody", p, 4));
            if (_draw(seed, "short", p, 3) == 0) e.custodyExpiry = uint40(START + _draw(seed, "until", p, 30 hours));
            if (_draw(seed, "spoilt", p, 6) == 0) ++e.statusNonce;
            if (_draw(seed, "provider", p, 6) == 0) e.provider = 9;
            _addPlatform(report, e);
        }
        items.entries = report.platforms;
        items.lanes = new uint256[](OPERATORS);
        items.words = new uint256[](OPERATORS);
        uint256 n;
        for (uint256 o; o < OPERATORS; ++o) {
            uint256 kind = _draw(seed, "kind", o, 4);
            if (kind < 2) _addGrant(report, _someGrant(seed, o));
            if (kind != 2) continue;
            I.Attestation memory a = registry.attestationOf(_who(o));
            if (a.lane == 0) continue;
            uint256 expiry = START + 2 hours + _draw(seed, "renew", o, 30 hours);
            uint256 generation = _draw(seed, "generation", o, 4) == 0 ? a.generation + 1 : a.generation;
            (items.lanes[n], items.words[n++]) = (a.lane, (expiry / 64 << 6) | generation);
        }
        items.grants = report.grants;
        (uint256[] memory lanes, uint256[] memory words) = (items.lanes, items.words);
        assembly ("memory-safe") {
            mstore(lanes, n)
            mstore(words, n)
        }
    }

    function _someGrant(uint256 seed, uint256 o) private view returns (I.Grant memory g) {
        g = _grant(_who(o));
        g.platformId = _platform(_draw(seed, "grant", o, PLATFORMS));
        g.custody = uint8(_draw(seed, "grant custody", o, 3));
        g.expiry = uint40(START + 3 hours + _draw(seed, "grant expiry", o, 20 hours));
        if (_draw(seed, "workload", o, 3) == 0) g.workloadId = keccak256(abi.encode("workload", o));
        uint256 fault = _draw(seed, "fault", o, 12);
        if (fault == 0) ++g.statusNonce;
        if (fault == 1) g.tcb = 0;
        if (fault == 2) g.expiry = uint40(START + 40 hours);
        if (fault == 3) g.instanceId = _instance(_who((o + 1) % OPERATORS)); // somebody else's, perhaps
        if (fault == 4) (g.instanceId, g.binding) = (0, 1);
    }

    /// @return mixed_ Did something apply, and something not?
    function _compare(Items memory items, uint256 cuts) private returns (bool mixed_) {
        uint256 n = items.entries.length + items.grants.length + items.lanes.length;
        uint256 snapshot = vm.snapshotState();
        bytes memory before = _state();
        uint256 whole = _postRange(items, 0, n);
        bytes memory expected = _state();
        vm.revertToState(snapshot);
        assertEq(keccak256(_state()), keccak256(before), "set back");
        uint256 from;
        uint256 parts;
        for (uint256 i = 1; i <= n; ++i) {
            if (i < n && (cuts >> (i % 256)) & 1 == 0) continue;
            parts += _postRange(items, from, i);
            from = i;
        }
        assertEq(keccak256(_state()), keccak256(expected), "the parts do what the whole does");
        assertEq(parts, whole, "as many items applied");
        return whole != 0 && whole < n;
    }

    /// @dev Posts items `from` to `to`. Returns how many applied.
    function _postRange(Items memory items, uint256 from, uint256 to) private returns (uint256 applied) {
        if (from == to) return 0;
        I.Report memory report = _report();
        (uint256 e, uint256 g) = (items.entries.length, items.entries.length + items.grants.length);
        uint256 slot;
        uint256 words;
        for (uint256 i = from; i < to; ++i) {
            if (i < e) {
                _addPlatform(report, items.entries[i]);
            } else if (i < g) {
                _addGrant(report, items.grants[i - e]);
            } else {
                uint256 lane = items.lanes[i - g];
                if (lane >> 3 != slot && words != 0) {
                    _addGroup(report, uint32(slot), words);
                    words = 0;
                }
                slot = lane >> 3;
                words |= items.words[i - g] << (224 - 32 * (lane % 8));
            }
        }
        if (words != 0) _addGroup(report, uint32(slot), words);
        bytes memory signatures = _signed(report);
        vm.recordLogs();
        try registry.post(report, MASK, signatures) {
            return to - from - _skips();
        } catch (bytes memory why) {
            assertEq(bytes4(why), I.NothingApplied.selector);
            return 0;
        }
    }

    /// @dev Items skipped since the last look, by the log.
    function _skips() private returns (uint256 n) {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] == I.ItemSkipped.selector) ++n;
        }
    }

    /// @dev All that a report's items can touch.
    function _state() private view returns (bytes memory state) {
        for (uint256 o; o < OPERATORS; ++o) {
            bytes32 instance = _instance(_who(o));
            state = abi.encodePacked(
                state,
                registry.operatorWord(_who(o)),
                abi.encode(registry.attestationOf(_who(o))),
                registry.instanceHolder(instance)
            );
        }
        for (uint256 p; p < PLATFORMS; ++p) {
            state = abi.encodePacked(
                state, abi.encode(registry.platform(_platform(p)), registry.platformLanes(_platform(p)))
            );
        }
        state = abi.encodePacked(
            state, registry.laneSlot(0), registry.laneSlot(1), registry.laneSlot(2), registry.control().nextLane
        );
    }
}
