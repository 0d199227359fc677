// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry as I} from "../src/interfaces/IProofOfCloudRegistry.sol";
import {Quorum} from "../src/libraries/Quorum.sol";
import {RelayerSetWord, RelayerSetWordLib} from "../src/libraries/RelayerSetWord.sol";
import {SignatureVerifier} from "../src/libraries/SignatureVerifier.sol";
import {Test} from "forge-std/Test.sol";

/// @notice Exactly k signatures, of exactly k members: each condition by itself, where the others hold.
contract QuorumTest is Test {
    bytes32 private constant DIGEST = keccak256("digest");
    RelayerSetWord private _set;

    function setUp() public {
        address[] memory members = new address[](4);
        for (uint256 i; i < 4; ++i) {
            members[i] = vm.addr(i + 1);
        }
        _set = RelayerSetWordLib.create(members, 3, 2);
    }

    function check(uint256 threshold, uint32 mask, bytes calldata signatures) external view {
        Quorum.check(_set, threshold, DIGEST, mask, signatures);
    }

    function isSignedBy(address signer, bytes calldata signature) external view returns (bool) {
        uint256 offset;
        assembly ("memory-safe") {
            offset := signature.offset
        }
        return SignatureVerifier.isSignedBy(signer, DIGEST, offset);
    }

    function _sign(uint32 mask) private pure returns (bytes memory signatures) {
        for (uint256 i; i < 4; ++i) {
            if ((mask >> i) & 1 == 0) continue;
            (bytes32 r, bytes32 vs) = vm.signCompact(i + 1, DIGEST);
            signatures = abi.encodePacked(signatures, r, vs);
        }
    }

    function _expectRefusal(uint32 mask) private {
        vm.expectRevert(abi.encodeWithSelector(I.InvalidSigners.selector, mask));
    }

    function test_takesAnyThree() public view {
        this.check(3, 0x7, _sign(0x7));
        this.check(3, 0xd, _sign(0xd));
        this.check(3, 0xe, _sign(0xe));
    }

    /// @notice Two good signatures and a filler of the right length are not three.
    function test_refusesFewerBitsThanSignatures() public {
        bytes memory padded = abi.encodePacked(_sign(0x3), new bytes(64));
        _expectRefusal(0x3);
        this.check(3, 0x3, padded);
        _expectRefusal(0);
        this.check(3, 0, new bytes(192));
    }

    /// @notice A fourth signature behind the end of `signatures` is not read, though calldata goes on there.
    function test_refusesMoreBitsThanSignatures() public {
        bytes memory all = _sign(0xf);
        bytes memory data = abi.encodeCall(this.check, (3, 0xf, all));
        assembly ("memory-safe") {
            // The length of `signatures`, the fourth word: 192 of the 256 bytes that are there.
            mstore(add(data, add(36, 96)), 192)
        }
        (bool ok, bytes memory answer) = address(this).staticcall(data);
        assertFalse(ok);
        assertEq(answer, abi.encodeWithSelector(I.InvalidSigners.selector, 0xf));
    }

    /// @notice The greatest s that counts, and the next: whoever ecrecover names is a member here, so that nothing but s
    /// decides.
    function test_refusesAnSInTheUpperHalf() public {
        (, bytes32 r,) = vm.sign(1, DIGEST);
        uint256 half = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;
        for (uint256 i; i < 2; ++i) {
            address[] memory members = new address[](1);
            members[0] = ecrecover(DIGEST, 27, r, bytes32(half + i));
            assertTrue(members[0] != address(0));
            _set = RelayerSetWordLib.create(members, 1, 1);
            if (i == 1) vm.expectRevert(abi.encodeWithSelector(I.InvalidSignature.selector, 0));
            this.check(1, 1, abi.encodePacked(r, half + i));
        }
    }

    /// @notice Where nobody can be recovered, `ecrecover` leaves a zero behind, and zero is nobody's address.
    function test_nobodySignsAsZero() public view {
        assertTrue(this.isSignedBy(vm.addr(1), _sign(1)));
        assertFalse(this.isSignedBy(address(0), new bytes(64)));
        assertFalse(this.isSignedBy(vm.addr(1), new bytes(64)));
    }

    function test_aSetIsInForceUntilItRetires() public view {
        assertTrue(_set.inForce(0));
        RelayerSetWord retired = _set.withRetiredAt(1000);
        assertTrue(retired.inForce(999));
        assertFalse(retired.inForce(1000));
        assertFalse(RelayerSetWord.wrap(0).inForce(0));
    }
}
