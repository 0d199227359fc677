// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry as I} from "../../src/interfaces/IProofOfCloudRegistry.sol";
import {OperatorWord} from "../../src/libraries/OperatorWord.sol";
import {Watch} from "./Watch.sol";

/// @notice Draws up reports as relayers would, most of them sensible, and signs them, not always well.
abstract contract Reports is Watch {
    /// @dev A report on its way: signed, not yet posted, or posted and about to be replayed.
    struct Flight {
        bytes report;
        bytes signatures;
        uint32 mask;
        /// By a quorum of the set it names, for this chain and this registry.
        bool wellSigned;
        /// Its renewals name a generation nobody has seen yet.
        bool guesses;
        bool applied;
        /// The operators' eras when it was signed.
        uint48[5] eras;
    }

    enum Fault {
        None,
        OtherChain,
        OtherRegistry,
        OtherSet,
        SameSignerTwice,
        TooFew,
        Altered
    }

    Flight[6] internal flights;
    uint256 internal launched;

    /// @dev Up to three grants, the entries that their platforms need, and renewals.
    function _compose(uint256 r, uint256 grants, bool renewals) internal view returns (I.Report memory report) {
        report = _report();
        report.relayerSetId = uint32(currentSet);
        if (currentSet > 1 && r % 5 == 0) report.relayerSetId = uint32(currentSet - 1);
        report.policyDigest = (r >> 4) % 2 == 0 && !retired[POLICY] || retired[OTHER_POLICY] ? POLICY : OTHER_POLICY;
        report.deadline = uint40(_now() + ((r >> 8) % 2 == 0 ? 59 minutes : (r >> 9) % 1 hours));
        uint256 entries = (r >> 24) % 8 < PLATFORMS ? 1 << ((r >> 24) % 8) : 0;
        for (uint256 i; i < OPERATORS && report.grants.length < grants; ++i) {
            uint256 s = _random(r + i);
            uint256 o = ((r >> 32) + i) % OPERATORS;
            // Mostly somebody who could come, on a platform that could be had.
            if (s % 8 != 0 && !_open(ops[o].status, ops[o].blockedUntil)) continue;
            uint256 p = (s >> 8) % PLATFORMS;
            for (uint256 j; j < PLATFORMS && s % 8 != 1 && !_open(plats[p].status, plats[p].blockedUntil); ++j) {
                p = (p + 1) % PLATFORMS;
            }
            _addGrant(report, _someGrant(o, p, s));
            if (plats[p].status != I.Status.Active && s % 8 != 0) entries |= 1 << p;
        }
        for (uint256 p; p < PLATFORMS; ++p) {
            if ((entries >> p) & 1 != 0) _addPlatform(report, _someEntry(p, _random(r + 10 + p)));
        }
        if (renewals) {
            uint256 words = _someRenewals(_random(r + 20), (r >> 40) % 8 == 0);
            if (words != 0) _addGroup(report, SLOT, words);
        }
    }

    /// @dev All of the crowd, on their platform, and its entry if it needs one. They last as long as each other, or not.
    function _composeCrowd(uint256 r) internal view returns (I.Report memory report) {
        report = _compose(r, 0, false);
        Platform storage p = plats[CROWDED];
        report.platforms = new I.PlatformEntry[](p.status == I.Status.Active ? 0 : 1);
        if (p.status != I.Status.Active) report.platforms[0] = _someEntry(CROWDED, 0x10101);
        report.grants = new I.Grant[](CROWD);
        for (uint256 i; i < CROWD; ++i) {
            I.Grant memory g = report.grants[i];
            (g.operator, g.platformId) = (_inCrowd(i), _platformId(CROWDED));
            g.instanceId = keccak256(abi.encode("crowd", i));
            (g.binding, g.tcb, g.teeClass) = (2, 1, 1);
            (g.evidenceTime, g.ttl) = (uint40(_now()), 4 days);
            g.expiry = uint40(_now() + 1 hours + (r >> 96) % 60 hours + (r % 2 == 0 ? i * 10 minutes : 0));
            g.digest = keccak256(abi.encode("crowd's digest", r, i));
        }
    }

    function _open(I.Status status, uint256 blockedUntil) private view returns (bool) {
        return status != I.Status.Revoked && (status != I.Status.Frozen || blockedUntil <= _now());
    }

    function _someGrant(uint256 o, uint256 p, uint256 r) private view returns (I.Grant memory g) {
        g.operator = who(o);
        g.platformId = _platformId(p);
        uint256 instance = (r >> 16) % 3 == 0 ? (r >> 24) % (INSTANCES + 1) : o % INSTANCES + 1;
        g.instanceId = instance == 0 ? bytes32(0) : keccak256(abi.encode("instance", instance));
        g.workloadId = (r >> 32) % 3 == 0 ? bytes32(0) : keccak256(abi.encode("workload", (r >> 32) % 3));
        g.binding = (r >> 40) % 4 == 0 ? 1 : 2;
        g.custody = uint8(1 + (r >> 48) % 2);
        g.tcb = (r >> 56) % 5 == 0 ? 2 : 1;
        g.teeClass = 1;
        g.flags = uint8(r >> 64) & 1;
        g.evidenceTime = uint40(_now() - (r >> 72) % 5 minutes);
        g.ttl = 4 days;
        g.expiry = uint40(_now() + (r >> 96) % 75 hours);
        g.digest = keccak256(abi.encode("digest", r));
        g.statusNonce = uint32(ops[o].nonce);
    }

    function _someEntry(uint256 p, uint256 r) private view returns (I.PlatformEntry memory e) {
        e.platformId = _platformId(p);
        e.provider = r % 6 == 0 ? OTHER_PROVIDER : PROVIDER;
        e.custody = (r >> 8) % 4 == 0 ? 1 : 2;
        e.custodyExpiry = uint40(_now() + ((r >> 16) % 4 == 0 ? (r >> 24) % 2 days : 6 days));
        e.statusNonce = uint32(plats[p].nonce);
    }

    function _someRenewals(uint256 r, bool guess) private view returns (uint256 words) {
        uint256 lanes = registry.laneSlot(SLOT);
        for (uint256 o; o < OPERATORS; ++o) {
            uint256 lane = OperatorWord.wrap(registry.operatorWord(who(o))).lane();
            if (lane == 0 || (r >> o) & 1 == 0) continue;
            if (!guess && (r >> 8) % 4 != 0 && ops[o].expiry <= _now()) continue; // mostly what can be renewed
            uint256 generation = (lanes >> (224 - 32 * (lane % 8))) & 63;
            uint256 ahead = (r >> 12) % 2 == 0 ? 60 hours : 0;
            ahead += (r >> (16 + 32 * o)) % (73 hours - ahead);
            words |= _word(lane, _now() + ahead, guess ? (generation + 1) % 64 : generation);
        }
    }

    /// @dev Signs a report and keeps it. Returns its place.
    function _launch(I.Report memory report, uint256 r, Fault fault, bool guesses) internal returns (uint256 place) {
        place = launched++ % flights.length;
        Flight storage f = flights[place];
        uint256 setId = report.relayerSetId;
        f.mask = _someSigners(setId, r);
        uint256 crew = fault == Fault.OtherSet ? crews + 1 : sets[setId].crew;
        bytes32 digest = fault == Fault.OtherRegistry ? twin.hashReport(report) : _hash(report, fault);
        if (fault == Fault.SameSignerTwice) {
            uint256 one = f.mask & (~f.mask + 1);
            f.signatures = abi.encodePacked(_signAs(crew, digest, one), _signAs(crew, digest, one));
        } else {
            if (fault == Fault.TooFew) f.mask &= f.mask - 1;
            f.signatures = _signAs(crew, digest, f.mask);
        }
        if (fault == Fault.Altered) report.deadline += 1;
        f.report = abi.encode(report);
        f.wellSigned = fault == Fault.None;
        f.guesses = guesses;
        f.applied = false;
        for (uint256 o; o < OPERATORS; ++o) {
            f.eras[o] = ops[o].era;
        }
    }

    function _hash(I.Report memory report, Fault fault) private returns (bytes32 digest) {
        if (fault == Fault.OtherChain) vm.chainId(ELSEWHERE);
        digest = registry.hashReport(report);
        if (fault == Fault.OtherChain) vm.chainId(HOME);
    }

    /// @dev Two of the set's three, those that are not disabled if there are two.
    function _someSigners(uint256 setId, uint256 r) internal view returns (uint32 mask) {
        for (uint256 i; i < SET_SIZE; ++i) {
            mask = uint32(7 ^ (1 << ((r + i) % SET_SIZE)));
            if (mask & sets[setId].disabled == 0) break;
        }
    }
}
