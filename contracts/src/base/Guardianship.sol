// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry} from "../interfaces/IProofOfCloudRegistry.sol";
import {ControlWord} from "../libraries/ControlWord.sol";
import {OperatorWord} from "../libraries/OperatorWord.sol";
import {PlatformWord} from "../libraries/PlatformWord.sol";
import {RelayerSetWord} from "../libraries/RelayerSetWord.sol";
import {PlatformLanes} from "./PlatformLanes.sol";

/// @title Guardianship
/// @notice Trust goes down at once. Nothing here raises an answer, ever: a stolen guardian key stops, it cannot lie.
abstract contract Guardianship is PlatformLanes {
    modifier onlyGuardian() {
        if (!_guardians[msg.sender]) revert NotGuardian(msg.sender);
        _;
    }

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
        _stampFreeze(_subject(operator));
        OperatorWord o = _operators[operator];
        _zeroLane(o.lane());
        _operators[operator] = o.withStatus(Status.Frozen, block.timestamp);
        _emitStatus(Subject.Operator, _subject(operator), o.status(), Status.Frozen, reason, evidenceHash);
    }

    /// @inheritdoc IProofOfCloudRegistry
    function freezePlatform(bytes32 platformId, uint16 reason, bytes32 evidenceHash) external onlyGuardian {
        _stampFreeze(platformId);
        PlatformWord p = _platforms[platformId];
        _zeroLanes(platformId, p);
        _platforms[platformId] = p.frozen(block.timestamp);
        _emitStatus(Subject.Platform, platformId, p.status(), Status.Frozen, reason, evidenceHash);
    }

    /// @inheritdoc IProofOfCloudRegistry
    function freezeProvider(uint16 provider, uint16 reason, bytes32 evidenceHash) external onlyGuardian {
        if (provider == 0 || provider > MAX_PROVIDER) revert InvalidProvider(provider);
        ControlWord c = _control;
        if (c.providerFrozen(provider)) revert AlreadyDown();
        _setControl(c.withFrozenProvider(provider), reason, evidenceHash);
    }

    /// @inheritdoc IProofOfCloudRegistry
    function pause(uint16 reason, bytes32 evidenceHash) external onlyGuardian {
        ControlWord c = _control;
        if (c.paused()) revert AlreadyDown();
        _setControl(c.withPause(), reason, evidenceHash);
    }

    /// @inheritdoc IProofOfCloudRegistry
    function disableRelayer(uint32 relayerSetId, uint8 index, uint16 reason, bytes32 evidenceHash)
        external
        onlyGuardian
    {
        RelayerSetWord set = _relayerSets[relayerSetId];
        if (index >= set.size()) revert UnknownRelayer(relayerSetId, index);
        if ((set.disabled() >> index) & 1 != 0) revert AlreadyDown();
        _setRelayerSet(relayerSetId, set.withDisabled(index), reason, evidenceHash);
    }

    /// @inheritdoc IProofOfCloudRegistry
    function retirePolicy(bytes32 policyDigest, uint16 reason, bytes32 evidenceHash) external onlyGuardian {
        if (!_policies[policyDigest]) revert PolicyNotInForce(policyDigest);
        _policies[policyDigest] = false;
        bytes32 payload = keccak256(abi.encode(policyDigest, false, reason, evidenceHash, msg.sender));
        emit PolicyRetired(policyDigest, reason, evidenceHash, msg.sender, _moveHead(HeadKind.Policy, payload));
    }

    /// @dev A guardian may stop a subject, not keep it stopped: that takes the quorum of relayers, who need not grant,
    /// or several guardians.
    function _stampFreeze(bytes32 subject) private {
        uint256 last = _frozenBy[msg.sender][subject];
        if (last != 0 && block.timestamp < last + FREEZE_AGAIN_AFTER) {
            revert FrozenTooRecently(uint40(last + FREEZE_AGAIN_AFTER));
        }
        _frozenBy[msg.sender][subject] = block.timestamp;
    }

    function _emitStatus(Subject kind, bytes32 subject, Status from, Status to, uint16 reason, bytes32 evidenceHash)
        private
    {
        bytes32 payload = keccak256(abi.encode(kind, subject, from, to, reason, evidenceHash, msg.sender));
        bytes32 newHead = _moveHead(HeadKind.Status, payload);
        emit StatusChanged(kind, subject, from, to, reason, evidenceHash, msg.sender, newHead);
    }

    function _setControl(ControlWord c, uint16 reason, bytes32 evidenceHash) private {
        _control = c;
        bytes32 payload =
            keccak256(abi.encode(c.paused(), c.frozenProviders(), c.setId(), reason, evidenceHash, msg.sender));
        bytes32 newHead = _moveHead(HeadKind.Control, payload);
        emit ControlChanged(c.paused(), c.frozenProviders(), c.setId(), reason, evidenceHash, msg.sender, newHead);
    }

    function _setRelayerSet(uint32 setId, RelayerSetWord set, uint16 reason, bytes32 evidenceHash) internal {
        _relayerSets[setId] = set;
        RelayerSet memory s = RelayerSet({
            members: set.members(),
            threshold: uint8(set.threshold()),
            freezeThreshold: uint8(set.freezeThreshold()),
            disabled: uint32(set.disabled()),
            retiredAt: uint40(set.retiredAt())
        });
        bytes32 payload = keccak256(
            abi.encode(
                setId,
                keccak256(abi.encodePacked(s.members)),
                s.threshold,
                s.freezeThreshold,
                s.disabled,
                s.retiredAt,
                reason,
                evidenceHash,
                msg.sender
            )
        );
        bytes32 newHead = _moveHead(HeadKind.RelayerSet, payload);
        emit RelayerSetChanged(
            setId,
            s.members,
            s.threshold,
            s.freezeThreshold,
            s.disabled,
            s.retiredAt,
            reason,
            evidenceHash,
            msg.sender,
            newHead
        );
    }
}
