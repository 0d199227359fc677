// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudGovernance as IGov} from "../../src/interfaces/IProofOfCloudGovernance.sol";
import {IProofOfCloudRegistry as I} from "../../src/interfaces/IProofOfCloudRegistry.sol";
import {Reports} from "./Reports.sol";
import {Stops} from "./Stops.sol";

/// @notice What relayers stop or revoke by signatures alone: signed now, sent now or later, well or badly, and again.
abstract contract SignedOrders is Reports, Stops {
    struct OrderInFlight {
        bool revokes;
        /// A `Revoke` has the same fields.
        I.Freeze order;
        uint32 mask;
        bytes signatures;
        bool wellSigned;
        bool spent;
    }

    OrderInFlight[4] internal orders;
    uint256 internal drawnUp;

    function signOrder(uint256 seed) external {
        uint256 r = _random(seed);
        uint256 place = drawnUp++ % orders.length;
        OrderInFlight storage f = orders[place];
        bool revokes = (r >> 128) % 3 == 0;
        Fault fault = (r >> 136) % 3 == 0 ? Fault(1 + (r >> 144) % 6) : Fault.None;
        I.Freeze memory order = _someOrder(r, revokes);
        f.mask = _someSigners(order.relayerSetId, r >> 152);
        if (revokes == (fault == Fault.TooFew)) f.mask &= f.mask - 1; // a freeze takes one of them
        if (f.mask == 0 || fault == Fault.SameSignerTwice) f.mask = 7;
        uint256 crew = fault == Fault.OtherSet ? crews + 1 : sets[order.relayerSetId].crew;
        f.signatures = _signAs(crew, _orderDigest(order, revokes, fault), f.mask);
        if (fault == Fault.Altered) ++order.deadline;
        f.order = order;
        f.revokes = revokes;
        f.wellSigned = fault == Fault.None && f.mask != 7 && revokes == (f.mask & (f.mask - 1) != 0);
        f.spent = false;
        if ((r >> 160) % 4 != 0) _sendOrder(place, false);
    }

    /// @dev Sends any order that was drawn up lately, spent or not.
    function sendOrder(uint256 seed) external {
        uint256 r = _random(seed);
        if (drawnUp == 0) return;
        uint256 place = r % (drawnUp < orders.length ? drawnUp : orders.length);
        _sendOrder(place, orders[place].wellSigned && (r >> 8) % 4 == 0);
    }

    function _someOrder(uint256 r, bool revokes) private view returns (I.Freeze memory order) {
        (order.action, order.subject) = _someStop(r);
        if (revokes) {
            order.action = (r >> 64) % 3 == 0 ? PLATFORM_ : OPERATOR;
            order.subject =
                order.action == OPERATOR ? _subject(who((r >> 72) % OPERATORS)) : _platformId((r >> 72) % PLATFORMS);
        }
        order.relayerSetId = uint32(currentSet > 1 && (r >> 80) % 5 == 0 ? currentSet - 1 : currentSet);
        if (!revokes && order.action == RELAYER) order.relayerSetId = uint32(uint256(order.subject) >> 8);
        order.deadline = uint40(_now() + (r >> 96) % 1 hours);
        order.reason = uint16(r >> 88);
        // Else the same stop, signed in the same second, would be the same order.
        order.evidenceHash = bytes32(r);
        order.statusNonce = uint32(_nonce(order));
    }

    function _nonce(I.Freeze memory order) private view returns (uint256) {
        if (order.action == OPERATOR) return ops[uint256(order.subject) - uint160(who(0))].nonce;
        if (order.action == PLATFORM_) return plats[_platformIndex(order.subject)].nonce;
        return 0;
    }

    /// @dev Of an operator or a platform.
    function _statusOf(I.Freeze memory order) private view returns (I.Status) {
        if (order.action == OPERATOR) return ops[uint256(order.subject) - uint160(who(0))].status;
        return plats[_platformIndex(order.subject)].status;
    }

    function _asRevoke(I.Freeze memory o) private pure returns (I.Revoke memory) {
        return I.Revoke(o.relayerSetId, o.action, o.subject, o.statusNonce, o.reason, o.evidenceHash, o.deadline);
    }

    function _orderDigest(I.Freeze memory order, bool revokes, Fault fault) private returns (bytes32 digest) {
        IGov there = fault == Fault.OtherRegistry ? IGov(address(twin)) : governance;
        if (fault == Fault.OtherChain) vm.chainId(ELSEWHERE);
        digest = revokes ? there.hashRevoke(_asRevoke(order)) : there.hashFreeze(order);
        if (fault == Fault.OtherChain) vm.chainId(HOME);
    }

    function _sendOrder(uint256 place, bool elsewhere) private {
        OrderInFlight storage f = orders[place];
        I.Freeze memory order = f.order;
        View memory before = _look();
        bool alive = f.wellSigned && !f.spent && !elsewhere && _now() <= order.deadline
            && _setInForce(order.relayerSetId) && f.mask & sets[order.relayerSetId].disabled == 0;
        // The nonce stands in no revocation's way, nor may an operator put it in a freeze's.
        bool unstoppable = f.revokes || (order.action == OPERATOR && _statusOf(order) == I.Status.Deregistered);
        bool current = unstoppable || order.statusNonce == _nonce(order);
        bool revoked = (order.action == OPERATOR || order.action == PLATFORM_) && _statusOf(order) == I.Status.Revoked;
        bytes memory data = f.revokes
            ? abi.encodeCall(IGov.revokeBySignatures, (_asRevoke(order), f.mask, f.signatures))
            : abi.encodeCall(IGov.freezeBySignatures, (order, f.mask, f.signatures));
        if (elsewhere) vm.chainId(ELSEWHERE);
        // Sent by a guardian at times: that must not make the freeze the guardian's.
        (bool ok,) = _send(place == 0 ? guardian : stranger, data);
        if (elsewhere) vm.chainId(HOME);
        if (!alive) {
            if (ok) _breaks(8, "a dead order was carried out");
            else ++did[Effect.DeadOrder];
        }
        if (ok && !current) _breaks(8, "an order outlived its nonce");
        if (!ok && alive && unstoppable && !revoked) _breaks(3, "somebody got out of an order's way");
        if (ok) {
            f.spent = true;
            ++did[Effect.OrderCarriedOut];
            if (f.revokes) {
                bool platform = order.action == PLATFORM_;
                uint256 i = platform ? _platformIndex(order.subject) : uint256(order.subject) - uint160(who(0));
                _revoked(platform, i);
                ++did[Effect.RevokedByOrder];
            } else {
                _stopped(order.action, order.subject);
            }
        }
        _settle(before, false);
    }
}
