// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {Quorum} from "../../src/libraries/Quorum.sol";
import {RelayerSetWord, RelayerSetWordLib} from "../../src/libraries/RelayerSetWord.sol";
import {Test} from "forge-std/Test.sol";

/// @notice Invariant 2's core: what passes was signed by exactly k different members, none of them disabled. For a set
/// of three with any threshold, any members disabled, any mask, any signatures. `ecrecover` is any function.
contract QuorumCheck is Test {
    uint256 private constant HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;
    address[] private _members;
    RelayerSetWord private _set;

    function setUp() public {
        _members = [address(0x1001), address(0x1002), address(0x1003)];
        _set = RelayerSetWordLib.create(_members, 1, 1);
    }

    function check(RelayerSetWord set, uint256 threshold, bytes32 digest, uint32 mask, bytes calldata signatures)
        external
        view
    {
        Quorum.check(set, threshold, digest, mask, signatures);
    }

    function check_noSignature(uint8 threshold, bytes32 digest, uint32 mask, uint32 disabled) public view {
        _checkQuorum(threshold, digest, mask, disabled, new bytes32[](0));
    }

    function check_oneSignature(uint8 threshold, bytes32 digest, uint32 mask, uint32 disabled, bytes32[2] memory s)
        public
        view
    {
        _checkQuorum(threshold, digest, mask, disabled, _list(abi.encode(s)));
    }

    function check_twoSignatures(uint8 threshold, bytes32 digest, uint32 mask, uint32 disabled, bytes32[4] memory s)
        public
        view
    {
        _checkQuorum(threshold, digest, mask, disabled, _list(abi.encode(s)));
    }

    function check_threeSignatures(uint8 threshold, bytes32 digest, uint32 mask, uint32 disabled, bytes32[6] memory s)
        public
        view
    {
        _checkQuorum(threshold, digest, mask, disabled, _list(abi.encode(s)));
    }

    function _checkQuorum(uint256 threshold, bytes32 digest, uint32 mask, uint32 disabled, bytes32[] memory s)
        private
        view
    {
        vm.assume(threshold != 0); // `create` refuses zero
        RelayerSetWord set = RelayerSetWord.wrap(RelayerSetWord.unwrap(_set) | (uint256(disabled) << 184));
        bytes memory signatures = abi.encodePacked(s);
        try this.check(set, threshold, digest, mask, signatures) {}
        catch {
            return;
        }
        assert(s.length == 2 * threshold);
        assert(mask < 8);
        assert(mask & disabled == 0);
        // First, because Halmos does not count the panic of an index past the end.
        assert((mask & 1) + ((mask >> 1) & 1) + (mask >> 2) == threshold);
        uint256 taken;
        for (uint256 i; i < 3; ++i) {
            if ((mask >> i) & 1 == 0) continue;
            uint256 vs = uint256(s[2 * taken + 1]);
            uint256 low = vs & (type(uint256).max >> 1);
            assert(low <= HALF_ORDER);
            assert(ecrecover(digest, uint8(27 + (vs >> 255)), s[2 * taken], bytes32(low)) == _members[i]);
            ++taken;
        }
        assert(taken == threshold);
    }

    /// @dev `encoded` is an array of fixed length.
    function _list(bytes memory encoded) private pure returns (bytes32[] memory list) {
        list = new bytes32[](encoded.length / 32);
        for (uint256 i; i < list.length; ++i) {
            assembly ("memory-safe") {
                mstore(add(add(list, 32), shl(5, i)), mload(add(add(encoded, 32), shl(5, i))))
            }
        }
    }
}
