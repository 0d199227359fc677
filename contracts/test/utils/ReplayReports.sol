// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {PlatformLanes} from "../../src/base/PlatformLanes.sol";
import {BatchTree} from "../../src/libraries/BatchTree.sol";
import {InstanceWordLib} from "../../src/libraries/InstanceWord.sol";
import {Lanes} from "../../src/libraries/Lanes.sol";
import {OperatorWord} from "../../src/libraries/OperatorWord.sol";
import {PlatformWord} from "../../src/libraries/PlatformWord.sol";

/// @notice What a report's events say it did.
abstract contract ReplayReports is PlatformLanes {
    error HeadMismatch(bytes32 kind, bytes32 expected, bytes32 found);

    struct Granted {
        address operator;
        bytes32 digest;
    }

    /// @dev What the batch under way has told so far.
    Granted[] internal _grants;
    uint256 public batches;

    /// @dev The only place that knows this event's shape.
    function _batch(bytes32[] calldata topics, bytes calldata data) internal {
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
        internal
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
        delete _grants;
        ++batches;
    }

    function _platformUpdated(bytes32[] calldata topics, bytes calldata data) internal {
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

    function _operatorGranted(bytes32[] calldata topics, bytes calldata data) internal {
        (bytes32 instanceId, bytes32 digest, uint256 word, uint32 laneWord) =
            abi.decode(data, (bytes32, bytes32, uint256, uint32));
        address operator = address(uint160(uint256(topics[1])));
        OperatorWord old = _operators[operator];
        OperatorWord o = OperatorWord.wrap(word);
        _list(topics[2], instanceId, old, o);
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
    function _list(bytes32 platformId, bytes32 instanceId, OperatorWord old, OperatorWord o) internal {
        PlatformWord p = _platforms[platformId];
        (uint256 lane, uint256 places) = (o.lane(), _places(instanceId));
        bool moves = old.platformIndex() != o.platformIndex();
        if (old.lane() != 0 && !moves && _hasPlace(platformId, p, lane, places)) return;
        uint256 place = _findPlace(platformId, p, places);
        if (old.lane() != 0 && moves) {
            bytes32 left = _platformIds[old.platformIndex()];
            _platforms[left] = _removeLane(left, _platforms[left], lane);
        } else if (old.lane() != 0) {
            p = _removeLane(platformId, p, lane);
        }
        _platforms[platformId] = _placeLane(platformId, p, place, lane);
    }

    /// @dev The head must come out by what the interface says about its payload.
    function _move(HeadKind kind, bytes32 payload, bytes32 found) internal {
        bytes32 expected = _moveHead(kind, payload);
        if (expected != found) revert HeadMismatch(bytes32(uint256(kind)), expected, found);
    }
}
