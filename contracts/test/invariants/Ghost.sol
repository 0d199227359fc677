// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry as I} from "../../src/interfaces/IProofOfCloudRegistry.sol";
import {World} from "./World.sol";

/// @notice What the registry ought to hold, kept by plain means beside it: who was stopped, since when, and what it
/// takes to come back. Nothing here is read from the registry.
abstract contract Ghost is World {
    struct Operator {
        /// Active, Frozen, Revoked or Deregistered; Unknown before the first grant.
        I.Status status;
        /// Something took its lane since its last grant: nothing but a grant may bring it back.
        bool stopped;
        /// Revoked since its last grant.
        bool tainted;
        uint256 nonce;
        /// A freeze keeps grants out until then.
        uint256 blockedUntil;
        /// Moves with whatever kills a renewal that was signed before.
        uint48 era;
        /// Of the last grant, in seconds; where it is stopped, 0.
        uint256 expiry;
        uint256 issuedAt;
        uint256 evidence;
        uint256 platform;
        bytes32 instance;
    }

    struct Platform {
        I.Status status;
        uint256 nonce;
        uint256 blockedUntil;
        uint256 issuedAt;
        uint256 provider;
        uint256 custody;
        uint256 custodyExpiry;
    }

    struct Set {
        uint256 crew;
        uint256 retiredAt;
        uint256 disabled;
    }

    /// @notice What a handler did, and the registry did with it. A campaign in which one of these stays zero shows
    /// nothing about it.
    enum Effect {
        Entry,
        Grant,
        GrantRefused,
        Renewal,
        RenewalRefused,
        SeveralApplied,
        PartlyApplied,
        PostedByOldSet,
        Overtaken,
        OutOfOrder,
        Replayed,
        DeadReport,
        DeadOrder,
        OrderCarriedOut,
        RevokedByOrder,
        Freeze,
        PlatformFreeze,
        ProviderFreeze,
        Pause,
        RelayerDisabled,
        GraceEnded,
        PolicyRetired,
        Revocation,
        PlatformRevocation,
        Deregistration,
        CameBack,
        BackFromRevocation,
        InstanceTakenOver,
        Submission,
        Veto,
        TooEarly,
        Rotation,
        Lift,
        Reinstatement,
        Unpause,
        Admission,
        UnpauseRestored,
        Intrusion,
        Conviction,
        Acquittal,
        CrowdGrant,
        NoPlace,
        PlaceTakenOver,
        /// Their number.
        Count
    }

    Operator[5] internal ops;
    Platform[3] internal plats;
    mapping(uint256 setId => Set) internal sets;
    uint256 internal currentSet = 1;
    uint256 internal crews = 1;
    bool internal paused;
    mapping(uint256 provider => bool) internal closed;
    mapping(bytes32 policy => bool) internal retired;
    /// @dev Index of the operator whose grant took the instance last, plus one.
    mapping(bytes32 instance => uint256) internal holders;
    /// @dev Who has a place on a platform, in the registry's order: an operator's index, or `OPERATORS` and on for the crowd.
    uint256[][3] internal places;
    /// @dev As `Operator.expiry`.
    uint256[64] internal crowdExpiry;
    uint256[64] internal crowdIssuedAt;

    mapping(Effect => uint256) public did;
    /// @notice Violations by invariant, as numbered in the table of the invariants; 0: registry and model disagree.
    uint256[11] public broken;
    string public firstBroken;

    constructor() {
        sets[1].crew = 1;
    }

    function _breaks(uint256 invariant, string memory what) internal {
        if (bytes(firstBroken).length == 0) firstBroken = what;
        ++broken[invariant];
    }

    function _setInForce(uint256 setId) internal view returns (bool) {
        Set storage s = sets[setId];
        return s.crew != 0 && (s.retiredAt == 0 || _now() < s.retiredAt);
    }

    // ------------------------------------------------------------------------------------------- what happened

    /// @dev Kills what was signed, and the lane with it.
    function _stop(uint256 o) internal {
        Operator storage g = ops[o];
        g.stopped = true;
        g.expiry = 0;
        ++g.era;
    }

    function _operatorFell(uint256 o, I.Status to) internal {
        Operator storage g = ops[o];
        _stop(o);
        ++g.nonce;
        g.status = to;
        if (to == I.Status.Frozen) g.blockedUntil = _now() + 72 hours;
        else g.evidence = _now();
        if (to == I.Status.Revoked) g.tainted = true;
    }

    function _platformFell(uint256 p, I.Status to) internal {
        Platform storage g = plats[p];
        ++g.nonce;
        g.status = to;
        if (to == I.Status.Frozen) g.blockedUntil = _now() + 72 hours;
        for (uint256 o; o < OPERATORS; ++o) {
            if (ops[o].issuedAt != 0 && ops[o].platform == p) _stop(o);
        }
        _cutCrowd(p, 0);
    }

    /// @dev Everybody of the crowd on this platform is attested until then at most.
    function _cutCrowd(uint256 p, uint256 expiry) internal {
        uint256[] storage list = places[p];
        for (uint256 i; i < list.length; ++i) {
            if (list[i] < OPERATORS) continue;
            uint256 c = list[i] - OPERATORS;
            if (crowdExpiry[c] > expiry) crowdExpiry[c] = expiry;
        }
    }

    /// @dev The places open to whoever names this instance: with none, the first 32 of the 64.
    function _openPlaces(bytes32 instance) internal pure returns (uint256) {
        return instance == 0 ? 32 : 64;
    }

    /// @dev The place somebody has on a platform, or would get, among the first `open`: at the end, or that of the first
    /// who is not attested any more. `open`: none.
    function _placeOf(uint256 id, uint256 p, uint256 open) internal view returns (uint256 i) {
        uint256[] storage list = places[p];
        uint256 n = list.length;
        for (i = 0; i < n && i < open; ++i) {
            if (list[i] == id) return i;
        }
        if (n < open) return n;
        for (i = 0; i < open; ++i) {
            if ((list[i] < OPERATORS ? ops[list[i]].expiry : crowdExpiry[list[i] - OPERATORS]) <= _now()) return i;
        }
    }

    /// @dev Puts somebody there, and takes it off the platform it came from; the last in the list fills the gap.
    function _takePlace(uint256 id, uint256 p, uint256 open) internal {
        uint256 i = _placeOf(id, p, open);
        uint256[] storage list = places[p];
        if (i < list.length && list[i] == id) return;
        for (uint256 q; q < PLATFORMS; ++q) {
            uint256[] storage left = places[q];
            for (uint256 j; j < left.length; ++j) {
                if (left[j] != id) continue;
                left[j] = left[left.length - 1];
                left.pop();
            }
        }
        if (i == list.length) {
            list.push(id);
        } else {
            list[i] = id;
            ++did[Effect.PlaceTakenOver];
        }
    }

    function _operatorThawed(uint256 o) internal {
        Operator storage g = ops[o];
        (g.status, g.blockedUntil) = (I.Status.Frozen, 0);
        ++g.nonce;
        ++g.era;
    }

    function _platformThawed(uint256 p) internal {
        Platform storage g = plats[p];
        (g.status, g.blockedUntil) = (I.Status.Frozen, 0);
        ++g.nonce;
    }

    // ------------------------------------------------------------------------------------------- what may happen

    function _entryMayApply(uint256 issuedAt, uint256 p, I.PlatformEntry memory e) internal view returns (bool) {
        Platform storage g = plats[p];
        return e.statusNonce == g.nonce && issuedAt > g.issuedAt && g.status != I.Status.Revoked
            && (g.status != I.Status.Frozen || _now() >= g.blockedUntil);
    }

    function _grantMayApply(uint256 issuedAt, uint256 o, I.Grant memory g, uint256 p) internal view returns (bool) {
        Operator storage op = ops[o];
        Platform storage pl = plats[p];
        if (g.statusNonce != op.nonce || issuedAt <= op.issuedAt || op.status == I.Status.Revoked) return false;
        if (op.status == I.Status.Frozen && _now() < op.blockedUntil) return false;
        if (op.status != I.Status.Active && g.evidenceTime <= op.evidence) return false;
        if (pl.status != I.Status.Active || issuedAt < pl.issuedAt) return false;
        if (g.custody > pl.custody || g.expiry > pl.custodyExpiry || g.expiry > _now() + LONG_TTL) return false;
        if (g.instanceId == 0 && g.binding > 1) return false;
        return _instanceFree(o, g.instanceId) && _placeOf(o, p, _openPlaces(g.instanceId)) < _openPlaces(g.instanceId);
    }

    function _instanceFree(uint256 o, bytes32 instance) private view returns (bool) {
        if (instance == 0 || holders[instance] == 0) return true;
        uint256 h = holders[instance] - 1;
        Operator storage holder = ops[h];
        if (h == o || holder.instance != instance) return true;
        if (holder.status == I.Status.Revoked) return false;
        if (holder.status == I.Status.Frozen) return _now() >= holder.blockedUntil;
        return holder.expiry <= _now();
    }
}
