// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry as I} from "../src/interfaces/IProofOfCloudRegistry.sol";
import {GasFixture} from "./utils/GasFixture.sol";

/// @notice Gas is an output like any other: whole transactions in steady state, measured with `--isolate`, kept in
/// `snapshots/Registry.json`. Steady: the ring of roots has gone round once, and workloads are known.
contract GasTest is GasFixture {
    string private constant GROUP = "Registry";

    /// @dev The snapshot shows that a number has moved, and the budget how far it may: a snapshot is soon written anew.
    function _keep(string memory row, uint256 gasUsed, uint256 budget) private {
        assertLe(gasUsed, budget, row);
        vm.snapshotValue(GROUP, row, gasUsed);
    }

    function _measure(I.Report memory report, string memory row, uint256 per, uint256 budget) private {
        bytes memory signatures = _signed(report);
        registry.post(report, MASK, signatures);
        _keep(row, vm.lastCallGas().gasTotalUsed / per, budget);
    }

    /// @dev What a read costs inside the callee: the transaction less what sending its calldata costs.
    function _measureRead(bytes memory data, string memory row, uint256 budget) private {
        (bool ok,) = address(registry).call(data);
        assertTrue(ok);
        uint256 gasUsed = vm.lastCallGas().gasTotalUsed - 21_000;
        for (uint256 i; i < data.length; ++i) {
            gasUsed -= data[i] == 0 ? 4 : 16;
        }
        _keep(row, gasUsed, budget);
    }

    function test_isAttested() public {
        _measureRead(abi.encodeWithSignature("isAttested(address)", address(1)), "isAttested", 7200);
    }

    function test_requireAttested() public {
        I.Requirement memory r = _default();
        _measureRead(abi.encodeCall(I.requireAttested, (address(1), r)), "requireAttested", 8600);
        r.workload = WORKLOAD;
        _measureRead(abi.encodeCall(I.requireAttested, (address(1), r)), "requireAttested_workload", 10_900);
    }

    function test_renew_1() public {
        _grantMany(0, 1, false);
        _measure(_renewMany(9, 1, 1), "renew_1", 1, 76_000);
    }

    function test_renew_32() public {
        _grantMany(0, 40, false);
        _measure(_renewMany(16, 32, 1), "renew_32_per_operator", 32, 3900);
        assertEq(registry.attestationOf(_who(10)).expiry, _floor(START + 2 hours + TTL - 64));
    }

    function test_renew_128() public {
        _grantMany(0, 136, false);
        _measure(_renewMany(16, 128, 1), "renew_128_per_operator", 128, 2350);
        assertEq(registry.attestationOf(_who(130)).expiry, _floor(START + 2 hours + TTL - 64));
    }

    function test_renew_32_sparse() public {
        _grantMany(0, 256, false);
        _measure(_renewMany(16, 32, 8), "renew_32_sparse_per_operator", 32, 9600);
    }

    function test_register_8_knownPlatform() public {
        // Lane slots fill up in turn; a batch of eight takes exactly one new one.
        _grantMany(0, 7, false);
        vm.warp(START + 1 hours);
        I.Report memory report = _report();
        for (uint256 i; i < 8; ++i) {
            _addGrant(report, _grant(_who(100 + i)));
        }
        _measure(report, "register_8_known_platform_per_operator", 8, 76_000);
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
        _measure(report, "register_8_new_platform_per_operator", 8, 120_000);
        assertEq(registry.attestationOf(_who(107)).lane, 23);
    }

    function test_freezeOperator() public {
        _grantMany(0, 8, false);
        vm.prank(guardian);
        registry.freezeOperator(_who(3), 1, keccak256("evidence"));
        _keep("freeze_operator", vm.lastCallGas().gasTotalUsed, 46_000);
        assertFalse(registry.isAttested(_who(3)));
    }

    function test_pause() public {
        vm.prank(guardian);
        registry.pause(1, keccak256("evidence"));
        _keep("pause", vm.lastCallGas().gasTotalUsed, 40_000);
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
        _keep("freeze_platform_8", vm.lastCallGas().gasTotalUsed, 92_000);
        for (uint256 i; i < 64; ++i) {
            assertEq(registry.isAttested(_who(i)), i % 8 != 0);
        }
    }
}
