// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudGovernance as IGov} from "../../src/interfaces/IProofOfCloudGovernance.sol";
import {IProofOfCloudRegistry as I} from "../../src/interfaces/IProofOfCloudRegistry.sol";
import {Bits} from "../../src/libraries/Bits.sol";
import {ControlWord} from "../../src/libraries/ControlWord.sol";
import {OperatorWord} from "../../src/libraries/OperatorWord.sol";
import {PlatformWord} from "../../src/libraries/PlatformWord.sol";
import {RelayerSetWord} from "../../src/libraries/RelayerSetWord.sol";
import {ReplayReports} from "./ReplayReports.sol";

/// @notice What all other events say.
abstract contract ReplayChanges is ReplayReports {
    using Bits for uint256;

    /// @dev The registry whose log this is.
    address internal immutable ORIGIN;
    /// @dev The registry's nonce: it creates a contract for each relayer set, and none else.
    uint256 internal _nonce = 1;
    /// @dev The timelocked function under way, if any: its log stands before what it did.
    bytes4 internal _action;

    constructor(address origin) {
        ORIGIN = origin;
    }

    function _statusChanged(bytes32[] calldata topics, bytes calldata data, bool ordered) internal {
        (I.Status from, I.Status to, uint16 reason, bytes32 evidence, address actor, bytes32 newHead) =
            abi.decode(data, (I.Status, I.Status, uint16, bytes32, address, bytes32));
        I.Subject kind = I.Subject(uint256(topics[1]));
        bytes32 subject = topics[2];
        bool thawed = _action == IGov.liftFreeze.selector || _action == IGov.reinstate.selector;
        uint256 seat = ordered || to != I.Status.Frozen ? 0 : _seats[actor];
        if (kind == I.Subject.Operator) _operatorChanged(address(uint160(uint256(subject))), to, seat, thawed);
        else _platformChanged(subject, to, seat, thawed);
        delete _action;
        bytes32 payload = keccak256(abi.encode(kind, subject, from, to, reason, evidence, actor));
        _move(HeadKind.Status, payload, newHead);
    }

    function _operatorChanged(address operator, I.Status to, uint256 seat, bool thawed) internal {
        OperatorWord o = _operators[operator];
        if (!thawed) _zeroLane(o.lane());
        OperatorWord next = o.withStatus(to, thawed ? 0 : block.timestamp);
        if (to != I.Status.Frozen) {
            next = next.withEvidenceTime(block.timestamp);
        } else if (!thawed && seat != 0) {
            bool more =
                _putAside(I.Subject.Operator, _subject(operator), seat, o.frozenBy(), o.frozenAt(), o.frozenByMore());
            next = next.withFreezer(seat, block.timestamp, more);
        }
        _operators[operator] = next;
    }

    function _platformChanged(bytes32 id, I.Status to, uint256 seat, bool thawed) internal {
        PlatformWord p = _platforms[id];
        if (thawed) {
            _platforms[id] = p.thawed();
            return;
        }
        _zeroLanes(id, p);
        if (to == I.Status.Frozen) {
            bool more = _putAside(I.Subject.Platform, id, seat, p.frozenBy(), p.frozenAt(), p.frozenByMore());
            _platforms[id] = p.frozen(block.timestamp, seat, more);
        } else {
            _platforms[id] = p.withStatus(to);
        }
    }

    /// @dev Another guardian's freeze, younger than 30 days, leaves the word.
    function _putAside(I.Subject kind, bytes32 subject, uint256 seat, uint256 by, uint256 time, bool more)
        private
        returns (bool)
    {
        if (by == 0 || by == seat || block.timestamp >= time + FREEZE_AGAIN_AFTER) return more;
        _olderFreezes[kind][subject][by] = time;
        return true;
    }

    function _controlChanged(bytes calldata data) internal {
        (bool paused, uint128 closed, uint32 setId, uint16 reason, bytes32 evidence, address actor, bytes32 newHead) =
            abi.decode(data, (bool, uint128, uint32, uint16, bytes32, address, bytes32));
        uint256 word = ControlWord.unwrap(_control).set(0, 1, paused ? 1 : 0).set(1, 128, closed).set(129, 16, setId);
        _control = ControlWord.wrap(word);
        _move(HeadKind.Control, keccak256(abi.encode(paused, closed, setId, reason, evidence, actor)), newHead);
    }

    function _relayerSetChanged(bytes32[] calldata topics, bytes calldata data) internal {
        (
            address[] memory members,
            uint8 threshold,
            uint8 freezeThreshold,
            uint32 disabled,
            uint40 retiredAt,
            uint16 reason,
            bytes32 evidence,
            address actor,
            bytes32 newHead
        ) = abi.decode(data, (address[], uint8, uint8, uint32, uint40, uint16, bytes32, address, bytes32));
        uint32 setId = uint32(uint256(topics[1]));
        uint256 word = RelayerSetWord.unwrap(_relayerSets[setId]);
        if (word == 0) word = uint160(_created(_nonce++));
        word = word.set(160, 8, members.length).set(168, 8, threshold).set(176, 8, freezeThreshold);
        _relayerSets[setId] = RelayerSetWord.wrap(word.set(184, 32, disabled).set(216, 40, retiredAt));
        bytes32 list = keccak256(abi.encodePacked(members));
        bytes32 payload = keccak256(
            abi.encode(setId, list, threshold, freezeThreshold, disabled, retiredAt, reason, evidence, actor)
        );
        _move(HeadKind.RelayerSet, payload, newHead);
    }

    /// @dev Where the registry's creation with this nonce, below 128, lies.
    function _created(uint256 nonce) internal view returns (address) {
        return address(uint160(uint256(keccak256(abi.encodePacked(hex"d694", ORIGIN, uint8(nonce))))));
    }

    function _policyChanged(bytes32[] calldata topics, bytes calldata data) internal {
        bool inForce = topics[0] == I.PolicyRegistered.selector;
        (uint16 reason, bytes32 evidence, address actor, bytes32 newHead) =
            (uint16(0), bytes32(0), address(0), bytes32(0));
        if (inForce) (actor, newHead) = abi.decode(data, (address, bytes32));
        else (reason, evidence, actor, newHead) = abi.decode(data, (uint16, bytes32, address, bytes32));
        _policies[topics[1]] = inForce;
        _move(HeadKind.Policy, keccak256(abi.encode(topics[1], inForce, reason, evidence, actor)), newHead);
    }

    function _authorityChanged(bytes32[] calldata topics, bytes calldata data) internal {
        (uint256 value, address actor, bytes32 newHead) = abi.decode(data, (uint256, address, bytes32));
        I.Authority kind = I.Authority(uint256(topics[1]));
        address account = address(uint160(uint256(topics[2])));
        if (kind == I.Authority.Governor) {
            _governor = account;
        } else if (kind == I.Authority.Delay) {
            _delays[bytes4(topics[2])] = value;
        } else {
            uint256 seat = value == 0 ? _seats[account] : value;
            _takenSeats ^= uint16(1 << seat);
            _seats[account] = value;
        }
        _move(HeadKind.Authority, keccak256(abi.encode(kind, topics[2], value, actor)), newHead);
    }

    function _submitted(bytes32[] calldata topics, bytes calldata data) internal {
        (, uint40 time) = abi.decode(data, (bytes, uint40));
        _executableAt[topics[1]] = time;
        bytes4 selector = bytes4(topics[2]);
        if (
            selector == IGov.rotateRelayers.selector || selector == IGov.addGuardian.selector
                || selector == IGov.setGovernor.selector || selector == IGov.registerPolicy.selector
        ) _latest[selector] = topics[1];
    }

    /// @dev Stands before what the call did.
    function _executed(bytes32[] calldata topics) internal {
        delete _executableAt[topics[1]];
        _action = bytes4(topics[2]);
    }
}
