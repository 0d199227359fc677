// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudGovernance} from "../interfaces/IProofOfCloudGovernance.sol";
import {IProofOfCloudRegistry as I} from "../interfaces/IProofOfCloudRegistry.sol";
import {OperatorWord} from "../libraries/OperatorWord.sol";
import {OrderLib} from "../libraries/OrderLib.sol";
import {PlatformWord} from "../libraries/PlatformWord.sol";
import {Quorum} from "../libraries/Quorum.sol";
import {RelayerSetWord} from "../libraries/RelayerSetWord.sol";
import {Timelock} from "./Timelock.sol";

/// @title Orders
/// @notice Trust goes down at once: what is in less of a hurry than a guardian's freeze, what the governor revokes, and
/// what relayers stop or revoke by their signatures alone.
abstract contract Orders is Timelock {
    uint256 private constant MAX_AHEAD = 1 hours;

    /// @dev The meaning of `Freeze.action`.
    enum Action {
        Operator,
        Platform,
        Provider,
        Pause,
        Relayer,
        Grace,
        Policy
    }

    /// @inheritdoc IProofOfCloudGovernance
    function disableRelayer(uint32 relayerSetId, uint8 index, uint16 reason, bytes32 evidenceHash)
        external
        onlyGuardian
    {
        _disableRelayer(relayerSetId, index, reason, evidenceHash);
    }

    /// @inheritdoc IProofOfCloudGovernance
    function endGrace(uint32 relayerSetId, uint16 reason, bytes32 evidenceHash) external onlyGuardian {
        _endGrace(relayerSetId, reason, evidenceHash);
    }

    /// @inheritdoc IProofOfCloudGovernance
    function retirePolicy(bytes32 policyDigest, uint16 reason, bytes32 evidenceHash) external onlyGuardian {
        _retirePolicy(policyDigest, reason, evidenceHash);
    }

    /// @inheritdoc IProofOfCloudGovernance
    function revokeOperator(address operator, uint16 reason, bytes32 evidenceHash) external onlyGovernor {
        _revokeOperator(operator, reason, evidenceHash);
    }

    /// @inheritdoc IProofOfCloudGovernance
    function revokePlatform(bytes32 platformId, uint16 reason, bytes32 evidenceHash) external onlyGovernor {
        _revokePlatform(platformId, reason, evidenceHash);
    }

    /// @inheritdoc IProofOfCloudGovernance
    function freezeBySignatures(I.Freeze calldata order, uint32 signerMask, bytes calldata signatures) external {
        RelayerSetWord set = _relayerSets[order.relayerSetId];
        bytes32 digest = hashFreeze(order);
        _spend(order.relayerSetId, set, set.freezeThreshold(), order.deadline, digest, signerMask, signatures);
        if (order.action > uint8(type(Action).max)) revert InvalidOrder();
        Action action = Action(order.action);
        _checkNonce(action, order.subject, order.statusNonce);
        uint256 value = uint256(order.subject);
        if (action == Action.Operator) {
            _freezeOperator(address(uint160(value)), 0, order.reason, order.evidenceHash);
        } else if (action == Action.Platform) {
            _freezePlatform(order.subject, 0, order.reason, order.evidenceHash);
        } else if (action == Action.Provider) {
            _freezeProvider(value, order.reason, order.evidenceHash);
        } else if (action == Action.Pause) {
            if (value != 0) revert InvalidOrder();
            _pause(order.reason, order.evidenceHash);
        } else if (action == Action.Relayer) {
            // Its own set's: a set in its grace must not undo its successor.
            if (value >> 8 != order.relayerSetId) revert InvalidOrder();
            _disableRelayer(order.relayerSetId, value & 0xff, order.reason, order.evidenceHash);
        } else if (action == Action.Grace) {
            if (value > type(uint32).max) revert InvalidOrder();
            _endGrace(uint32(value), order.reason, order.evidenceHash);
        } else {
            _retirePolicy(order.subject, order.reason, order.evidenceHash);
        }
        emit OrderExecuted(digest, order.relayerSetId, signerMask);
    }

    /// @inheritdoc IProofOfCloudGovernance
    function revokeBySignatures(I.Revoke calldata order, uint32 signerMask, bytes calldata signatures) external {
        RelayerSetWord set = _relayerSets[order.relayerSetId];
        bytes32 digest = hashRevoke(order);
        _spend(order.relayerSetId, set, set.threshold(), order.deadline, digest, signerMask, signatures);
        if (order.kind > uint8(type(I.Subject).max)) revert InvalidOrder();
        Action action = Action(order.kind); // both enums begin with operator, platform
        _checkNonce(action, order.subject, order.statusNonce);
        if (action == Action.Operator) {
            _revokeOperator(address(uint160(uint256(order.subject))), order.reason, order.evidenceHash);
        } else {
            _revokePlatform(order.subject, order.reason, order.evidenceHash);
        }
        emit OrderExecuted(digest, order.relayerSetId, signerMask);
    }

    /// @inheritdoc IProofOfCloudGovernance
    function hashFreeze(I.Freeze calldata order) public view returns (bytes32) {
        return _hashTypedDataV4(OrderLib.hash(order));
    }

    /// @inheritdoc IProofOfCloudGovernance
    function hashRevoke(I.Revoke calldata order) public view returns (bytes32) {
        return _hashTypedDataV4(OrderLib.hash(order));
    }

    /// @dev Did as many members as needed sign this, lately, and for the first time? The nonces would do for operators and
    /// platforms; but a pause that was lifted must not come back by the same signatures.
    function _spend(
        uint32 relayerSetId,
        RelayerSetWord set,
        uint256 threshold,
        uint40 deadline,
        bytes32 digest,
        uint32 signerMask,
        bytes calldata signatures
    ) private {
        if (deadline < block.timestamp || deadline > block.timestamp + MAX_AHEAD) {
            revert OutsideDeadline(deadline);
        }
        if (!set.inForce(block.timestamp)) revert I.RelayerSetNotInForce(relayerSetId);
        if (_spent[digest]) revert Spent(digest);
        Quorum.check(set, threshold, digest, signerMask, signatures);
        _spent[digest] = true;
    }

    function _checkNonce(Action action, bytes32 subject, uint32 statusNonce) private view {
        // slither-disable-next-line uninitialized-local (zero where there is no nonce)
        uint256 expected;
        if (action == Action.Operator) {
            if (uint256(subject) > type(uint160).max) revert InvalidOrder();
            expected = _operators[address(uint160(uint256(subject)))].statusNonce();
        } else if (action == Action.Platform) {
            expected = _platforms[subject].statusNonce();
        }
        if (statusNonce != expected) revert WrongStatusNonce(expected);
    }

    function _disableRelayer(uint32 relayerSetId, uint256 index, uint16 reason, bytes32 evidenceHash) internal {
        RelayerSetWord set = _relayerSets[relayerSetId];
        if (index >= set.size()) revert UnknownRelayer(relayerSetId, index);
        if ((set.disabled() >> index) & 1 != 0) revert I.AlreadyDown();
        _setRelayerSet(relayerSetId, set.withDisabled(index), reason, evidenceHash);
    }

    function _endGrace(uint32 relayerSetId, uint16 reason, bytes32 evidenceHash) private {
        RelayerSetWord set = _relayerSets[relayerSetId];
        if (set.retiredAt() <= block.timestamp) revert NoGrace(relayerSetId); // 0 = not retired
        _setRelayerSet(relayerSetId, set.withRetiredAt(block.timestamp), reason, evidenceHash);
    }

    function _retirePolicy(bytes32 policyDigest, uint16 reason, bytes32 evidenceHash) private {
        if (!_policies[policyDigest]) revert I.PolicyNotInForce(policyDigest);
        _policies[policyDigest] = false;
        bytes32 payload = keccak256(abi.encode(policyDigest, false, reason, evidenceHash, msg.sender));
        emit I.PolicyRetired(policyDigest, reason, evidenceHash, msg.sender, _moveHead(HeadKind.Policy, payload));
    }

    /// @dev The instance goes with it: `Grants` gives none away whose holder is revoked. Evidence must be newer than this.
    function _revokeOperator(address operator, uint16 reason, bytes32 evidenceHash) private {
        OperatorWord o = _operators[operator];
        if (o.status() == I.Status.Revoked) revert I.AlreadyDown();
        _zeroLane(o.lane());
        _operators[operator] = o.withStatus(I.Status.Revoked, block.timestamp).withEvidenceTime(block.timestamp);
        _emitStatus(I.Subject.Operator, _subject(operator), o.status(), I.Status.Revoked, reason, evidenceHash);
    }

    function _revokePlatform(bytes32 platformId, uint16 reason, bytes32 evidenceHash) private {
        PlatformWord p = _platforms[platformId];
        if (p.status() == I.Status.Revoked) revert I.AlreadyDown();
        _zeroLanes(platformId, p);
        _platforms[platformId] = p.withStatus(I.Status.Revoked);
        _emitStatus(I.Subject.Platform, platformId, p.status(), I.Status.Revoked, reason, evidenceHash);
    }
}
