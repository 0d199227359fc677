// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry} from "../interfaces/IProofOfCloudRegistry.sol";
import {BatchState} from "../libraries/BatchState.sol";
import {ControlWord} from "../libraries/ControlWord.sol";
import {InstanceWord, InstanceWordLib} from "../libraries/InstanceWord.sol";
import {Lanes} from "../libraries/Lanes.sol";
import {OperatorWord} from "../libraries/OperatorWord.sol";
import {PlatformWord} from "../libraries/PlatformWord.sol";
import {PlatformLanes} from "./PlatformLanes.sol";

/// @title Grants
/// @notice Applies a report's grants. Every check comes before the first write: a grant applies wholly or not at all.
abstract contract Grants is IProofOfCloudRegistry, PlatformLanes {
    function _applyGrants(BatchState memory batch, Grant[] calldata grants) internal {
        for (uint256 i; i < grants.length; ++i) {
            SkipReason reason = _applyGrant(batch, grants[i]);
            if (reason == SkipReason.None) batch.grantsApplied |= 1 << i;
            else emit ItemSkipped(Item.Grant, _subject(grants[i].operator), reason);
        }
    }

    function _applyGrant(BatchState memory batch, Grant calldata g) private returns (SkipReason) {
        OperatorWord o = _operators[g.operator];
        PlatformWord p = _platforms[g.platformId];
        SkipReason reason = _refusal(batch.issuedAt, g, o, p);
        if (reason != SkipReason.None) return reason;

        uint256 lane = o.lane();
        uint256 word = lane == 0 ? 0 : _laneWord(lane);
        uint256 places = _places(g.instanceId);
        bool stays = lane != 0 && o.platformIndex() == p.index() && _hasPlace(g.platformId, p, lane, places);
        uint256 place = stays ? 0 : _findPlace(g.platformId, p, places);
        if (place == places) return SkipReason.PlatformFull;
        ControlWord c = batch.control;
        if (lane == 0) (c, lane) = c.takeLane();
        uint256 workload = g.workloadId == 0 ? 0 : _workloadIndexes[g.workloadId];
        bool named = workload != 0 || g.workloadId == 0;
        if (!named) (c, workload) = c.takeWorkload();
        if (lane == 0 || (!named && workload == 0)) return SkipReason.Exhausted;

        batch.control = c;
        if (!named) _nameWorkload(workload, g.workloadId);
        if (!stays) {
            if (o.lane() != 0) p = _leavePlace(o, g.platformId, p, lane);
            _platforms[g.platformId] = _placeLane(g.platformId, p, place, lane);
        }
        if (g.instanceId != 0) _instances[g.instanceId] = InstanceWordLib.create(g.operator, batch.issuedAt);

        bool goesOn = Lanes.live(word, block.timestamp) && _isNoMore(g, o, p, workload);
        uint256 start = goesOn ? o.since() : block.timestamp;
        word = Lanes.next(word, g.expiry);
        _setLaneWord(lane, word);
        o = o.granted(g, lane, p.provider(), start, batch.issuedAt, p.index(), workload);
        _operators[g.operator] = o;
        batch.addDigest(g.digest);
        emit OperatorGranted(
            g.operator, g.platformId, g.workloadId, g.instanceId, g.digest, OperatorWord.unwrap(o), uint32(word)
        );
        return SkipReason.None;
    }

    /// @dev Why the grant does not apply, but for a full platform and want of numbers.
    function _refusal(uint256 issuedAt, Grant calldata g, OperatorWord o, PlatformWord p)
        private
        view
        returns (SkipReason)
    {
        if (!_inRange(issuedAt, g)) return SkipReason.InvalidField;
        if (g.statusNonce != o.statusNonce()) return SkipReason.StatusNonce;
        if (issuedAt <= o.issuedAt()) return SkipReason.NotLater;
        Status status = o.status();
        if (status == Status.Revoked) return SkipReason.Revoked;
        if (status == Status.Frozen && block.timestamp < o.since() + FREEZE_BLOCKS_GRANTS) return SkipReason.Frozen;
        if (status != Status.Active && g.evidenceTime <= o.evidenceTime()) return SkipReason.EvidenceTooOld;
        if (p.status() == Status.Unknown) return SkipReason.PlatformUnknown;
        // A report issued before the platform's last entry was signed in view of another custody.
        if (p.status() != Status.Active || issuedAt < p.issuedAt()) return SkipReason.PlatformNotActive;
        if (g.custody > p.custody()) return SkipReason.CustodyTooHigh;
        if (g.expiry > block.timestamp + _MAX_TTL) return SkipReason.ExpiryTooFar;
        if (g.expiry > p.custodyExpiry()) return SkipReason.BeyondCustody;
        return _instanceRefusal(g.operator, g.instanceId);
    }

    /// @dev Whatever passes here fits its field in `OperatorWord`, times because no report's deadline is later than 2106.
    /// An expiry later than evidence and TTL allow would make the attestation look younger than it is. A binding above
    /// Quote rests on a TPM, so it names an instance: without one, any number of operators could share the machine.
    function _inRange(uint256 issuedAt, Grant calldata g) private pure returns (bool) {
        return g.operator != address(0) && g.platformId != 0 && g.binding >= 1 && g.binding <= 3
            && (g.instanceId != 0 || g.binding == 1) && g.custody <= 2 && g.tcb >= 1 && g.tcb <= 6 && g.teeClass >= 1
            && g.teeClass <= 15 && g.evidenceTime != 0 && g.evidenceTime <= issuedAt && g.ttl != 0 && g.ttl < 1 << 20
            && g.expiry <= uint256(g.evidenceTime) + g.ttl;
    }

    /// @dev May this operator hold the instance? A holder that is lapsed or has deregistered loses it. One that is frozen
    /// keeps it while its freeze blocks grants, or its key's thief would simply enrol under another; one that is revoked
    /// keeps it until the governor reinstates it: the instance is revoked with it.
    function _instanceRefusal(address operator, bytes32 instanceId) private view returns (SkipReason) {
        if (instanceId == 0) return SkipReason.None; // no TPM: nothing to hold
        InstanceWord instance = _instances[instanceId];
        address holder = instance.operator();
        if (holder == address(0) || holder == operator) return SkipReason.None;
        OperatorWord h = _operators[holder];
        if (!instance.heldBy(h)) return SkipReason.None;
        if (h.status() == Status.Revoked) return SkipReason.Revoked;
        bool held = h.status() == Status.Frozen
            ? block.timestamp < h.since() + FREEZE_BLOCKS_GRANTS
            : Lanes.live(_laneWord(h.lane()), block.timestamp);
        return held ? SkipReason.InstanceTaken : SkipReason.None;
    }

    /// @dev Does the grant say nothing of the operator that was not true before? Else its continuity would count time in
    /// which it was attested as something less, or elsewhere. A new provider needs no question here: it ends the lane.
    function _isNoMore(Grant calldata g, OperatorWord o, PlatformWord p, uint256 workload) private pure returns (bool) {
        return p.index() == o.platformIndex() && workload == o.workloadIndex() && g.teeClass == o.teeClass()
            && g.binding <= o.binding() && g.custody <= o.custody() && g.tcb >= o.tcb() && g.flags & ~o.flags() == 0;
    }

    /// @dev Takes the lane off the list it was on. Returns the word of the platform it goes to, which may be the same: the
    /// place it had there, if any, is not open to it any more.
    function _leavePlace(OperatorWord o, bytes32 toId, PlatformWord to, uint256 lane) private returns (PlatformWord) {
        if (o.platformIndex() == to.index()) return _removeLane(toId, to, lane);
        bytes32 id = _platformIds[o.platformIndex()];
        _platforms[id] = _removeLane(id, _platforms[id], lane);
        return to;
    }

    function _nameWorkload(uint256 index, bytes32 workloadId) private {
        _workloadIndexes[workloadId] = index;
        _workloadIds[index] = workloadId;
    }
}
