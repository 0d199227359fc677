// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry as I} from "../../src/interfaces/IProofOfCloudRegistry.sol";
import {MockProofOfCloudRegistry} from "../../src/mocks/MockProofOfCloudRegistry.sol";
import {Test} from "forge-std/Test.sol";

/// @notice The mock's own levers. That it answers like the registry, `MockDifferential.t.sol` shows.
contract MockTest is Test {
    bytes32 private constant PLATFORM = keccak256("platform");
    bytes32 private constant WORKLOAD = keccak256("workload");

    MockProofOfCloudRegistry private mock = new MockProofOfCloudRegistry();
    address private operator = makeAddr("operator");

    function setUp() public {
        vm.warp(1_800_000_000);
    }

    function test_theSampleMeetsTheDefaultForAnHour() public {
        mock.attest(operator, PLATFORM, WORKLOAD);
        assertTrue(mock.isAttested(operator));
        assertEq(mock.platformOf(operator), PLATFORM);
        assertEq(mock.attestationOf(operator).workloadId, WORKLOAD);
        vm.warp(block.timestamp + 1 hours);
        assertFalse(mock.isAttested(operator));
    }

    /// @notice Also where forge's clock starts.
    function test_theSampleMeetsTheDefaultAtTimeOne() public {
        vm.warp(1);
        mock.attest(operator, PLATFORM, WORKLOAD);
        assertTrue(mock.isAttested(operator));
    }

    function _refuses(address who, I.Attestation memory a) private {
        vm.expectRevert(MockProofOfCloudRegistry.NotGrantable.selector);
        mock.attest(who, a);
    }

    /// @notice Each field just past its range, all else as it should be.
    function test_refusesWhatNoQuorumCanGrant() public {
        I.Attestation memory good = mock.sample(PLATFORM, WORKLOAD);
        _refuses(address(0), good);
        (uint8[4] memory low, uint8[4] memory high) = ([uint8(0), 0, 0, 0], [uint8(4), 7, 16, 128]);
        for (uint256 i; i < 2; ++i) {
            uint8[4] memory v = i == 0 ? low : high;
            I.Attestation memory a = mock.sample(PLATFORM, WORKLOAD);
            a.binding = v[0];
            _refuses(operator, a);
            a = mock.sample(PLATFORM, WORKLOAD);
            a.tcb = v[1];
            _refuses(operator, a);
            a = mock.sample(PLATFORM, WORKLOAD);
            a.teeClass = v[2];
            _refuses(operator, a);
            a = mock.sample(PLATFORM, WORKLOAD);
            a.provider = v[3];
            _refuses(operator, a);
        }
        good.custody = 3;
        _refuses(operator, good);
        good = mock.sample(0, WORKLOAD);
        _refuses(operator, good);
        good = mock.sample(PLATFORM, WORKLOAD);
        good.evidenceTime = 0;
        _refuses(operator, good);
        good = mock.sample(PLATFORM, WORKLOAD);
        ++good.evidenceTime;
        _refuses(operator, good);
        good = mock.sample(PLATFORM, WORKLOAD);
        ++good.expiry;
        _refuses(operator, good);
        good.ttl = 1 << 20;
        _refuses(operator, good);
        good.ttl = (1 << 20) - 1;
        mock.attest(operator, good);
        good.expiry = uint40(block.timestamp) + 24 hours + 1;
        _refuses(operator, good);
        good.ttl = 0;
        good.expiry = good.evidenceTime;
        _refuses(operator, good);
    }

    function test_renewsOnlyALiveAttestationAndOnlyForward() public {
        mock.attest(operator, PLATFORM, WORKLOAD);
        uint40 expiry = mock.attestationOf(operator).expiry;
        vm.expectRevert(MockProofOfCloudRegistry.NotGrantable.selector);
        mock.renew(operator, expiry);
        vm.expectRevert(MockProofOfCloudRegistry.NotGrantable.selector);
        mock.renew(operator, uint40(block.timestamp) + 24 hours + 64);
        mock.renew(operator, expiry + 64);
        assertEq(mock.attestationOf(operator).expiry, expiry + 64);
        mock.expire(operator);
        assertEq(uint8(mock.statusOf(operator)), uint8(I.Status.Expired));
        vm.expectRevert(MockProofOfCloudRegistry.NotGrantable.selector);
        mock.renew(operator, expiry + 128);
    }

    /// @notice What goes down with a platform or operator stays down until it is attested again.
    function test_revocationsAndFreezesOutliveTheirEnd() public {
        mock.attest(operator, PLATFORM, WORKLOAD);
        mock.revokePlatform(PLATFORM);
        assertEq(uint8(mock.statusOf(operator)), uint8(I.Status.Revoked));
        mock.reinstatePlatform(PLATFORM);
        assertEq(uint8(mock.statusOf(operator)), uint8(I.Status.Expired));
        mock.attest(operator, PLATFORM, WORKLOAD);
        mock.revokeOperator(operator);
        assertEq(uint8(mock.statusOf(operator)), uint8(I.Status.Revoked));
        vm.expectRevert(abi.encodeWithSelector(I.NotActive.selector, operator));
        mock.deregister(operator);
        mock.attest(operator, PLATFORM, WORKLOAD);
        assertTrue(mock.isAttested(operator));
    }

    /// @notice Provider freezes and pauses take nothing away for good.
    function test_pausesAndProviderFreezesEnd() public {
        mock.attest(operator, PLATFORM, WORKLOAD);
        mock.setProviderFrozen(1, true);
        mock.setPaused(true);
        assertEq(uint8(mock.statusOf(operator)), uint8(I.Status.Paused));
        mock.setPaused(false);
        assertEq(uint8(mock.statusOf(operator)), uint8(I.Status.Frozen));
        mock.setProviderFrozen(1, false);
        assertTrue(mock.isAttested(operator));
    }

    /// @notice Against a tree built by hand: three leaves, the odd one moves up.
    function test_verifiesDigests() public {
        bytes32[3] memory digests = [keccak256("a"), keccak256("b"), keccak256("c")];
        bytes32[3] memory leaves;
        for (uint256 i; i < 3; ++i) {
            leaves[i] = keccak256(abi.encode(keccak256(abi.encode(i, digests[i]))));
        }
        bytes32 inner = _pair(leaves[0], leaves[1]);
        bytes32[] memory proof = new bytes32[](2);
        (proof[0], proof[1]) = (leaves[1], leaves[2]);
        assertFalse(mock.verifyDigest(7, 0, digests[0], proof));
        mock.setBatchRoot(7, _pair(inner, leaves[2]));
        assertTrue(mock.verifyDigest(7, 0, digests[0], proof));
        assertFalse(mock.verifyDigest(8, 0, digests[0], proof));
        assertFalse(mock.verifyDigest(7, 1, digests[0], proof));
        assertFalse(mock.verifyDigest(7, 0, digests[1], proof));
        proof = new bytes32[](1);
        proof[0] = inner;
        assertTrue(mock.verifyDigest(7, 2, digests[2], proof));
    }

    function _pair(bytes32 a, bytes32 b) private pure returns (bytes32) {
        return a < b ? keccak256(abi.encodePacked(a, b)) : keccak256(abi.encodePacked(b, a));
    }

    function test_supportsTheQuestions() public view {
        assertTrue(mock.supportsInterface(0x01ffc9a7));
        assertFalse(mock.supportsInterface(0xffffffff));
    }
}
