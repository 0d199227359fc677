// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudGovernance as IGov} from "../../src/interfaces/IProofOfCloudGovernance.sol";
import {IProofOfCloudRegistry as I} from "../../src/interfaces/IProofOfCloudRegistry.sol";
import {SymbolicTest} from "./SymbolicTest.sol";

/// @notice Invariant 2, one step from any state: what needs no quorum stops whom it names, and raises nobody else.
contract DownCheck is SymbolicTest {
    // `other` is anybody, the subject included.

    function check_freezeOperator(address operator, address other, uint256 control, uint256 time) public {
        _anyState(control, time);
        bool before = _attested(other);
        if (!_try(GUARDIAN, abi.encodeCall(I.freezeOperator, (operator, 1, 0)))) return;
        assert(!_attested(operator));
        assert(before || !_attested(other));
    }

    function check_revokeOperator(address operator, address other, uint256 control, uint256 time) public {
        _anyState(control, time);
        bool before = _attested(other);
        if (!_try(GOVERNOR, abi.encodeCall(IGov.revokeOperator, (operator, 1, 0)))) return;
        assert(!_attested(operator));
        assert(before || !_attested(other));
    }

    function check_deregister(address operator, address other, uint256 control, uint256 time) public {
        _anyState(control, time);
        bool before = _attested(other);
        if (!_try(operator, abi.encodeCall(I.deregister, ()))) return;
        assert(!_attested(operator));
        assert(before || !_attested(other));
    }

    /// @dev A platform of two operators, of which `operator` is the second.
    function _anyPlatformOf(address operator, bytes32 platformId, uint256 platform) private {
        platform = (platform & ~uint256(0xff << 168)) | (2 << 168);
        _storePlatform(platformId, platform);
        uint256 lane = registry.operatorWord(operator) & type(uint24).max;
        vm.assume(lane != 0);
        vm.assume((platform >> 200) & type(uint24).max == lane);
    }

    function _checkPlatformStop(address sender, bytes memory data, address operator, address other) private {
        bool before = _attested(other);
        if (!_try(sender, data)) return;
        assert(!_attested(operator));
        assert(before || !_attested(other));
    }

    /// @notice Invariant 1's last part, too: a platform's freeze leaves none of its operators attested.
    function check_freezePlatform(
        bytes32 platformId,
        uint256 platform,
        address operator,
        address other,
        uint256 control,
        uint256 time
    ) public {
        _anyState(control, time);
        _anyPlatformOf(operator, platformId, platform);
        _checkPlatformStop(GUARDIAN, abi.encodeCall(I.freezePlatform, (platformId, 1, 0)), operator, other);
    }

    function check_revokePlatform(
        bytes32 platformId,
        uint256 platform,
        address operator,
        address other,
        uint256 control,
        uint256 time
    ) public {
        _anyState(control, time);
        _anyPlatformOf(operator, platformId, platform);
        _checkPlatformStop(GOVERNOR, abi.encodeCall(IGov.revokePlatform, (platformId, 1, 0)), operator, other);
    }

    function check_freezeProvider(uint16 provider, address other, uint256 control, uint256 time) public {
        _anyState(control, time);
        bool before = _attested(other);
        if (!_try(GUARDIAN, abi.encodeCall(I.freezeProvider, (provider, 1, 0)))) return;
        assert((registry.operatorWord(other) >> 46) & 127 != provider || !_attested(other));
        assert(before || !_attested(other));
    }

    function check_pause(address other, uint256 control, uint256 time) public {
        _anyState(control, time);
        if (!_try(GUARDIAN, abi.encodeCall(I.pause, (1, 0)))) return;
        assert(!_attested(other));
    }

    /// @notice Nobody but a guardian or the governor does any of it.
    function check_strangersStopNothing(address stranger, bytes32 subject, uint256 control, uint256 time) public {
        _anyState(control, time);
        vm.assume(!registry.isGuardian(stranger));
        assert(!_try(stranger, abi.encodeCall(I.freezeOperator, (address(uint160(uint256(subject))), 1, 0))));
        assert(!_try(stranger, abi.encodeCall(I.freezePlatform, (subject, 1, 0))));
        assert(!_try(stranger, abi.encodeCall(I.freezeProvider, (uint16(uint256(subject)), 1, 0))));
        assert(!_try(stranger, abi.encodeCall(I.pause, (1, 0))));
        vm.assume(stranger != GOVERNOR);
        assert(!_try(stranger, abi.encodeCall(IGov.revokeOperator, (address(uint160(uint256(subject))), 1, 0))));
        assert(!_try(stranger, abi.encodeCall(IGov.revokePlatform, (subject, 1, 0))));
    }

    /// @notice What the timelock guards is done only where it was submitted and is ripe, and only the governor submits.
    function _checkTimelock(address sender, bytes memory data, uint256 control, uint256 time) private {
        _anyState(control, time);
        uint256 ripe = IGov(address(registry)).executableAt(data);
        if (sender != GOVERNOR) assert(!_try(sender, abi.encodeCall(IGov.submit, (data))));
        if (_try(sender, data)) assert(ripe != 0 && ripe <= time);
    }

    function check_timelockOfUnpause(address sender, uint256 control, uint256 time) public {
        _checkTimelock(sender, abi.encodeCall(IGov.unpause, ()), control, time);
    }

    function check_timelockOfAdmitProvider(address sender, uint16 provider, uint256 control, uint256 time) public {
        _checkTimelock(sender, abi.encodeCall(IGov.admitProvider, (provider)), control, time);
    }

    function check_timelockOfReinstate(address sender, bytes32 subject, uint32 nonce, uint256 control, uint256 time)
        public
    {
        _checkTimelock(sender, abi.encodeCall(IGov.reinstate, (I.Subject.Operator, subject, nonce)), control, time);
    }

    function check_timelockOfSetGovernor(address sender, address next, uint256 control, uint256 time) public {
        _checkTimelock(sender, abi.encodeCall(IGov.setGovernor, (next)), control, time);
    }
}
