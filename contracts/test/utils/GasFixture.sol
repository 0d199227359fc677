// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry as I} from "../../src/interfaces/IProofOfCloudRegistry.sol";
import {RegistryTest} from "./RegistryTest.sol";

/// @notice A registry in steady state, and fleets on it: the ring of roots has gone round once, workloads are known.
abstract contract GasFixture is RegistryTest {
    function setUp() public virtual override {
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
    function _grantMany(uint256 first, uint256 count, bool spread) internal {
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

    function _who(uint256 i) internal pure returns (address) {
        return address(uint160(uint256(keccak256(abi.encode("operator", i)))));
    }

    /// @dev Renews `count` lanes from `first`, `stride` apart.
    function _renewMany(uint256 first, uint256 count, uint256 stride) internal returns (I.Report memory report) {
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
}
