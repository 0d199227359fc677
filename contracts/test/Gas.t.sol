// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry as I} from "../src/interfaces/IProofOfCloudRegistry.sol";
import {RegistryTest} from "./utils/RegistryTest.sol";

/// @notice Gas is an output like any other: whole transactions in steady state, measured with `--isolate`, kept in
/// `snapshots/Registry.json`. Steady: the ring of roots has gone round once, and workloads are known.
contract GasTest is RegistryTest {
    string private constant GROUP = "Registry";

    function setUp() public override {
        super.setUp();
        vm.record();
        _register(address(1));
        (, bytes32[] memory writes) = vm.accesses(address(registry));
        bytes32 root = registry.batchRoot(0);
        for (uint256 i; i < writes.length; ++i) {
            if (vm.load(address(registry), writes[i]) != root) continue;
            for (uint256 j; j < 1024; ++j) {
                vm.store(address(registry), bytes32(uint256(writes[i]) + j), root);
            }
            break;
        }
        vm.warp(START + 1);
    }

    /// @dev Grants `count` operators, each on a platform of its own if `spread`, in batches of 64.
    function _grantMany(uint256 first, uint256 count, bool spread) private {
        for (uint256 done; done < count; done += 64) {
            vm.warp(vm.getBlockTimestamp() + 1);
            I.Report memory report = _report();
            for (uint256 i = done; i < count && i < done + 64; ++i) {
                I.Grant memory g = _grant(_who(first + i));
                g.platformId =
                    spread ? keccak256(abi.encode("own platform", i)) : keccak256(abi.encode("shared", i / 64));
                if (registry.platform(g.platformId).index == 0 && (spread || i % 64 == 0)) {
                    _addPlatform(report, _platformEntry(g.platformId));
                }
                _addGrant(report, g);
            }
            _post(report);
        }
    }

    function _who(uint256 i) private pure returns (address) {
        return address(uint160(uint256(keccak256(abi.encode("operator", i)))));
    }

    /// @dev Renews `count` lanes from `first`, `stride` apart.
    function _renewMany(uint256 first, uint256 count, uint256 stride) private returns (I.Report memory report) {
        vm.warp(START + 2 hours);
        report = _report();
        uint256 expiry = START + 2 hours + TTL - 64;
        uint256 words;
        for (uint256 i; i < count; ++i) {
            uint256 lane = first + i * stride;
            words |= _word(lane, expiry, 1);
            if (i + 1 == count || (lane + stride) / 8 != lane / 8) {
                _addGroup(report, uint32(lane / 8), words);
                words = 0;
            }
        }
    }

    function _measure(I.Report memory report, string memory row, uint256 per) private {
        bytes memory signatures = _signed(report);
        registry.post(report, MASK, signatures);
        uint256 gasUsed = vm.lastCallGas().gasTotalUsed;
        vm.snapshotValue(GROUP, row, gasUsed / per);
    }

    /// @dev What a read costs inside the callee: the transaction less what sending its calldata costs.
    function _measureRead(bytes memory data, string memory row) private {
        (bool ok,) = address(registry).call(data);
        assertTrue(ok);
        uint256 gasUsed = vm.lastCallGas().gasTotalUsed - 21_000;
        for (uint256 i; i < data.length; ++i) {
            gasUsed -= data[i] == 0 ? 4 : 16;
        }
        vm.snapshotValue(GROUP, row, gasUsed);
    }

    function test_isAttested() public {
        _measureRead(abi.encodeWithSignature("isAttested(address)", address(1)), "isAttested");
    }

    function test_requireAttested() public {
        I.Requirement memory r = _default();
        _measureRead(abi.encodeCall(I.requireAttested, (address(1), r)), "requireAttested");
        r.workload = WORKLOAD;
        _measureRead(abi.encodeCall(I.requireAttested, (address(1), r)), "requireAttested_workload");
    }

    function test_renew_1() public {
        _grantMany(0, 1, false);
        _measure(_renewMany(9, 1, 1), "renew_1", 1);
    }

    function test_renew_32() public {
        _grantMany(0, 40, false);
        _measure(_renewMany(16, 32, 1), "renew_32_per_operator", 32);
        assertEq(registry.attestationOf(_who(10)).expiry, _floor(START + 2 hours + TTL - 64));
    }

    function test_renew_128() public {
        _grantMany(0, 136, false);
        _measure(_renewMany(16, 128, 1), "renew_128_per_operator", 128);
        assertEq(registry.attestationOf(_who(130)).expiry, _floor(START + 2 hours + TTL - 64));
    }

    function test_renew_32_sparse() public {
        _grantMany(0, 256, false);
        _measure(_renewMany(16, 32, 8), "renew_32_sparse_per_operator", 32);
    }

    function test_register_8_knownPlatform() public {
        // Lane slots fill up in turn; a batch of eight takes exactly one new one.
        _grantMany(0, 7, false);
        vm.warp(START + 1 hours);
        I.Report memory report = _report();
        for (uint256 i; i < 8; ++i) {
            _addGrant(report, _grant(_who(100 + i)));
        }
        _measure(report, "register_8_known_platform_per_operator", 8);
        assertEq(registry.attestationOf(_who(107)).lane, 23);
    }

    function test_register_8_newPlatform() public {
        _grantMany(0, 7, false);
        vm.warp(START + 1 hours);
        I.Report memory report = _report();
        for (uint256 i; i < 8; ++i) {
            I.Grant memory g = _grant(_who(100 + i));
            g.platformId = keccak256(abi.encode("new platform", i));
            _addPlatform(report, _platformEntry(g.platformId));
            _addGrant(report, g);
        }
        _measure(report, "register_8_new_platform_per_operator", 8);
        assertEq(registry.attestationOf(_who(107)).lane, 23);
    }

    function test_freezeOperator() public {
        _grantMany(0, 8, false);
        vm.prank(guardian);
        registry.freezeOperator(_who(3), 1, keccak256("evidence"));
        vm.snapshotValue(GROUP, "freeze_operator", vm.lastCallGas().gasTotalUsed);
        assertFalse(registry.isAttested(_who(3)));
    }

    function test_pause() public {
        vm.prank(guardian);
        registry.pause(1, keccak256("evidence"));
        vm.snapshotValue(GROUP, "pause", vm.lastCallGas().gasTotalUsed);
        assertTrue(registry.control().paused);
    }

    function test_freezePlatform_8() public {
        bytes32 shared = keccak256("shared by eight");
        _grantMany(0, 64, false);
        vm.warp(START + 1 hours);
        I.Report memory report = _report();
        _addPlatform(report, _platformEntry(shared));
        for (uint256 i; i < 8; ++i) {
            I.Grant memory g = _grant(_who(8 * i));
            g.platformId = shared;
            _addGrant(report, g);
        }
        _post(report);
        vm.prank(guardian);
        registry.freezePlatform(shared, 1, keccak256("evidence"));
        vm.snapshotValue(GROUP, "freeze_platform_8", vm.lastCallGas().gasTotalUsed);
        for (uint256 i; i < 64; ++i) {
            assertEq(registry.isAttested(_who(i)), i % 8 != 0);
        }
    }
}
