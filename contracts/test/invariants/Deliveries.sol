// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry as I} from "../../src/interfaces/IProofOfCloudRegistry.sol";
import {OperatorWord} from "../../src/libraries/OperatorWord.sol";
import {Reports} from "./Reports.sol";

/// @notice Posts reports: at once, late, out of order, twice, on another chain. What was applied is told by the
/// registry's words; whether it might have been, by the model.
abstract contract Deliveries is Reports {
    constructor() {
        _takeCrowdIn(0);
    }

    /// @dev Rarely: there are many of them.
    function crowd(uint256 seed) external {
        uint256 r = _random(seed);
        if (r % 4 == 0) _takeCrowdIn(r >> 2);
    }

    function _takeCrowdIn(uint256 r) private {
        vm.warp(_now() + 1);
        _deliver(_launch(_composeCrowd(r), r, Fault.None, false), false);
    }

    function attest(uint256 seed) external {
        uint256 r = _random(seed);
        vm.warp(_now() + 1 + r % 30);
        _deliver(_launch(_compose(r, 1 + (r >> 64) % 3, (r >> 72) % 3 == 0), r, Fault.None, (r >> 40) % 8 == 0), false);
    }

    function renew(uint256 seed) external {
        uint256 r = _random(seed);
        vm.warp(_now() + 1 + r % 30);
        _deliver(_launch(_compose(r, 0, true), r, Fault.None, (r >> 40) % 8 == 0), false);
    }

    /// @dev Signs a report and leaves it in flight.
    function launch(uint256 seed) external {
        uint256 r = _random(seed);
        vm.warp(_now() + 1 + r % 30);
        _launch(_compose(r, (r >> 64) % 4, true), r, Fault.None, (r >> 40) % 8 == 0);
    }

    /// @dev Posts any report that was signed lately, posted before or not.
    function deliver(uint256 seed) external {
        uint256 r = _random(seed);
        if (launched == 0) return;
        uint256 place = r % (launched < flights.length ? launched : flights.length);
        _deliver(place, flights[place].wellSigned && (r >> 8) % 8 == 0);
    }

    /// @dev Signs a report as no quorum of this registry would, and posts it.
    function forge(uint256 seed) external {
        uint256 r = _random(seed);
        vm.warp(_now() + 1 + r % 30);
        Fault fault = Fault(1 + (r >> 80) % uint256(type(Fault).max));
        _deliver(_launch(_compose(r, 1 + (r >> 64) % 3, true), r, fault, false), false);
    }

    function _deliver(uint256 place, bool elsewhere) private {
        Flight storage f = flights[place];
        I.Report memory report = abi.decode(f.report, (I.Report));
        View memory before = _look();
        bool alive = f.wellSigned && !elsewhere && report.issuedAt <= _now() && _now() <= report.deadline
            && !retired[report.policyDigest] && _setInForce(report.relayerSetId)
            && f.mask & sets[report.relayerSetId].disabled == 0;
        bytes memory data = abi.encodeCall(I.post, (report, f.mask, f.signatures));
        if (elsewhere) vm.chainId(ELSEWHERE);
        (bool ok, bytes memory answer) = _send(stranger, data);
        if (elsewhere) vm.chainId(HOME);
        if (!alive) {
            if (ok) _breaks(8, "a dead report was accepted");
            else ++did[Effect.DeadReport];
        } else {
            if (!ok && bytes4(answer) != I.NothingApplied.selector) _breaks(0, "a good report was refused");
            _count(f, report);
        }
        if (!ok) return _settle(before, false);
        _settleReport(before, f, report);
        f.applied = true;
    }

    function _count(Flight storage f, I.Report memory report) private {
        if (f.applied) ++did[Effect.Replayed];
        for (uint256 i; i < report.grants.length; ++i) {
            if (_isInCrowd(report.grants[i].operator)) return;
            uint256 o = uint160(report.grants[i].operator) - uint160(who(0));
            if (report.grants[i].statusNonce != ops[o].nonce) ++did[Effect.Overtaken];
            if (!f.applied && report.issuedAt < ops[o].issuedAt) ++did[Effect.OutOfOrder];
        }
    }

    /// @dev Takes in order what was applied into the model, and objects to what must not have been.
    function _settleReport(View memory before, Flight storage f, I.Report memory report) private {
        View memory now_ = _look();
        uint256 cut; // operators whose platform was lowered
        uint256 applied;
        for (uint256 i; i < report.platforms.length; ++i) {
            (bool yes, uint256 ops_) = _takeEntry(report.issuedAt, report.platforms[i]);
            if (yes) ++applied;
            cut |= ops_;
        }
        uint256 granted;
        for (uint256 i; i < report.grants.length; ++i) {
            if (_isInCrowd(report.grants[i].operator)) {
                if (_takeCrowdGrant(report.issuedAt, report.grants[i])) ++applied;
                continue;
            }
            uint256 bit = _takeGrant(now_, report.issuedAt, report.grants[i]);
            if (bit != 0) ++applied;
            granted |= bit;
        }
        for (uint256 o; o < OPERATORS; ++o) {
            if ((granted >> o) & 1 == 0 && before.words[o] != now_.words[o]) {
                _breaks(2, "a word moved without a grant");
            }
            _takeLane(before, now_, o, granted, cut, f, report);
        }
        if (applied > 1) ++did[Effect.SeveralApplied];
        if (applied != 0 && applied < report.platforms.length + report.grants.length) ++did[Effect.PartlyApplied];
        if (report.relayerSetId != currentSet) ++did[Effect.PostedByOldSet];
        _nothingRose(before, now_, granted);
        _checkState(now_);
        for (uint256 p; p < PLATFORMS; ++p) {
            _checkPlaces(p);
        }
    }

    /// @dev The registry's list of a platform's lanes is the model's of who has a place there. So no freeze misses one.
    function _checkPlaces(uint256 p) private {
        uint32[] memory lanes = registry.platformLanes(_platformId(p));
        uint256[] storage list = places[p];
        bool same = lanes.length == list.length;
        for (uint256 i; i < list.length && same; ++i) {
            address one = list[i] < OPERATORS ? who(list[i]) : _inCrowd(list[i] - OPERATORS);
            same = OperatorWord.wrap(registry.operatorWord(one)).lane() == lanes[i];
        }
        if (!same) _breaks(0, "the places on a platform are not the model's");
    }

    function _takeEntry(uint256 issuedAt, I.PlatformEntry memory e) private returns (bool, uint256 cut) {
        uint256 p;
        while (_platformId(p) != e.platformId) ++p;
        Platform storage g = plats[p];
        if (registry.platform(e.platformId).issuedAt != issuedAt || g.issuedAt == issuedAt) return (false, 0);
        if (!_entryMayApply(issuedAt, p, e)) {
            _breaks(g.status == I.Status.Revoked ? 3 : 2, "a platform entry applied that must not");
        }
        bool closes = g.issuedAt != 0 && (e.provider != g.provider || e.custody < g.custody);
        bool shortens = g.issuedAt != 0 && e.custodyExpiry < g.custodyExpiry;
        for (uint256 o; o < OPERATORS; ++o) {
            if (ops[o].issuedAt == 0 || ops[o].platform != p || !(closes || shortens)) continue;
            cut |= 1 << o;
            if (closes) _stop(o);
            ++ops[o].era;
            if (ops[o].expiry > e.custodyExpiry) ops[o].expiry = _floor(e.custodyExpiry);
        }
        if (closes || shortens) _cutCrowd(p, closes ? 0 : _floor(e.custodyExpiry));
        (g.status, g.issuedAt) = (I.Status.Active, issuedAt);
        (g.provider, g.custody, g.custodyExpiry) = (e.provider, e.custody, e.custodyExpiry);
        ++did[Effect.Entry];
        return (true, cut);
    }

    /// @return The operator's bit, if the grant was applied.
    function _takeGrant(View memory now_, uint256 issuedAt, I.Grant memory g) private returns (uint256) {
        uint256 o = uint160(g.operator) - uint160(who(0));
        Operator storage op = ops[o];
        uint256 p;
        while (_platformId(p) != g.platformId) ++p;
        bool may = _grantMayApply(issuedAt, o, g, p);
        bool applied = OperatorWord.wrap(now_.words[o]).issuedAt() == issuedAt && op.issuedAt != issuedAt;
        if (may != applied) {
            _breaks(!may && op.status == I.Status.Revoked ? 3 : may ? 0 : 2, "a grant that must not applied, or must");
        }
        if (!applied) {
            ++did[Effect.GrantRefused];
            if (_placeOf(o, p, _openPlaces(g.instanceId)) == _openPlaces(g.instanceId)) ++did[Effect.NoPlace];
            return 0;
        }
        _takePlace(o, p, _openPlaces(g.instanceId));
        ++did[Effect.Grant];
        if (op.stopped) ++did[Effect.CameBack];
        if (op.tainted) ++did[Effect.BackFromRevocation];
        uint256 holder = holders[g.instanceId];
        if (g.instanceId != 0) {
            if (holder != 0 && holder != o + 1 && ops[holder - 1].instance == g.instanceId) {
                ++did[Effect.InstanceTakenOver];
            }
            holders[g.instanceId] = o + 1;
        }
        op.status = I.Status.Active;
        (op.stopped, op.tainted) = (false, false);
        ++op.era;
        (op.expiry, op.issuedAt, op.evidence) = (_floor(g.expiry), issuedAt, g.evidenceTime);
        (op.platform, op.instance) = (p, g.instanceId);
        return 1 << o;
    }

    /// @dev One of the crowd: nobody stops or renews it by itself, and its instance is its own.
    function _takeCrowdGrant(uint256 issuedAt, I.Grant memory g) private returns (bool applied) {
        uint256 c = uint160(g.operator) - uint160(_inCrowd(0));
        OperatorWord w = OperatorWord.wrap(registry.operatorWord(g.operator));
        Platform storage p = plats[CROWDED];
        bool may = issuedAt > crowdIssuedAt[c] && p.status == I.Status.Active && issuedAt >= p.issuedAt
            && g.expiry <= p.custodyExpiry && g.expiry <= _now() + LONG_TTL && _placeOf(OPERATORS + c, CROWDED, 64) < 64;
        applied = w.issuedAt() == issuedAt && crowdIssuedAt[c] != issuedAt;
        if (may != applied) _breaks(may ? 0 : 2, "one of the crowd was granted that must not be, or must");
        if (!applied) return false;
        crowdIssuedAt[c] = issuedAt;
        _takePlace(OPERATORS + c, CROWDED, 64);
        crowdExpiry[c] = _floor(g.expiry);
        ++did[Effect.CrowdGrant];
    }

    /// @dev Invariant 4: how a lane may move by a report.
    function _takeLane(
        View memory before,
        View memory now_,
        uint256 o,
        uint256 granted,
        uint256 cut,
        Flight storage f,
        I.Report memory report
    ) private {
        (uint256 a, uint256 b) = (_lane(before, o), _lane(now_, o));
        Operator storage op = ops[o];
        uint256 expiry = b & ~uint256(63);
        if ((granted >> o) & 1 != 0) {
            // A renewal beside it has to know the generation beforehand.
            if (expiry != op.expiry && !f.guesses) _breaks(4, "a grant's lane does not say what it granted");
        } else if ((cut >> o) & 1 != 0) {
            if (expiry > (a & ~uint256(63)) && !f.guesses) _breaks(4, "a cut lane grew");
        } else if (a != b) {
            if ((a ^ b) & 63 != 0) _breaks(4, "a generation moved without a grant or a cut");
            if ((a & ~uint256(63)) <= _now()) _breaks(4, "a renewal revived a lapsed lane");
            if (b < a) _breaks(4, "a renewal took an expiry back");
            if (expiry > _now() + LONG_TTL) _breaks(4, "a renewal beyond MAX_TTL");
            if (op.stopped || (!f.guesses && f.eras[o] != op.era)) _breaks(4, "a renewal survived what came after it");
            if (!_says(report, b)) _breaks(4, "a renewal nobody signed");
            ++did[Effect.Renewal];
        } else if (report.renewals.length != 0) {
            ++did[Effect.RenewalRefused];
        }
        op.expiry = expiry;
    }

    function _says(I.Report memory report, uint256 word) private pure returns (bool yes) {
        for (uint256 i = 4; i < report.renewals.length; i += 4) {
            bytes4 w;
            bytes memory renewals = report.renewals;
            assembly ("memory-safe") {
                w := mload(add(add(renewals, 32), i))
            }
            if (uint32(w) == word) return true;
        }
    }
}
