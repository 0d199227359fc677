// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry as I} from "../../src/interfaces/IProofOfCloudRegistry.sol";
import {SymbolicTest} from "./SymbolicTest.sol";

/// @notice Invariant 4 through the front door: a posted report that renews two lanes of any slot, whatever they hold.
contract RenewalsCheck is SymbolicTest {
    /// @dev One time: the words are arbitrary, and with them how they lie to it.
    uint40 private constant NOW = 1_800_000_000;

    function check_twoRenewalsOfOneSlot(uint32 slot, uint32 first, uint32 second, bytes32 r, bytes32 vs) public {
        // The control word is the first batch's: with any batch number Halmos could not tell the ring's slots apart.
        vm.warp(NOW);
        vm.assume(first != 0 && second != 0);
        I.Report memory report;
        report.relayerSetId = 1;
        report.policyDigest = POLICY;
        (report.issuedAt, report.deadline) = (NOW, NOW);
        report.renewals = abi.encodePacked(slot, uint32(0), uint32(0), first, uint32(0), uint32(0), second, uint64(0));
        report.digests = new bytes32[](2);
        uint256 before = registry.laneSlot(slot);
        // The signature is anything; that a wrong one is refused is shown in `Quorum.t.sol`.
        if (!_try(address(this), abi.encodeCall(I.post, (report, 1, abi.encodePacked(r, vs))))) return;
        uint256 result = registry.laneSlot(slot);
        _checkLane(_at(before, 2), first, _at(result, 2));
        _checkLane(_at(before, 5), second, _at(result, 5));
        uint256 both = (uint256(type(uint32).max) << 160) | (uint256(type(uint32).max) << 64);
        assert(before & ~both == result & ~both);
    }

    function _checkLane(uint256 old, uint256 renewal, uint256 result) private pure {
        bool may = old / 64 * 64 > NOW && old % 64 == renewal % 64 && renewal / 64 > old / 64
            && renewal / 64 * 64 <= NOW + MAX_TTL;
        assert(result == (may ? renewal : old));
    }

    function _at(uint256 slot, uint256 i) private pure returns (uint256) {
        return uint32(slot >> (224 - 32 * i));
    }
}
