// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry as I} from "../interfaces/IProofOfCloudRegistry.sol";
import {ControlWord} from "../libraries/ControlWord.sol";
import {OperatorWord} from "../libraries/OperatorWord.sol";
import {PlatformWord} from "../libraries/PlatformWord.sol";
import {RelayerSetWord} from "../libraries/RelayerSetWord.sol";
import {PlatformLanes} from "./PlatformLanes.sol";

/// @title Changes
/// @notice Every change of trust that is not a report's: what it stores, how it moves the head, what it says. Who may
/// make which is decided by those who call.
abstract contract Changes is PlatformLanes {
    modifier onlyGuardian() {
        if (_seats[msg.sender] == 0) revert I.NotGuardian(msg.sender);
        _;
    }

    /// @param seat The guardian's; 0 = relayers.
    function _freezeOperator(address operator, uint256 seat, uint16 reason, bytes32 evidenceHash) internal {
        OperatorWord o = _operators[operator];
        if (o.status() == I.Status.Revoked) revert I.AlreadyDown();
        OperatorWord next = o.withStatus(I.Status.Frozen, block.timestamp);
        if (seat != 0) {
            bool more =
                _noteFreeze(I.Subject.Operator, _subject(operator), seat, o.frozenBy(), o.frozenAt(), o.frozenByMore());
            next = next.withFreezer(seat, block.timestamp, more);
        }
        _zeroLane(o.lane());
        _operators[operator] = next;
        _emitStatus(I.Subject.Operator, _subject(operator), o.status(), I.Status.Frozen, reason, evidenceHash);
    }

    /// @param seat The guardian's; 0 = relayers.
    function _freezePlatform(bytes32 platformId, uint256 seat, uint16 reason, bytes32 evidenceHash) internal {
        PlatformWord p = _platforms[platformId];
        if (p.status() == I.Status.Revoked) revert I.AlreadyDown();
        bool more = _noteFreeze(I.Subject.Platform, platformId, seat, p.frozenBy(), p.frozenAt(), p.frozenByMore());
        _zeroLanes(platformId, p);
        _platforms[platformId] = p.frozen(block.timestamp, seat, more);
        _emitStatus(I.Subject.Platform, platformId, p.status(), I.Status.Frozen, reason, evidenceHash);
    }

    function _freezeProvider(uint256 provider, uint16 reason, bytes32 evidenceHash) internal {
        if (provider == 0 || provider > MAX_PROVIDER) revert I.InvalidProvider(provider);
        ControlWord c = _control;
        if (c.providerFrozen(provider)) revert I.AlreadyDown();
        _setControl(c.withFrozenProvider(provider), reason, evidenceHash);
    }

    function _pause(uint16 reason, bytes32 evidenceHash) internal {
        ControlWord c = _control;
        if (c.paused()) revert I.AlreadyDown();
        _setControl(c.withPause(), reason, evidenceHash);
    }

    /// @dev A guardian may stop a subject, not keep it stopped: that takes the quorum of relayers, who need not grant,
    /// or several guardians. The subject's word remembers its last freeze only, which saves a slot; where another
    /// guardian's would be forgotten too early it is put aside. Returns whether any has been.
    function _noteFreeze(I.Subject kind, bytes32 subject, uint256 seat, uint256 lastSeat, uint256 last, bool more)
        private
        returns (bool)
    {
        if (seat != 0) {
            uint256 mine = _lastFreeze(kind, subject, seat, lastSeat, last, more);
            if (mine != 0 && block.timestamp < mine + FREEZE_AGAIN_AFTER) {
                revert I.FrozenTooRecently(uint40(mine + FREEZE_AGAIN_AFTER));
            }
        }
        if (lastSeat == 0 || lastSeat == seat || block.timestamp >= last + FREEZE_AGAIN_AFTER) return more;
        _olderFreezes[kind][subject][lastSeat] = last;
        return true;
    }

    /// @dev When the guardian in this seat last froze the subject; 0 = never, or long ago.
    function _lastFreeze(I.Subject kind, bytes32 subject, uint256 seat, uint256 lastSeat, uint256 last, bool more)
        internal
        view
        returns (uint256)
    {
        if (lastSeat == seat) return last;
        return more ? _olderFreezes[kind][subject][seat] : 0;
    }

    function _emitStatus(
        I.Subject kind,
        bytes32 subject,
        I.Status from,
        I.Status to,
        uint16 reason,
        bytes32 evidenceHash
    ) internal {
        bytes32 payload = keccak256(abi.encode(kind, subject, from, to, reason, evidenceHash, msg.sender));
        bytes32 newHead = _moveHead(HeadKind.Status, payload);
        emit I.StatusChanged(kind, subject, from, to, reason, evidenceHash, msg.sender, newHead);
    }

    function _setControl(ControlWord c, uint16 reason, bytes32 evidenceHash) internal {
        _control = c;
        bytes32 payload =
            keccak256(abi.encode(c.paused(), c.frozenProviders(), c.setId(), reason, evidenceHash, msg.sender));
        bytes32 newHead = _moveHead(HeadKind.Control, payload);
        emit I.ControlChanged(c.paused(), c.frozenProviders(), c.setId(), reason, evidenceHash, msg.sender, newHead);
    }

    function _setRelayerSet(uint32 setId, RelayerSetWord set, uint16 reason, bytes32 evidenceHash) internal {
        _relayerSets[setId] = set;
        I.RelayerSet memory s = set.open();
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
        emit I.RelayerSetChanged(
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

    function _registerPolicy(bytes32 policyDigest) internal {
        if (policyDigest == 0 || _policies[policyDigest]) revert I.InvalidConfig();
        _policies[policyDigest] = true;
        bytes32 payload = keccak256(abi.encode(policyDigest, true, uint16(0), bytes32(0), msg.sender));
        emit I.PolicyRegistered(policyDigest, msg.sender, _moveHead(HeadKind.Policy, payload));
    }

    /// @dev Seats a guardian.
    function _admitGuardian(address guardian) internal {
        _checkAdmissible(guardian);
        uint256 seat = 1;
        while (seat <= MAX_GUARDIANS && (_takenSeats >> seat) & 1 != 0) ++seat;
        if (seat > MAX_GUARDIANS) revert I.InvalidConfig();
        _seats[guardian] = seat;
        // slither-disable-next-line costly-loop (the constructor's, at most 15 times)
        _takenSeats |= uint16(1 << seat);
        _emitAuthority(I.Authority.Guardian, _subject(guardian), seat);
    }

    function _checkAdmissible(address guardian) internal view {
        if (guardian == address(0) || _seats[guardian] != 0) revert I.InvalidConfig();
    }

    function _setGovernor(address governor_) internal {
        if (governor_ == address(0)) revert I.InvalidConfig();
        _governor = governor_;
        _emitAuthority(I.Authority.Governor, _subject(governor_), 0);
    }

    function _setDelay(bytes4 selector, uint256 delay) internal {
        _delays[selector] = delay;
        _emitAuthority(I.Authority.Delay, selector, delay);
    }

    function _emitAuthority(I.Authority kind, bytes32 subject, uint256 value) internal {
        bytes32 payload = keccak256(abi.encode(kind, subject, value, msg.sender));
        emit I.AuthorityChanged(kind, subject, value, msg.sender, _moveHead(HeadKind.Authority, payload));
    }
}
