// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {PlatformLanes} from "../../src/base/PlatformLanes.sol";
import {RegistryBase} from "../../src/base/RegistryBase.sol";
import {IProofOfCloudGovernance as IGov} from "../../src/interfaces/IProofOfCloudGovernance.sol";
import {IProofOfCloudRegistry as I} from "../../src/interfaces/IProofOfCloudRegistry.sol";
import {BatchTree} from "../../src/libraries/BatchTree.sol";
import {Bits} from "../../src/libraries/Bits.sol";
import {ControlWord, ControlWordLib} from "../../src/libraries/ControlWord.sol";
import {InstanceWordLib} from "../../src/libraries/InstanceWord.sol";
import {Lanes} from "../../src/libraries/Lanes.sol";
import {OperatorWord} from "../../src/libraries/OperatorWord.sol";
import {PlatformWord} from "../../src/libraries/PlatformWord.sol";
import {RelayerSetWord} from "../../src/libraries/RelayerSetWord.sol";
import {Vm} from "forge-std/Vm.sol";

/// @notice Rebuilds a registry's storage from its logs and their blocks' times, and from nothing else. It has the
/// registry's own storage layout, so that the two can be compared slot by slot: a variable the registry gains is missing
/// here until its events tell of it.
/// @dev What it takes over from the registry is how words are packed and lists are kept. Who did what, and what it did,
/// it reads from the events.
contract LogReplay is PlatformLanes {
    using Bits for uint256;

    error HeadMismatch(bytes32 topic, bytes32 expected, bytes32 found);
    error UnknownEvent(bytes32 topic);

    struct Granted {
        address operator;
        bytes32 digest;
    }

    address private immutable ORIGIN;
    /// @dev The registry's nonce: its first creation is the extension, each relayer set is one more.
    uint256 private _nonce = 2;
    /// @dev The log of an order that follows its effects, or the action that precedes them.
    bytes4 private _action;
    /// @dev What the batch under way has told so far.
    Granted[] private _grants;
    uint256 public batches;

    constructor(address origin, uint32 maxTtl) RegistryBase(maxTtl) {
        ORIGIN = origin;
        _control = ControlWordLib.initial(0);
    }

    function head() external view returns (bytes32) {
        return _head;
    }

    /// @notice Where this contract's own variables lie; the arrays among them are empty between batches.
    function ownSlots() external pure returns (uint256 first, uint256 last) {
        assembly ("memory-safe") {
            first := _nonce.slot
            last := batches.slot
        }
    }

    /// @notice Takes one transaction's logs. Its block's time must be set.
    function take(Vm.Log[] calldata logs) external {
        delete _action;
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].emitter != ORIGIN) continue;
            // An order says so after its effect: its freezes are nobody's, whoever sent it.
            bool ordered = i + 1 < logs.length && logs[i + 1].topics[0] == IGov.OrderExecuted.selector;
            _take(logs[i].topics, logs[i].data, ordered);
        }
    }

    function _take(bytes32[] calldata topics, bytes calldata data, bool ordered) private {
        bytes32 t = topics[0];
        if (t == I.BatchPosted.selector) _batch(topics, data);
        else if (t == I.PlatformUpdated.selector) _platformUpdated(topics, data);
        else if (t == I.OperatorGranted.selector) _operatorGranted(topics, data);
        else if (t == I.StatusChanged.selector) _statusChanged(topics, data, ordered);
        else if (t == I.ControlChanged.selector) _controlChanged(data);
        else if (t == I.RelayerSetChanged.selector) _relayerSetChanged(topics, data);
        else if (t == I.PolicyRegistered.selector || t == I.PolicyRetired.selector) _policyChanged(topics, data);
        else if (t == I.AuthorityChanged.selector) _authorityChanged(topics, data);
        else if (t == IGov.ActionSubmitted.selector) _submitted(topics, data);
        else if (t == IGov.ActionVetoed.selector) delete _executableAt[topics[1]];
        else if (t == IGov.ActionExecuted.selector) _executed(topics);
        else if (t == IGov.OrderExecuted.selector) _spent[topics[1]] = true;
        else if (t != I.ItemSkipped.selector && t != IGov.Equivocation.selector) revert UnknownEvent(t);
    }

    // ------------------------------------------------------------------------------------------------- reports

    /// @dev The only place that knows this event's shape.
    function _batch(bytes32[] calldata topics, bytes calldata data) private {
        (
            bytes32 policy,
            uint256 origin,
            bytes32 reportHash,
            bytes32 archive,
            uint256 applied,
            bytes memory renewals,
            bytes32[] memory digests,
            bytes32 newHead
        ) = abi.decode(data, (bytes32, uint256, bytes32, bytes32, uint256, bytes, bytes32[], bytes32));
        uint64 number = uint64(uint256(topics[1]));
        bytes32 root = _finishBatch(number, renewals, digests);
        bytes32 payload =
            keccak256(abi.encode(number, policy, origin, reportHash, archive, applied, root, keccak256(renewals)));
        _move(HeadKind.Batch, payload, newHead);
    }

    /// @dev The root is over the grants' digests, then the renewals'.
    function _finishBatch(uint64 number, bytes memory renewals, bytes32[] memory digests)
        private
        returns (bytes32 root)
    {
        bytes32[] memory all = new bytes32[](_grants.length + digests.length);
        for (uint256 i; i < all.length; ++i) {
            all[i] = i < _grants.length ? _grants[i].digest : digests[i - _grants.length];
        }
        root = BatchTree.root(all);
        _roots[number % ROOTS] = root;
        for (uint256 offset = 32; offset < renewals.length + 32; offset += 36) {
            uint256 slot;
            uint256 words;
            assembly ("memory-safe") {
                slot := shr(224, mload(add(renewals, offset)))
                words := mload(add(renewals, add(offset, 4)))
            }
            for (uint256 i; i < 8; ++i) {
                uint256 word = Lanes.wordAt(words, i);
                if (word != 0) _lanes[slot] = Lanes.put(_lanes[slot], i, word);
            }
        }
        _control = _control.withNextBatch();
        delete _grants;
        ++batches;
    }

    function _platformUpdated(bytes32[] calldata topics, bytes calldata data) private {
        PlatformWord entered = PlatformWord.wrap(abi.decode(data, (uint256)));
        bytes32 id = topics[1];
        PlatformWord p = _platforms[id];
        if (p.index() == 0) {
            (_control,) = _control.takePlatform();
            _platformIds[entered.index()] = id;
        } else if (entered.provider() != p.provider() || entered.custody() < p.custody()) {
            _truncateLanes(id, p, 0);
        } else if (entered.custodyExpiry() < p.custodyExpiry()) {
            _truncateLanes(id, p, entered.custodyExpiry());
        }
        _platforms[id] = entered;
    }

    function _operatorGranted(bytes32[] calldata topics, bytes calldata data) private {
        (bytes32 instanceId, bytes32 digest, uint256 word, uint32 laneWord) =
            abi.decode(data, (bytes32, bytes32, uint256, uint32));
        address operator = address(uint160(uint256(topics[1])));
        OperatorWord old = _operators[operator];
        OperatorWord o = OperatorWord.wrap(word);
        _list(topics[2], old, o);
        if (old.lane() == 0) (_control,) = _control.takeLane();
        bytes32 workload = topics[3];
        if (workload != 0 && _workloadIndexes[workload] == 0) {
            (_control,) = _control.takeWorkload();
            _workloadIndexes[workload] = o.workloadIndex();
            _workloadIds[o.workloadIndex()] = workload;
        }
        _operators[operator] = o;
        _setLaneWord(o.lane(), laneWord);
        if (instanceId != 0) _instances[instanceId] = InstanceWordLib.create(operator, o.issuedAt());
        _grants.push(Granted(operator, digest));
    }

    /// @dev Hangs the operator's lane on its platform, and takes it off the one it left.
    function _list(bytes32 platformId, OperatorWord old, OperatorWord o) private {
        PlatformWord p = _platforms[platformId];
        uint256 lane = o.lane();
        if (old.lane() != 0 && old.platformIndex() == o.platformIndex() && _findLane(platformId, p, lane) < p.count()) {
            return;
        }
        uint256 place = _findPlace(platformId, p);
        if (old.lane() != 0 && old.platformIndex() != o.platformIndex()) {
            bytes32 left = _platformIds[old.platformIndex()];
            _platforms[left] = _removeLane(left, _platforms[left], lane);
        }
        _platforms[platformId] = _placeLane(platformId, p, place, lane);
    }

    // ------------------------------------------------------------------------------------------------- changes

    function _statusChanged(bytes32[] calldata topics, bytes calldata data, bool ordered) private {
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

    function _operatorChanged(address operator, I.Status to, uint256 seat, bool thawed) private {
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

    function _platformChanged(bytes32 id, I.Status to, uint256 seat, bool thawed) private {
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

    function _controlChanged(bytes calldata data) private {
        (bool paused, uint128 closed, uint32 setId, uint16 reason, bytes32 evidence, address actor, bytes32 newHead) =
            abi.decode(data, (bool, uint128, uint32, uint16, bytes32, address, bytes32));
        uint256 word = ControlWord.unwrap(_control).set(0, 1, paused ? 1 : 0).set(1, 128, closed).set(129, 16, setId);
        _control = ControlWord.wrap(word);
        _move(HeadKind.Control, keccak256(abi.encode(paused, closed, setId, reason, evidence, actor)), newHead);
    }

    function _relayerSetChanged(bytes32[] calldata topics, bytes calldata data) private {
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
    function _created(uint256 nonce) private view returns (address) {
        return address(uint160(uint256(keccak256(abi.encodePacked(hex"d694", ORIGIN, uint8(nonce))))));
    }

    function _policyChanged(bytes32[] calldata topics, bytes calldata data) private {
        bool inForce = topics[0] == I.PolicyRegistered.selector;
        (uint16 reason, bytes32 evidence, address actor, bytes32 newHead) =
            (uint16(0), bytes32(0), address(0), bytes32(0));
        if (inForce) (actor, newHead) = abi.decode(data, (address, bytes32));
        else (reason, evidence, actor, newHead) = abi.decode(data, (uint16, bytes32, address, bytes32));
        _policies[topics[1]] = inForce;
        _move(HeadKind.Policy, keccak256(abi.encode(topics[1], inForce, reason, evidence, actor)), newHead);
    }

    function _authorityChanged(bytes32[] calldata topics, bytes calldata data) private {
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

    function _submitted(bytes32[] calldata topics, bytes calldata data) private {
        (, uint40 time) = abi.decode(data, (bytes, uint40));
        _executableAt[topics[1]] = time;
    }

    /// @dev Stands before what the call did.
    function _executed(bytes32[] calldata topics) private {
        delete _executableAt[topics[1]];
        _action = bytes4(topics[2]);
    }

    /// @dev The head must come out by what the interface says about its payload.
    function _move(HeadKind kind, bytes32 payload, bytes32 found) private {
        bytes32 expected = _moveHead(kind, payload);
        if (expected != found) revert HeadMismatch(bytes32(uint256(kind)), expected, found);
    }
}
