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
        // Whatever the nonce: see `_checkNonce`. So one that was signed just before a reinstatement, and not carried out
        // yet, revokes once more within its hour.
        if (order.kind == uint8(I.Subject.Operator)) {
            _revokeOperator(_operatorOf(order.subject), order.reason, order.evidenceHash);
        } else if (order.kind == uint8(I.Subject.Platform)) {
            _revokePlatform(order.subject, order.reason, order.evidenceHash);
        } else {
            revert InvalidOrder();
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

    /// @dev Did as many members as needed sign this, lately, and for the first time? An order can be carried out within one
    /// hour, and all that undoes one takes a day or longer, so today none would find anything to do a second time. That
    /// it is dead all the same rests on this line, and not on seven actions and as many delays.
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

    /// @dev A freeze is for the status that its signers saw: it must not begin another's 72 hours anew. But whoever is to
    /// be stopped must not get out of the way by a change of status of its own: an operator, told by the pool of
    /// transactions, by deregistering; nor may a few relayers, by a freeze, get a revocation out of its way.
    function _checkNonce(Action action, bytes32 subject, uint32 statusNonce) private view {
        // slither-disable-next-line uninitialized-local (zero where there is no nonce)
        uint256 expected;
        if (action == Action.Operator) {
            OperatorWord o = _operators[_operatorOf(subject)];
            if (o.status() == I.Status.Deregistered) return;
            expected = o.statusNonce();
        } else if (action == Action.Platform) {
            expected = _platforms[subject].statusNonce();
        }
        if (statusNonce != expected) revert WrongStatusNonce(expected);
    }

    function _operatorOf(bytes32 subject) private pure returns (address) {
        if (uint256(subject) > type(uint160).max) revert InvalidOrder();
        return address(uint160(uint256(subject)));
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
