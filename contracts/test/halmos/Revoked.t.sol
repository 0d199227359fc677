// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudGovernance as IGov} from "../../src/interfaces/IProofOfCloudGovernance.sol";
import {IProofOfCloudRegistry as I} from "../../src/interfaces/IProofOfCloudRegistry.sol";
import {SymbolicTest} from "./SymbolicTest.sol";

/// @notice Invariant 3, one step from any state: no report, whatever its signature, and no call takes a subject out of
/// Revoked, or gives away its instance. `reinstate`, of which `Down.t.sol` shows that it waits, leads to Frozen.
contract RevokedCheck is SymbolicTest {
    uint256 private constant REVOKED = uint256(I.Status.Revoked);
    uint256 private constant FROZEN = uint256(I.Status.Frozen);
    /// @dev One time: the words are arbitrary, and with them how they lie to it.
    uint40 private constant NOW = 1_800_000_000;

    // ---------------------------------------------------------------------------------------------- operators

    function _status(address operator) private view returns (uint256) {
        return (registry.operatorWord(operator) >> 24) & 7;
    }

    /// @dev A report of one item in which nothing applies reverts: so if it is not applied, nothing has changed.
    function _post(I.Report memory report, bytes32 r, bytes32 vs) private returns (bool) {
        report.relayerSetId = 1;
        report.policyDigest = POLICY;
        (report.issuedAt, report.deadline) = (NOW, NOW);
        return _try(address(this), abi.encodeCall(I.post, (report, 1, abi.encodePacked(r, vs))));
    }

    function _postGrant(I.Grant memory g, bytes32 r, bytes32 vs) private returns (bool) {
        I.Report memory report;
        report.grants = new I.Grant[](1);
        report.grants[0] = g;
        return _post(report, r, vs);
    }

    function check_noGrantBringsOneBack(I.Grant memory g, bytes32 r, bytes32 vs) public {
        vm.warp(NOW);
        vm.assume(_status(g.operator) == REVOKED);
        assert(!_postGrant(g, r, vs));
    }

    function check_noGrantTakesItsInstance(I.Grant memory g, address holder, bytes32 r, bytes32 vs) public {
        vm.warp(NOW);
        vm.assume(holder != address(0) && holder != g.operator && _status(holder) == REVOKED);
        vm.assume(g.instanceId != 0 && registry.instanceHolder(g.instanceId) == holder);
        assert(!_postGrant(g, r, vs));
    }

    function _expectStays(address sender, bytes memory data, address operator) private {
        vm.assume(_status(operator) == REVOKED);
        _try(sender, data);
        assert(_status(operator) == REVOKED);
    }

    function check_freezeLeavesIt(address operator, address other, uint256 control, uint256 time) public {
        _anyState(control, time);
        _expectStays(GUARDIAN, abi.encodeCall(I.freezeOperator, (other, 1, 0)), operator);
    }

    function check_deregisterLeavesIt(address operator, address other, uint256 control, uint256 time) public {
        _anyState(control, time);
        _expectStays(other, abi.encodeCall(I.deregister, ()), operator);
    }

    function check_liftLeavesIt(address operator, bytes32 subject, uint32 nonce, uint256 control, uint256 time) public {
        _anyState(control, time);
        bytes memory data = abi.encodeCall(IGov.liftFreeze, (I.Subject.Operator, subject, nonce));
        _expectStays(address(this), data, operator);
    }

    function check_reinstateLeadsToFrozen(address operator, uint32 nonce, uint256 control, uint256 time) public {
        _anyState(control, time);
        bytes32 subject = bytes32(uint256(uint160(operator)));
        if (!_try(address(this), abi.encodeCall(IGov.reinstate, (I.Subject.Operator, subject, nonce)))) return;
        assert(_status(operator) == FROZEN);
    }

    // ---------------------------------------------------------------------------------------------- platforms

    function _platformStatus(bytes32 id) private view returns (uint256) {
        return (_platformWord(id) >> 24) & 15;
    }

    function check_noEntryBringsAPlatformBack(I.PlatformEntry memory e, bytes32 r, bytes32 vs) public {
        vm.warp(NOW);
        vm.assume(_platformStatus(e.platformId) == REVOKED);
        I.Report memory report;
        report.platforms = new I.PlatformEntry[](1);
        report.platforms[0] = e;
        assert(!_post(report, r, vs));
    }

    function check_noGrantOnARevokedPlatform(I.Grant memory g, bytes32 r, bytes32 vs) public {
        vm.warp(NOW);
        vm.assume(_platformStatus(g.platformId) == REVOKED);
        assert(!_postGrant(g, r, vs));
    }

    function check_freezeAndLiftLeaveAPlatform(bytes32 id, uint32 nonce, uint256 control, uint256 time) public {
        _anyState(control, time);
        vm.assume(_platformStatus(id) == REVOKED);
        assert(!_try(GUARDIAN, abi.encodeCall(I.freezePlatform, (id, 1, 0))));
        assert(!_try(address(this), abi.encodeCall(IGov.liftFreeze, (I.Subject.Platform, id, nonce))));
    }

    function check_reinstateLeadsAPlatformToFrozen(bytes32 id, uint32 nonce, uint256 control, uint256 time) public {
        _anyState(control, time);
        if (!_try(address(this), abi.encodeCall(IGov.reinstate, (I.Subject.Platform, id, nonce)))) return;
        assert(_platformStatus(id) == FROZEN);
    }
}
