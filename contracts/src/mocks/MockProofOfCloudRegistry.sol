// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {RegistryBase} from "../base/RegistryBase.sol";
import {RelayerReads} from "../base/RelayerReads.sol";
import {IProofOfCloudRegistry} from "../interfaces/IProofOfCloudRegistry.sol";
import {ControlWordLib} from "../libraries/ControlWord.sol";
import {Lanes} from "../libraries/Lanes.sol";
import {OperatorWord} from "../libraries/OperatorWord.sol";
import {PlatformWord} from "../libraries/PlatformWord.sol";

/// @title MockProofOfCloudRegistry
/// @notice For integrators' tests: the registry's own answers over state that anyone may set.
/// @dev Warning: never deploy this where its answers matter. Anyone attests anybody.
contract MockProofOfCloudRegistry is RelayerReads {
    /// @notice The mock answers questions; it takes no reports.
    error NotInMock();

    constructor() RegistryBase(24 hours) {
        _control = ControlWordLib.initial(1).withProvider(1).withProvider(2).withProvider(7);
    }

    /// @notice Attests an operator as stated. `grant.custody` is taken as is, and its platform as not frozen.
    function attest(Grant calldata grant, uint16 provider) public {
        OperatorWord o = _operators[grant.operator];
        uint256 lane = o.lane();
        if (lane == 0) (_control, lane) = _control.takeLane();
        uint256 word = _laneWord(lane);
        uint256 start = Lanes.live(word, block.timestamp) ? o.since() : block.timestamp;
        _setLaneWord(lane, Lanes.next(word, grant.expiry));
        _operators[grant.operator] = o.granted(
            grant, lane, provider, start, block.timestamp, _number(grant.platformId), _workloadNumber(grant.workloadId)
        );
    }

    /// @notice Attests an operator for an hour as what the default requirement asks for.
    function attest(address operator, bytes32 platformId) external {
        Grant memory grant;
        grant.operator = operator;
        grant.platformId = platformId;
        grant.binding = 2;
        grant.custody = 1;
        grant.tcb = 1;
        grant.teeClass = 1;
        grant.flags = 1;
        grant.evidenceTime = uint40(block.timestamp);
        grant.ttl = 1 hours;
        grant.expiry = uint40(block.timestamp) + 1 hours;
        this.attest(grant, 1);
    }

    /// @notice Ends an operator's attestation, as time would.
    function expire(address operator) external {
        _zeroLane(_operators[operator].lane());
    }

    /// @inheritdoc IProofOfCloudRegistry
    function freezeOperator(address operator, uint16, bytes32) external {
        OperatorWord o = _operators[operator];
        _zeroLane(o.lane());
        _operators[operator] = o.withStatus(Status.Frozen, block.timestamp);
    }

    /// @inheritdoc IProofOfCloudRegistry
    function freezeProvider(uint16 provider, uint16, bytes32) external {
        _control = _control.withFrozenProvider(provider);
    }

    /// @inheritdoc IProofOfCloudRegistry
    function pause(uint16, bytes32) external {
        _control = _control.withPause();
    }

    /// @inheritdoc IProofOfCloudRegistry
    function deregister() external {
        OperatorWord o = _operators[msg.sender];
        _zeroLane(o.lane());
        _operators[msg.sender] = o.withStatus(Status.Deregistered, block.timestamp);
    }

    /// @inheritdoc IProofOfCloudRegistry
    function post(Report calldata, uint32, bytes calldata) external pure {
        revert NotInMock();
    }

    /// @inheritdoc IProofOfCloudRegistry
    function freezePlatform(bytes32, uint16, bytes32) external pure {
        revert NotInMock();
    }

    function _number(bytes32 platformId) private returns (uint256 index) {
        index = _platforms[platformId].index();
        if (index != 0) return index;
        (_control, index) = _control.takePlatform();
        _platformIds[index] = platformId;
        _platforms[platformId] = PlatformWord.wrap(index); // index lies in the lowest bits
    }

    function _workloadNumber(bytes32 workloadId) private returns (uint256 index) {
        if (workloadId == 0) return 0;
        index = _workloadIndexes[workloadId];
        if (index != 0) return index;
        (_control, index) = _control.takeWorkload();
        _workloadIndexes[workloadId] = index;
        _workloadIds[index] = workloadId;
    }
}
