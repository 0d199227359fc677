// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry} from "../interfaces/IProofOfCloudRegistry.sol";
import {OperatorWord} from "../libraries/OperatorWord.sol";
import {Changes} from "./Changes.sol";

/// @title Guardianship
/// @notice Trust goes down at once: what a guardian does in a hurry, and the operator's own way out. Nothing here raises
/// an answer, ever: a stolen guardian key stops, it cannot lie.
abstract contract Guardianship is IProofOfCloudRegistry, Changes {
    /// @inheritdoc IProofOfCloudRegistry
    function deregister() external {
        OperatorWord o = _operators[msg.sender];
        // A frozen operator must not swap its status for one that a grant could end sooner.
        if (o.status() != Status.Active) revert NotActive(msg.sender);
        _zeroLane(o.lane());
        _operators[msg.sender] = o.withStatus(Status.Deregistered, block.timestamp).withEvidenceTime(block.timestamp);
        _emitStatus(Subject.Operator, _subject(msg.sender), Status.Active, Status.Deregistered, 0, 0);
    }

    /// @inheritdoc IProofOfCloudRegistry
    function freezeOperator(address operator, uint16 reason, bytes32 evidenceHash) external onlyGuardian {
        _freezeOperator(operator, _seats[msg.sender], reason, evidenceHash);
    }

    /// @inheritdoc IProofOfCloudRegistry
    function freezePlatform(bytes32 platformId, uint16 reason, bytes32 evidenceHash) external onlyGuardian {
        _freezePlatform(platformId, _seats[msg.sender], reason, evidenceHash);
    }

    /// @inheritdoc IProofOfCloudRegistry
    function freezeProvider(uint16 provider, uint16 reason, bytes32 evidenceHash) external onlyGuardian {
        _freezeProvider(provider, reason, evidenceHash);
    }

    /// @inheritdoc IProofOfCloudRegistry
    function pause(uint16 reason, bytes32 evidenceHash) external onlyGuardian {
        _pause(reason, evidenceHash);
    }
}
