// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry as I} from "../interfaces/IProofOfCloudRegistry.sol";
import {ControlWord} from "../libraries/ControlWord.sol";
import {HeadWord} from "../libraries/HeadWord.sol";
import {InstanceWord} from "../libraries/InstanceWord.sol";
import {Lanes} from "../libraries/Lanes.sol";
import {OperatorWord} from "../libraries/OperatorWord.sol";
import {PlatformWord} from "../libraries/PlatformWord.sol";
import {RelayerSetWord} from "../libraries/RelayerSetWord.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/// @title RegistryBase
/// @notice The registry's whole state, and the two things every writer does with it: move the head, touch a lane.
abstract contract RegistryBase is EIP712 {
    /// @dev What moved the head.
    enum HeadKind {
        Genesis,
        Batch,
        Status,
        Control,
        RelayerSet,
        Policy,
        Authority
    }

    uint256 internal constant MAX_OPERATORS_PER_PLATFORM = 64;
    /// @dev How long a freeze keeps a quorum from granting again.
    uint256 internal constant FREEZE_BLOCKS_GRANTS = 72 hours;
    /// @dev How long a guardian must wait before it freezes the same subject again.
    uint256 internal constant FREEZE_AGAIN_AFTER = 30 days;
    uint256 internal constant ROOTS = 1024;
    uint256 internal constant MAX_PROVIDER = 127;
    uint256 internal constant MAX_GUARDIANS = 15;
    uint256 internal constant MAX_DELAY = 90 days;

    /// @dev Seconds.
    uint32 internal immutable _MAX_TTL;

    ControlWord internal _control;
    HeadWord internal _head;
    mapping(uint256 slot => uint256 lanes) internal _lanes;
    mapping(address operator => OperatorWord) internal _operators;
    mapping(bytes32 instanceId => InstanceWord) internal _instances;
    mapping(bytes32 platformId => PlatformWord) internal _platforms;
    /// @dev Lanes past the platform word's three, ten to a slot.
    mapping(bytes32 platformId => mapping(uint256 => uint256)) internal _moreLanes;
    mapping(uint256 index => bytes32 platformId) internal _platformIds;
    mapping(uint256 index => bytes32 workloadId) internal _workloadIds;
    mapping(bytes32 workloadId => uint256 index) internal _workloadIndexes;
    mapping(uint256 setId => RelayerSetWord) internal _relayerSets;
    mapping(bytes32 policyDigest => bool) internal _policies;
    /// @dev From 1 to 15; 0 = not a guardian.
    mapping(address account => uint256 seat) internal _seats;
    /// @dev Freezes which the subject's own word has no room for: see `Changes`.
    mapping(I.Subject kind => mapping(bytes32 subject => mapping(uint256 seat => uint256 time))) internal _olderFreezes;
    address internal _governor;
    /// @dev Bit s: seat s is taken.
    uint16 internal _takenSeats;
    mapping(bytes4 selector => uint256 delay) internal _delays;
    mapping(bytes32 id => uint256 time) internal _executableAt;
    /// @dev What was submitted last, of those functions of which one call waits at a time.
    mapping(bytes4 selector => bytes32 id) internal _latest;
    /// @dev Orders signed by relayers that have been carried out.
    mapping(bytes32 digest => bool) internal _spent;
    bytes32[1024] internal _roots;

    constructor(uint32 maxTtl) EIP712("ProofOfCloudRegistry", "1") {
        // One mistake here would outlive the deployment: an expiry years ahead is a key's theft nobody notices.
        if (maxTtl < Lanes.UNIT || maxTtl > 7 days) revert I.InvalidConfig();
        _MAX_TTL = maxTtl;
    }

    function _moveHead(HeadKind kind, bytes32 payload) internal returns (bytes32) {
        HeadWord h = _head.next(uint256(kind), kind == HeadKind.Batch ? 1 : 0, payload);
        // slither-disable-next-line costly-loop (only the constructor and orders of several changes come here again)
        _head = h;
        return HeadWord.unwrap(h);
    }

    function _laneWord(uint256 lane) internal view returns (uint256) {
        return Lanes.wordAt(_lanes[lane >> 3], lane);
    }

    function _setLaneWord(uint256 lane, uint256 word) internal {
        _lanes[lane >> 3] = Lanes.put(_lanes[lane >> 3], lane, word);
    }

    /// @dev Takes a lane's expiry at once. Lane 0 means none.
    function _zeroLane(uint256 lane) internal {
        if (lane != 0) _setLaneWord(lane, Lanes.zeroed(_laneWord(lane)));
    }

    function _subject(address operator) internal pure returns (bytes32) {
        return bytes32(uint256(uint160(operator)));
    }
}
