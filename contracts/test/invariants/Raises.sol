// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudGovernance as IGov} from "../../src/interfaces/IProofOfCloudGovernance.sol";
import {IProofOfCloudRegistry as I} from "../../src/interfaces/IProofOfCloudRegistry.sol";
import {Stops} from "./Stops.sol";

/// @notice What goes up slowly: the governor submits, time passes or a guardian vetoes, a stranger executes, too early,
/// in time, or a second time.
abstract contract Raises is Stops {
    struct Pending {
        bytes data;
        uint256 crew;
    }

    /// @dev For how long a ripe call can be made.
    uint256 private constant WINDOW = 14 days;

    Pending[4] internal pendings;
    uint256 internal submitted;
    mapping(bytes32 id => uint256) internal ripeAt;
    /// @dev The last submission of those functions of which one waits at a time.
    mapping(bytes4 selector => bytes32 id) internal latest;
    /// @dev A third guardian comes and goes.
    address internal third = makeAddr("third guardian");
    bool internal thirdSeated;

    function submit(uint256 seed) external {
        uint256 r = _random(seed);
        Pending memory p;
        (p.data, p.crew) = _somethingToRaise(r);
        bytes4 selector = bytes4(p.data);
        View memory before = _look();
        (bool ok,) = _send(theGovernor, abi.encodeCall(IGov.submit, (p.data)));
        bytes32 id = keccak256(p.data);
        if (ok == (_waits(id) || _waits(latest[selector]))) {
            _breaks(0, "what was to be raised could not be submitted, or twice");
        }
        if (ok) {
            ripeAt[id] = _now() + governance.delayOf(selector);
            if (
                selector == IGov.rotateRelayers.selector || selector == IGov.addGuardian.selector
                    || selector == IGov.setGovernor.selector || selector == IGov.registerPolicy.selector
            ) latest[selector] = id;
            pendings[submitted++ % pendings.length] = p;
            ++did[Effect.Submission];
        }
        _settle(before, false);
    }

    /// @dev Makes any call submitted lately: ripe or not, vetoed or not, made already or not.
    function execute(uint256 seed) external {
        uint256 r = _random(seed);
        if (submitted == 0) return;
        uint256 n = submitted < pendings.length ? submitted : pendings.length;
        Pending memory p = pendings[r % n];
        // Mostly one that is waiting.
        for (uint256 i = 1; i < n && r % 4 != 0 && ripeAt[keccak256(p.data)] == 0; ++i) {
            p = pendings[(r + i) % n];
        }
        uint256 ripe = ripeAt[keccak256(p.data)];
        if (ripe > _now() && (r >> 8) % 4 != 0) vm.warp(ripe);
        View memory before = _look();
        (bool ok,) = _send(stranger, p.data);
        bool mayBe = _waits(keccak256(p.data)) && _now() >= ripe;
        if (!mayBe) {
            if (ok) _breaks(2, "a call was made that was not waiting, or not ripe");
            else ++did[Effect.TooEarly];
        }
        bytes4 selector = bytes4(p.data);
        if (ok) {
            delete ripeAt[keccak256(p.data)];
            _raised(p, selector, before);
        }
        _settle(before, ok && (selector == IGov.unpause.selector || selector == IGov.admitProvider.selector));
    }

    function veto(uint256 seed) external {
        uint256 r = _random(seed);
        if (submitted == 0 || r % 3 != 0) return;
        Pending memory p = pendings[(r >> 8) % (submitted < pendings.length ? submitted : pendings.length)];
        View memory before = _look();
        (bool ok,) = _send(guardian, abi.encodeCall(IGov.veto, (p.data)));
        bool may = _waits(keccak256(p.data)) && bytes4(p.data) != IGov.removeGuardian.selector;
        if (ok != may) _breaks(0, "a veto that must not be, or could not");
        if (ok) {
            delete ripeAt[keccak256(p.data)];
            ++did[Effect.Veto];
        }
        _settle(before, false);
    }

    /// @dev Somebody without any right tries what only others may.
    function intrude(uint256 seed) external {
        uint256 r = _random(seed);
        View memory before = _look();
        bytes32 head = registry.head();
        (bytes memory data,) = _somethingToRaise(r);
        if (ripeAt[keccak256(data)] != 0) return;
        uint256 kind = (r >> 128) % 8;
        if (kind == 1) data = abi.encodeCall(IGov.submit, (data));
        if (kind == 2) data = abi.encodeCall(IGov.veto, (data));
        if (kind == 3) data = abi.encodeCall(I.freezeOperator, (who(r % OPERATORS), 1, 0));
        if (kind == 4) data = abi.encodeCall(IGov.revokeOperator, (who(r % OPERATORS), 1, 0));
        if (kind == 5) data = abi.encodeCall(I.pause, (1, 0));
        if (kind == 6) data = abi.encodeCall(IGov.setGovernor, (stranger));
        (bool ok,) = _send(stranger, data);
        if (ok || registry.head() != head) _breaks(2, "a stranger got in");
        ++did[Effect.Intrusion];
        _settle(before, false);
    }

    function _waits(bytes32 id) private view returns (bool) {
        return ripeAt[id] != 0 && _now() <= ripeAt[id] + WINDOW;
    }

    /// @dev What there is to raise; where nothing is, a new relayer set or something about the authorities.
    function _somethingToRaise(uint256 r) private view returns (bytes memory data, uint256 crew) {
        uint256 s = r >> 8;
        uint256 kind = r % 8;
        if (paused && kind < 5) return (abi.encodeCall(IGov.unpause, ()), 0);
        if (closed[PROVIDER] && kind < 5) return (abi.encodeCall(IGov.admitProvider, (PROVIDER)), 0);
        if (closed[OTHER_PROVIDER] && kind < 5) return (abi.encodeCall(IGov.admitProvider, (OTHER_PROVIDER)), 0);
        for (uint256 i; i < PLATFORMS + OPERATORS && kind < 6; ++i) {
            uint256 n = (s + i) % (PLATFORMS + OPERATORS);
            data = n < PLATFORMS
                ? _thaw(I.Subject.Platform, _platformId(n), plats[n].status, plats[n].nonce, plats[n].blockedUntil)
                : _thawOperator(n - PLATFORMS);
            if (data.length != 0) return (data, 0);
        }
        if (retired[POLICY]) return (abi.encodeCall(IGov.registerPolicy, (POLICY)), 0);
        if (retired[OTHER_POLICY]) return (abi.encodeCall(IGov.registerPolicy, (OTHER_POLICY)), 0);
        if (kind == 6 && s % 2 == 0) {
            if (thirdSeated) return (abi.encodeCall(IGov.removeGuardian, (third)), 0);
            return (abi.encodeCall(IGov.addGuardian, (third)), 0);
        }
        if (kind == 6) {
            if (s % 3 == 0) return (abi.encodeCall(IGov.setGovernor, (theGovernor == governor ? third : governor)), 0);
            bytes4 selector = IGov.lengthenDelay.selector;
            return (abi.encodeCall(IGov.lengthenDelay, (selector, uint40(governance.delayOf(selector)) + 1 hours)), 0);
        }
        crew = crews + 1;
        uint40 grace = uint40(s % (1 hours + 1));
        return (abi.encodeCall(IGov.rotateRelayers, (_members(crew), uint8(QUORUM), 1, grace)), crew);
    }

    function _thawOperator(uint256 o) private view returns (bytes memory) {
        return _thaw(I.Subject.Operator, _subject(who(o)), ops[o].status, ops[o].nonce, ops[o].blockedUntil);
    }

    /// @dev Nothing where there is nothing to thaw, or no need.
    function _thaw(I.Subject kind, bytes32 subject, I.Status status, uint256 nonce, uint256 blockedUntil)
        private
        view
        returns (bytes memory)
    {
        if (status == I.Status.Revoked) return abi.encodeCall(IGov.reinstate, (kind, subject, uint32(nonce)));
        if (status != I.Status.Frozen || blockedUntil <= _now()) return "";
        return abi.encodeCall(IGov.liftFreeze, (kind, subject, uint32(nonce)));
    }

    function _raised(Pending memory p, bytes4 selector, View memory before) private {
        bytes memory arguments = new bytes(p.data.length - 4);
        for (uint256 i; i < arguments.length; ++i) {
            arguments[i] = p.data[i + 4];
        }
        if (selector == IGov.unpause.selector) {
            paused = false;
            ++did[Effect.Unpause];
            if (_look().any & ~before.any != 0) ++did[Effect.UnpauseRestored];
        } else if (selector == IGov.admitProvider.selector) {
            closed[abi.decode(arguments, (uint16))] = false;
            ++did[Effect.Admission];
        } else if (selector == IGov.liftFreeze.selector || selector == IGov.reinstate.selector) {
            _thawed(selector, arguments);
        } else if (selector == IGov.registerPolicy.selector) {
            retired[abi.decode(arguments, (bytes32))] = false;
        } else if (selector == IGov.rotateRelayers.selector) {
            (,,, uint40 grace) = abi.decode(arguments, (address[], uint8, uint8, uint40));
            sets[currentSet].retiredAt = _now() + grace;
            sets[++currentSet].crew = p.crew;
            if (p.crew > crews) crews = p.crew;
            ++did[Effect.Rotation];
        } else if (selector == IGov.setGovernor.selector) {
            theGovernor = abi.decode(arguments, (address));
        } else if (selector == IGov.addGuardian.selector) {
            thirdSeated = true;
        } else if (selector == IGov.removeGuardian.selector) {
            thirdSeated = false;
        }
    }

    function _thawed(bytes4 selector, bytes memory arguments) private {
        (I.Subject kind, bytes32 subject, uint256 nonce) = abi.decode(arguments, (I.Subject, bytes32, uint256));
        bool lift = selector == IGov.liftFreeze.selector;
        I.Status from = lift ? I.Status.Frozen : I.Status.Revoked;
        if (kind == I.Subject.Operator) {
            uint256 o = uint256(subject) - uint160(who(0));
            if (ops[o].status != from || ops[o].nonce != nonce) _breaks(3, "thawed in another state than foreseen");
            _operatorThawed(o);
        } else {
            uint256 p = _platformIndex(subject);
            if (plats[p].status != from || plats[p].nonce != nonce) {
                _breaks(3, "thawed in another state than foreseen");
            }
            _platformThawed(p);
        }
        ++did[lift ? Effect.Lift : Effect.Reinstatement];
    }
}
