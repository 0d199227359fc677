// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry as I} from "../src/interfaces/IProofOfCloudRegistry.sol";
import {MockProofOfCloudRegistry} from "../src/mocks/MockProofOfCloudRegistry.sol";
import {RegistryTest} from "./utils/RegistryTest.sol";

/// @notice Registry and mock walk through one history, and must answer every question alike after each step: the same
/// booleans, the same reasons, the same attestations. An integrator's test on the mock is worth what this shows.
contract MockDifferentialTest is RegistryTest {
    uint256 private constant OPERATORS = 3;
    uint256 private constant PLATFORMS = 2;
    uint256 private constant STEPS = 10;
    uint256 private constant WALKS = 30;

    MockProofOfCloudRegistry private mock;
    uint256 private _yes;
    uint256 private _denials;

    function setUp() public override {
        super.setUp();
        mock = new MockProofOfCloudRegistry();
        assertEq(mock.MAX_TTL(), registry.MAX_TTL());
    }

    /// forge-config: default.fuzz.runs = 128
    function testFuzz_answersAlike(uint256 seed) public {
        walk(seed);
    }

    /// @notice The walk goes everywhere: in some of them, yes and every reason for a no have come up.
    function test_theWalkReachesEveryAnswer() public {
        uint256 snapshot = vm.snapshotState();
        (uint256 yes, uint256 denials) = (0, 0);
        for (uint256 seed; seed < WALKS; ++seed) {
            // A call of its own, whose memory ends with it.
            (uint256 moreYes, uint256 moreDenials) = this.walk(seed);
            (yes, denials) = (yes + moreYes, denials | moreDenials);
            vm.revertToState(snapshot);
        }
        assertGt(yes, 100);
        assertEq(denials | 1, (1 << (uint256(type(I.Denial).max) + 1)) - 1); // None has no bit
    }

    /// @notice How many answers were yes, and which reasons for a no there were: a walk without them shows nothing.
    function walk(uint256 seed) public returns (uint256, uint256) {
        for (uint256 i; i < STEPS; ++i) {
            seed = _next(seed);
            _step(seed);
            _compare(_next(seed));
        }
        return (_yes, _denials);
    }

    // ---------------------------------------------------------------------------------------------- steps

    function _step(uint256 seed) private {
        uint256 kind = seed % 16;
        seed = _next(seed);
        if (kind < 8) _attest(seed);
        else if (kind < 10) _renew(seed);
        else if (kind < 13) _wait(seed);
        else if (kind == 13) _deregister(_who(seed));
        else if (kind == 14 && seed % 4 == 0) _revoke(seed >> 8);
        else _freeze(seed);
    }

    /// @dev A report of one item reverts if the item does not apply; then the mock hears nothing of it.
    function _tryPost(I.Report memory report) private returns (bool posted) {
        bytes memory signatures = _signed(report);
        try registry.post(report, MASK, signatures) {
            posted = true;
        } catch {}
    }

    function _attest(uint256 seed) private {
        I.Grant memory g = _grant(_who(seed));
        g.platformId = _platform(seed >> 8);
        I.Report memory report = _report();
        I.PlatformEntry memory entry = _platformEntry(g.platformId);
        entry.custodyExpiry = START + 365 days;
        _addPlatform(report, entry);
        if (_tryPost(report)) mock.reinstatePlatform(g.platformId);

        I.Attestation memory a;
        a.binding = g.binding = uint8(_pick(seed >> 16, 1, 3));
        a.custody = g.custody = uint8(_pick(seed >> 24, 0, 2));
        a.tcb = g.tcb = uint8(seed >> 32) % 2 == 0 ? 1 : uint8(_pick(seed >> 40, 1, 6));
        a.teeClass = g.teeClass = uint8(_pick(seed >> 48, 1, 15));
        a.flags = g.flags = uint8(seed >> 56);
        a.ttl = g.ttl = uint32(_pick(seed >> 64, 1 hours, 3 days));
        a.evidenceTime = g.evidenceTime = uint40(vm.getBlockTimestamp() - _pick(seed >> 96, 0, 30 minutes));
        a.expiry = g.expiry = uint40(vm.getBlockTimestamp() + _pick(seed >> 128, 0, 24 hours));
        a.workloadId = g.workloadId = _workload(seed >> 160);
        a.platformId = g.platformId;
        a.provider = entry.provider;
        if (g.expiry > g.evidenceTime + g.ttl) a.expiry = g.expiry = g.evidenceTime + g.ttl;
        report = _report();
        _addGrant(report, g);
        if (_tryPost(report)) mock.attest(g.operator, a);
    }

    function _renew(uint256 seed) private {
        address who = _who(seed);
        if (registry.attestationOf(who).lane == 0) return;
        uint40 expiry = uint40(vm.getBlockTimestamp() + _pick(seed >> 8, 0, 25 hours));
        if (_tryPost(_renewal(who, expiry))) {
            mock.renew(who, expiry);
        } else {
            vm.expectRevert(MockProofOfCloudRegistry.NotGrantable.selector);
            mock.renew(who, expiry);
        }
    }

    /// @dev Back as well, which no chain does: only so can an expiry lie too far ahead. Often to where an answer turns.
    function _wait(uint256 seed) private {
        uint256 time = vm.getBlockTimestamp();
        uint256 expiry = registry.attestationOf(_who(seed >> 40)).expiry;
        if (seed % 8 < 2 && expiry > time) vm.warp(expiry - (seed >> 8) % 2);
        else if (seed % 8 == 2 && expiry > time) vm.warp(expiry - registry.MAX_TTL() - (seed >> 8) % 2);
        else if (seed % 8 == 3) vm.warp(time - _pick(seed >> 8, 0, 12 hours));
        else if (seed % 8 == 4) vm.warp(time + _pick(seed >> 8, 72 hours, 80 hours));
        else vm.warp(time + _pick(seed >> 8, 1, 10 hours));
    }

    function _deregister(address who) private {
        vm.prank(who);
        try registry.deregister() {
            mock.deregister(who);
        } catch {
            vm.expectRevert(abi.encodeWithSelector(I.NotActive.selector, who));
            mock.deregister(who);
        }
    }

    function _freeze(uint256 seed) private {
        address who = _who(seed >> 8);
        bytes32 id = _platform(seed >> 8);
        vm.startPrank(guardian);
        if (seed % 8 < 4) {
            try registry.freezeOperator(who, 1, 0) {
                mock.freezeOperator(who);
            } catch {}
        } else if (seed % 8 < 6) {
            try registry.freezePlatform(id, 1, 0) {
                mock.freezePlatform(id);
            } catch {}
        } else if (seed % 8 == 6) {
            try registry.freezeProvider(PROVIDER, 1, 0) {
                mock.setProviderFrozen(PROVIDER, true);
            } catch {}
        } else {
            try registry.pause(1, 0) {
                mock.setPaused(true);
            } catch {}
        }
        vm.stopPrank();
    }

    /// @dev An operator, or rarely a platform; no governor reinstates them here, for that takes days.
    function _revoke(uint256 seed) private {
        address who = _who(seed >> 8);
        bytes32 id = _platform(seed >> 8);
        vm.startPrank(governor);
        if (seed % 4 != 0) {
            try governance.revokeOperator(who, 1, 0) {
                mock.revokeOperator(who);
            } catch {}
        } else {
            try governance.revokePlatform(id, 1, 0) {
                mock.revokePlatform(id);
            } catch {}
        }
        vm.stopPrank();
    }

    /// @notice Both say of the same interfaces that they have them.
    function testFuzz_supportTheSameInterfaces(bytes4 id) public view {
        assertEq(registry.supportsInterface(id), mock.supportsInterface(id));
        bytes4[3] memory known = [bytes4(0x01ffc9a7), bytes4(0xffffffff), _questions()];
        for (uint256 i; i < known.length; ++i) {
            assertEq(registry.supportsInterface(known[i]), i != 1);
            assertEq(mock.supportsInterface(known[i]), i != 1);
        }
    }

    /// @dev The selectors of all that a relying party asks, by their names.
    function _questions() private pure returns (bytes4 id) {
        string memory r = "(uint8,uint8,uint8,uint16,uint32,uint32,bool,bytes32,uint16)";
        string[8] memory all = [
            "isAttested(address)",
            string.concat("isAttested(address,", r, ")"),
            string.concat("requireAttested(address,", r, ")"),
            "attestationOf(address)",
            "statusOf(address)",
            "platformOf(address)",
            "distinctPlatforms(address[])",
            "verifyDigest(uint64,uint256,bytes32,bytes32[])"
        ];
        for (uint256 i; i < all.length; ++i) {
            id ^= bytes4(keccak256(bytes(all[i])));
        }
    }

    // ---------------------------------------------------------------------------------------------- comparison

    function _compare(uint256 seed) private {
        address[] memory operators = new address[](OPERATORS + 2);
        for (uint256 i; i < operators.length; ++i) {
            address who = operators[i] = i < OPERATORS ? _who(i) : address(uint160(seed >> (8 * i)));
            assertEq(registry.isAttested(who), mock.isAttested(who), "isAttested");
            assertEq(uint8(registry.statusOf(who)), uint8(mock.statusOf(who)), "statusOf");
            assertEq(registry.platformOf(who), mock.platformOf(who), "platformOf");
            assertEq(abi.encode(registry.attestationOf(who)), abi.encode(mock.attestationOf(who)), "attestationOf");
            for (uint256 j; j < 6; ++j) {
                seed = _next(seed);
                _compareRequirement(who, _requirement(seed, j, registry.attestationOf(who)));
            }
        }
        operators[OPERATORS] = operators[0];
        assertEq(registry.distinctPlatforms(operators), mock.distinctPlatforms(operators), "distinctPlatforms");
    }

    function _compareRequirement(address who, I.Requirement memory r) private {
        bool yes = registry.isAttested(who, r);
        assertEq(yes, mock.isAttested(who, r), "isAttested with a requirement");
        bytes memory question = abi.encodeCall(I.requireAttested, (who, r));
        (bool real, bytes memory reason) = address(registry).staticcall(question);
        (bool mocked, bytes memory mockedReason) = address(mock).staticcall(question);
        assertEq(real, yes);
        assertEq(real, mocked, "requireAttested");
        assertEq(reason, mockedReason, "reason");
        if (yes) ++_yes;
        else _denials |= 1 << uint8(reason[reason.length - 1]);
    }

    /// @dev `j` of them: nothing, all fields within what can be met, or one field alone. Times are next to where the
    /// answer turns, half of the time.
    function _requirement(uint256 seed, uint256 j, I.Attestation memory a)
        private
        view
        returns (I.Requirement memory r)
    {
        if (j == 0) return r;
        uint256 only = j == 1 ? 9 : seed % 9;
        seed >>= 8;
        if (only == 0 || only == 9) r.minBinding = uint8(seed % 5);
        if (only == 1 || only == 9) r.minCustody = uint8((seed >> 8) % 4);
        if (only == 2 || only == 9) r.maxTcb = uint8((seed >> 16) % 8);
        if (only == 3 || only == 9) r.teeClasses = uint16(seed >> 24);
        if (only == 4 || only == 9) r.maxAge = _near(seed >> 40, a.expiry < a.ttl ? 0 : a.expiry - a.ttl);
        if (only == 5 || only == 9) r.minContinuity = _near(seed >> 72, a.attestedSince);
        if (only == 6 || only == 9) r.requireKeyInTd = (seed >> 104) % 2 == 0;
        if (only == 7 || only == 9) r.workload = _workload(seed >> 112);
        if (only == 8 || only == 9) r.provider = uint16(PROVIDER - 1 + ((seed >> 120) % 4));
    }

    // ---------------------------------------------------------------------------------------------- what there is

    function _next(uint256 seed) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed)));
    }

    function _pick(uint256 seed, uint256 low, uint256 high) private pure returns (uint256) {
        return low + uint256(uint32(seed)) % (high - low + 1);
    }

    /// @dev How long ago `time` was, or a second less or more; or any time.
    function _near(uint256 seed, uint256 time) private view returns (uint32) {
        uint256 since = vm.getBlockTimestamp();
        if (seed % 2 == 0 || since <= time) return uint32(_pick(seed, 0, 30 hours));
        return uint32(since - time + (seed >> 1) % 3 - 1);
    }

    function _who(uint256 seed) private pure returns (address) {
        return address(uint160(0x5000 + seed % OPERATORS));
    }

    function _platform(uint256 seed) private pure returns (bytes32) {
        return keccak256(abi.encode("platform", seed % PLATFORMS));
    }

    function _workload(uint256 seed) private pure returns (bytes32) {
        return seed % 3 == 0 ? bytes32(0) : keccak256(abi.encode("workload", seed % 3));
    }
}
