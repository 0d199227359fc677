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

    /// @notice What guardians do to relayers and policies raises nobody either.
    function check_disableRelayer(address other, uint256 control, uint256 time) public {
        _anyState(control, time);
        bool before = _attested(other);
        if (!_try(GUARDIAN, abi.encodeCall(IGov.disableRelayer, (1, 0, 1, 0)))) return;
        assert(before == _attested(other));
    }

    function check_retirePolicy(bytes32 policy, address other, uint256 control, uint256 time) public {
        _anyState(control, time);
        bool before = _attested(other);
        if (!_try(GUARDIAN, abi.encodeCall(IGov.retirePolicy, (policy, 1, 0)))) return;
        assert(before == _attested(other));
    }

    // What the timelock guards is done only where it was submitted and is ripe, and only the governor submits. And but for
    // what ends a pause or a provider's freeze, it raises nobody by itself.

    function _checkTimelock(address sender, bytes memory data, address other, uint256 control, uint256 time) private {
        _anyState(control, time);
        bool before = _attested(other);
        uint256 ripe = IGov(address(registry)).executableAt(data);
        if (sender != GOVERNOR) assert(!_try(sender, abi.encodeCall(IGov.submit, (data))));
        if (!_try(sender, data)) return;
        assert(ripe != 0 && ripe <= time);
        bool opens = bytes4(data) == IGov.unpause.selector || bytes4(data) == IGov.admitProvider.selector;
        assert(opens || before == _attested(other));
    }

    function check_timelockOfUnpause(address sender, uint256 control, uint256 time) public {
        _checkTimelock(sender, abi.encodeCall(IGov.unpause, ()), address(0), control, time);
    }

    function check_timelockOfAdmitProvider(address sender, uint16 provider, uint256 control, uint256 time) public {
        _checkTimelock(sender, abi.encodeCall(IGov.admitProvider, (provider)), address(0), control, time);
    }

    function check_timelockOfLiftFreeze(address sender, bytes32 s, uint32 n, address other, uint256 c, uint256 t)
        public
    {
        _checkTimelock(sender, abi.encodeCall(IGov.liftFreeze, (I.Subject.Operator, s, n)), other, c, t);
    }

    function check_timelockOfReinstate(address sender, bytes32 s, uint32 n, address other, uint256 c, uint256 t)
        public
    {
        _checkTimelock(sender, abi.encodeCall(IGov.reinstate, (I.Subject.Operator, s, n)), other, c, t);
    }

    function check_timelockOfRegisterPolicy(address sender, bytes32 policy, address other, uint256 c, uint256 t)
        public
    {
        _checkTimelock(sender, abi.encodeCall(IGov.registerPolicy, (policy)), other, c, t);
    }

    /// @dev Set 1 is in force: of any other Halmos could not tell how many members it has.
    function check_timelockOfRotateRelayers(address sender, address member, address other, uint256 c, uint256 t)
        public
    {
        c = (c & ~(uint256(type(uint16).max) << 129)) | (1 << 129);
        address[] memory members = new address[](1);
        members[0] = member;
        _checkTimelock(sender, abi.encodeCall(IGov.rotateRelayers, (members, 1, 1, 0)), other, c, t);
    }

    function check_timelockOfAddGuardian(address sender, address who, address other, uint256 c, uint256 t) public {
        _checkTimelock(sender, abi.encodeCall(IGov.addGuardian, (who)), other, c, t);
    }

    function check_timelockOfRemoveGuardian(address sender, address who, address other, uint256 c, uint256 t) public {
        _checkTimelock(sender, abi.encodeCall(IGov.removeGuardian, (who)), other, c, t);
    }

    function check_timelockOfSetGovernor(address sender, address next, address other, uint256 c, uint256 t) public {
        _checkTimelock(sender, abi.encodeCall(IGov.setGovernor, (next)), other, c, t);
    }

    function check_timelockOfLengthenDelay(address sender, bytes4 f, uint40 delay, address other, uint256 c, uint256 t)
        public
    {
        _checkTimelock(sender, abi.encodeCall(IGov.lengthenDelay, (f, delay)), other, c, t);
    }
}
