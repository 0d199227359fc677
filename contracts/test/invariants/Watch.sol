// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry as I} from "../../src/interfaces/IProofOfCloudRegistry.sol";
import {OperatorWord} from "../../src/libraries/OperatorWord.sol";
import {Ghost} from "./Ghost.sol";

/// @notice Looks at the registry before and after every call of the handler, and holds what it sees against the model.
/// Most invariants speak of single steps, so this is where they are checked; the test only reads the counts.
abstract contract Watch is Ghost {
    struct View {
        uint256[5] words;
        /// Of `SLOT`, where all operators' lanes lie.
        uint256 lanes;
        /// Bit o: attested, whatever the binding; attested by default.
        uint256 any;
        uint256 byDefault;
    }

    function _look() internal view returns (View memory v) {
        I.Requirement memory anything;
        v.lanes = registry.laneSlot(SLOT);
        for (uint256 o; o < OPERATORS; ++o) {
            v.words[o] = registry.operatorWord(who(o));
            if (registry.isAttested(who(o), anything)) v.any |= 1 << o;
            if (registry.isAttested(who(o))) v.byDefault |= 1 << o;
        }
    }

    function _lane(View memory v, uint256 o) internal pure returns (uint256) {
        uint256 lane = OperatorWord.wrap(v.words[o]).lane();
        return lane == 0 ? 0 : (v.lanes >> (224 - 32 * (lane % 8))) & type(uint32).max;
    }

    /// @dev After anything but a report: lanes may fall, answers may not rise, except by what ends a pause or admits a
    /// provider, which touches no operator.
    function _settle(View memory before, bool opens) internal {
        View memory now_ = _look();
        if (!opens) {
            _nothingRose(before, now_, 0);
        } else if (
            before.lanes != now_.lanes || keccak256(abi.encode(before.words)) != keccak256(abi.encode(now_.words))
        ) {
            _breaks(2, "what ends a pause touched an operator");
        }
        for (uint256 o; o < OPERATORS; ++o) {
            (uint256 a, uint256 b) = (_lane(before, o), _lane(now_, o));
            if (b != a && b != (a & 63)) _breaks(4, "a lane moved without a report");
            if (OperatorWord.wrap(before.words[o]).issuedAt() != OperatorWord.wrap(now_.words[o]).issuedAt()) {
                _breaks(2, "a grant without a report");
            }
        }
        _checkState(now_);
    }

    /// @param granted Bits of the operators that a quorum's report granted just now.
    function _nothingRose(View memory before, View memory now_, uint256 granted) internal {
        if ((now_.any & ~before.any & ~granted) | (now_.byDefault & ~before.byDefault & ~granted) != 0) {
            _breaks(2, "an answer rose without a quorum's grant");
        }
    }

    /// @dev What holds at rest: invariants 1, 3, 10, and the model's statuses.
    function _checkState(View memory v) internal {
        for (uint256 o; o < OPERATORS; ++o) {
            Operator storage g = ops[o];
            OperatorWord w = OperatorWord.wrap(v.words[o]);
            if (w.status() != g.status || w.statusNonce() != g.nonce) {
                _breaks(g.status == I.Status.Revoked ? 3 : 0, "an operator's status is not the model's");
            }
            bool yes = (v.any >> o) & 1 != 0;
            if (!yes && (v.byDefault >> o) & 1 != 0) _breaks(7, "attested by default, but not at all");
            if (g.status == I.Status.Revoked && g.instance != 0 && holders[g.instance] == o + 1) {
                if (registry.instanceHolder(g.instance) != who(o)) _breaks(3, "a revoked operator lost its instance");
            }
            if (!yes) continue;
            uint256 expiry = _lane(v, o) & ~uint256(63);
            if (expiry <= _now() || expiry > _now() + LONG_TTL) _breaks(1, "attested outside the expiry's window");
            if (g.status != I.Status.Active || g.stopped) _breaks(1, "attested, but stopped since the last grant");
            if (plats[g.platform].status != I.Status.Active) _breaks(1, "attested on a stopped platform");
            if (w.provider() != plats[g.platform].provider || closed[w.provider()]) {
                _breaks(1, "attested with a frozen provider, or another than its platform's");
            }
            if (w.custody() > plats[g.platform].custody) _breaks(1, "attested with more custody than its platform's");
            if (paused) _breaks(1, "attested in a pause");
            for (uint256 i; i < o; ++i) {
                if ((v.any >> i) & 1 != 0 && g.instance != 0 && ops[i].instance == g.instance) {
                    _breaks(10, "two attested operators on one instance");
                }
            }
        }
        for (uint256 p; p < PLATFORMS; ++p) {
            I.PlatformState memory s = registry.platform(_platformId(p));
            if (s.status != plats[p].status || s.statusNonce != plats[p].nonce) {
                _breaks(plats[p].status == I.Status.Revoked ? 3 : 0, "a platform's status is not the model's");
            }
        }
    }

    /// @dev Invariants 7 and 9, for one question.
    function _ask(address operator, I.Requirement memory r) internal {
        bytes4 boolean =
            bytes4(keccak256("isAttested(address,(uint8,uint8,uint8,uint16,uint32,uint32,bool,bytes32,uint16))"));
        (bool ok, bytes memory answer) = address(registry).staticcall(abi.encodeWithSelector(boolean, operator, r));
        if (!ok || answer.length != 32) return _breaks(9, "isAttested reverted");
        (bool passed, bytes memory why) = address(registry).staticcall(abi.encodeCall(I.requireAttested, (operator, r)));
        if (passed != abi.decode(answer, (bool))) _breaks(7, "the two forms disagree");
        if (!passed && bytes4(why) != I.NotAttested.selector) _breaks(7, "refused without a reason");
    }
}
