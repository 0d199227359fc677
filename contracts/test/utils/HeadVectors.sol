// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry as I} from "../../src/interfaces/IProofOfCloudRegistry.sol";
import {Heads} from "./Heads.sol";
import {VectorFile} from "./VectorFile.sol";
import {Vm} from "forge-std/Vm.sol";

/// @notice The section `heads`: for each event that moves the head, the first one that a registry emitted.
abstract contract HeadVectors is VectorFile {
    string private constant STATUS =
        "StatusStep(bytes32 previous,uint8 kind,uint8 subjectKind,bytes32 subject,uint8 oldStatus,uint8 newStatus,uint16 reason,bytes32 evidenceHash,address actor)";
    string private constant CONTROL =
        "ControlStep(bytes32 previous,uint8 kind,bool paused,uint128 frozenProviders,uint32 relayerSetId,uint16 reason,bytes32 evidenceHash,address actor)";
    string private constant POLICY_CHANGE =
        "PolicyStep(bytes32 previous,uint8 kind,bytes32 policyDigest,bool inForce,uint16 reason,bytes32 evidenceHash,address actor)";
    string private constant RELAYER_SET =
        "RelayerSetStep(bytes32 previous,uint8 kind,uint32 setId,address[] members,uint8 threshold,uint8 freezeThreshold,uint32 disabled,uint40 retiredAt,uint16 reason,bytes32 evidenceHash,address actor)";

    string private constant BATCH =
        "BatchStep(bytes32 previous,uint8 kind,uint64 batch,bytes32 policyDigest,uint256 origin,bytes32 reportHash,bytes32 archive,uint256 applied,bytes32 root,bytes renewals)";

    string private constant AUTHORITY =
        "AuthorityStep(bytes32 previous,uint8 kind,uint8 authority,bytes32 subject,uint256 value,address actor)";

    // Forge writes the fields of a struct in the order of its declaration, if it has seen one.

    struct StatusStep {
        bytes32 previous;
        uint8 kind;
        uint8 subjectKind;
        bytes32 subject;
        uint8 oldStatus;
        uint8 newStatus;
        uint16 reason;
        bytes32 evidenceHash;
        address actor;
    }

    struct ControlStep {
        bytes32 previous;
        uint8 kind;
        bool paused;
        uint128 frozenProviders;
        uint32 relayerSetId;
        uint16 reason;
        bytes32 evidenceHash;
        address actor;
    }

    struct PolicyStep {
        bytes32 previous;
        uint8 kind;
        bytes32 policyDigest;
        bool inForce;
        uint16 reason;
        bytes32 evidenceHash;
        address actor;
    }

    struct RelayerSetStep {
        bytes32 previous;
        uint8 kind;
        uint32 setId;
        address[] members;
        uint8 threshold;
        uint8 freezeThreshold;
        uint32 disabled;
        uint40 retiredAt;
        uint16 reason;
        bytes32 evidenceHash;
        address actor;
    }

    struct BatchStep {
        bytes32 previous;
        uint8 kind;
        uint64 batch;
        bytes32 policyDigest;
        uint256 origin;
        bytes32 reportHash;
        bytes32 archive;
        uint256 applied;
        bytes32 root;
        bytes renewals;
    }

    struct AuthorityStep {
        bytes32 previous;
        uint8 kind;
        uint8 authority;
        bytes32 subject;
        uint256 value;
        address actor;
    }

    bytes32 private _head;
    bytes32[] private _roots;
    mapping(string name => bool) private _seen;

    /// @dev `logs` are a registry's own from its constructor on, all of them: each head must follow from the last.
    /// @param roots The batches', in order.
    function _compareHeads(Vm.Log[] memory logs, bytes32[] memory roots, bytes32 head) internal {
        _roots = roots;
        for (uint256 i; i < logs.length; ++i) {
            _follow(logs[i]);
        }
        assertEq(_head, head, "head");
        _putObject("heads", "input");
        _putObject("heads", "output");
        _section("heads");
    }

    function _follow(Vm.Log memory log) private {
        bytes32 topic = log.topics[0];
        uint256 last = log.data.length - 32;
        if (topic == I.StatusChanged.selector) {
            bytes memory words = abi.encodePacked(log.topics[1], log.topics[2], _slice(log.data, 0, last));
            _step("status", 2, STATUS, words, _word(log.data, last));
        } else if (topic == I.ControlChanged.selector) {
            _step("control", 3, CONTROL, _slice(log.data, 0, last), _word(log.data, last));
        } else if (topic == I.RelayerSetChanged.selector) {
            _relayerSet(log.topics[1], log.data);
        } else if (topic == I.PolicyRegistered.selector) {
            bytes memory words = abi.encodePacked(log.topics[1], abi.encode(true, 0, 0), _slice(log.data, 0, last));
            _step("policyRegistered", 5, POLICY_CHANGE, words, _word(log.data, last));
        } else if (topic == I.PolicyRetired.selector) {
            bytes memory words = abi.encodePacked(log.topics[1], abi.encode(false), _slice(log.data, 0, last));
            _step("policyRetired", 5, POLICY_CHANGE, words, _word(log.data, last));
        } else if (topic == I.BatchPosted.selector) {
            _batchPosted(log.topics[1], log.data);
        } else if (topic == I.AuthorityChanged.selector) {
            bytes memory words = abi.encodePacked(log.topics[1], log.topics[2], _slice(log.data, 0, last));
            _step("authority", 6, AUTHORITY, words, _word(log.data, last));
        } else if (topic != I.PlatformUpdated.selector && topic != I.OperatorGranted.selector) {
            revert("an event whose head this test cannot follow");
        }
    }

    /// @dev A payload of plain words.
    function _step(string memory name, uint8 kind, string memory types, bytes memory words, bytes32 head) private {
        _record(name, types, abi.encodePacked(abi.encode(_head, kind), words), kind, keccak256(words), head);
    }

    /// @dev The event's words: five about the report, where its lists are, the head; then the lists.
    function _batchPosted(bytes32 batch, bytes memory data) private {
        (,,,,, bytes memory renewals,,) =
            abi.decode(data, (bytes32, uint256, bytes32, bytes32, uint256, bytes, bytes32[], bytes32));
        bytes memory words = abi.encodePacked(batch, _slice(data, 0, 5 * 32), _roots[uint256(batch)]);
        bytes memory list = abi.encode(renewals);
        bytes memory input =
            abi.encodePacked(abi.encode(32, _head, 1), words, abi.encode(10 * 32), _slice(list, 32, list.length));
        bytes32 payload = keccak256(abi.encodePacked(words, keccak256(renewals)));
        string memory name = renewals.length == 0 ? "batchOfGrants" : "batchOfRenewals";
        _record(name, BATCH, input, 1, payload, _word(data, 7 * 32));
    }

    /// @dev The event's words: where the members are, seven about the set and its change, the head; then the number of
    /// members and the members.
    function _relayerSet(bytes32 setId, bytes memory data) private {
        bytes memory change = _slice(data, 32, 8 * 32);
        bytes memory members = _slice(data, 10 * 32, data.length);
        bytes memory input =
            abi.encodePacked(abi.encode(32, _head, 4, setId, 11 * 32), change, _slice(data, 9 * 32, data.length));
        bytes32 payload = keccak256(abi.encodePacked(setId, keccak256(members), change));
        _record("relayerSet", RELAYER_SET, input, 4, payload, _word(data, 8 * 32));
    }

    function _record(
        string memory name,
        string memory types,
        bytes memory input,
        uint8 kind,
        bytes32 payload,
        bytes32 head
    ) private {
        assertEq(head, Heads.next(_head, kind, payload), name);
        _head = head;
        if (_seen[name]) return;
        _seen[name] = true;
        _putStruct("heads.input", name, types, input);
        string memory output = string.concat("heads.output.", name);
        _put(output, "payload", payload);
        _put(output, "head", head);
        _putObject("heads.output", name);
    }

    function _slice(bytes memory data, uint256 from, uint256 to) private pure returns (bytes memory part) {
        part = new bytes(to - from);
        for (uint256 i = from; i < to; ++i) {
            part[i - from] = data[i];
        }
    }

    function _word(bytes memory data, uint256 from) private pure returns (bytes32) {
        return bytes32(_slice(data, from, from + 32));
    }
}
