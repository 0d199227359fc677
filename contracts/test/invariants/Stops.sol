// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudGovernance as IGov} from "../../src/interfaces/IProofOfCloudGovernance.sol";
import {IProofOfCloudRegistry as I} from "../../src/interfaces/IProofOfCloudRegistry.sol";
import {Watch} from "./Watch.sol";

/// @notice Everything that takes trust down at once: guardians, the governor's revocations, operators themselves.
abstract contract Stops is Watch {
    /// @dev The numbers of `Freeze.action`, and on from there what is not a freeze.
    uint8 internal constant OPERATOR = 0;
    uint8 internal constant PLATFORM_ = 1;
    uint8 internal constant PROVIDER_ = 2;
    uint8 internal constant PAUSE = 3;
    uint8 internal constant RELAYER = 4;
    uint8 internal constant GRACE = 5;
    uint8 internal constant POLICY_ = 6;

    address internal theGovernor = governor;

    /// @dev A guardian stops something.
    function stop(uint256 seed) external {
        uint256 r = _random(seed);
        (uint8 action, bytes32 subject) = _someStop(r);
        View memory before = _look();
        (bool ok,) = _send((r >> 128) % 2 == 0 ? guardian : otherGuardian, _stopCall(action, subject));
        if (ok) _stopped(action, subject);
        _settle(before, false);
    }

    /// @dev The governor revokes something.
    function revoke(uint256 seed) external {
        uint256 r = _random(seed);
        if (r % 3 != 0 || _muchIsDown()) return;
        bool platform = (r >> 8) % 3 == 0;
        View memory before = _look();
        bytes memory data = platform
            ? abi.encodeCall(IGov.revokePlatform, (_platformId((r >> 16) % PLATFORMS), 1, 0))
            : abi.encodeCall(IGov.revokeOperator, (who((r >> 16) % OPERATORS), 1, 0));
        (bool ok,) = _send(theGovernor, data);
        if (ok) _revoked(platform, platform ? (r >> 16) % PLATFORMS : (r >> 16) % OPERATORS);
        _settle(before, false);
    }

    function deregister(uint256 seed) external {
        uint256 o = _random(seed) % OPERATORS;
        View memory before = _look();
        (bool ok,) = _send(who(o), abi.encodeCall(I.deregister, ()));
        if (ok != (ops[o].status == I.Status.Active)) _breaks(0, "deregistered while not Active, or could not");
        if (ok) {
            _operatorFell(o, I.Status.Deregistered);
            ++did[Effect.Deregistration];
        }
        _settle(before, false);
    }

    /// @dev What somebody might stop. Rarely so much that nothing is left to watch.
    function _someStop(uint256 r) internal view returns (uint8 action, bytes32 subject) {
        uint256 s = r >> 8;
        uint256 kind = r % 16;
        if (_muchIsDown() && s % 8 != 0) kind = s % 11 == 0 ? 9 + r % 2 : 11 + r % 5;
        if (kind < 7) return (OPERATOR, _subject(who(s % OPERATORS)));
        if (kind < 9) return (PLATFORM_, _platformId(s % PLATFORMS));
        if (kind < 10) return (PROVIDER_, bytes32(uint256(s % 2 == 0 ? PROVIDER : OTHER_PROVIDER)));
        if (kind < 11) return (PAUSE, 0);
        if (kind < 13) {
            // One of three, so that two are left.
            uint256 setId = currentSet > 1 && s % 2 == 0 ? currentSet - 1 : currentSet;
            return (RELAYER, bytes32(setId << 8 | uint256(sets[setId].crew % SET_SIZE)));
        }
        if (kind < 15) return (GRACE, bytes32(currentSet > 1 ? currentSet - 1 : currentSet));
        // One of two: where one is retired, the same again, which is refused.
        return (POLICY_, retired[OTHER_POLICY] || (s % 2 == 0 && !retired[POLICY]) ? OTHER_POLICY : POLICY);
    }

    function _muchIsDown() private view returns (bool) {
        uint256 down;
        for (uint256 o; o < OPERATORS; ++o) {
            if (ops[o].status == I.Status.Frozen || ops[o].status == I.Status.Revoked) ++down;
        }
        for (uint256 p; p < PLATFORMS; ++p) {
            if (plats[p].status == I.Status.Frozen || plats[p].status == I.Status.Revoked) ++down;
        }
        return down > 1;
    }

    function _stopCall(uint8 action, bytes32 subject) private pure returns (bytes memory) {
        uint256 value = uint256(subject);
        if (action == OPERATOR) return abi.encodeCall(I.freezeOperator, (address(uint160(value)), 1, 0));
        if (action == PLATFORM_) return abi.encodeCall(I.freezePlatform, (subject, 1, 0));
        if (action == PROVIDER_) return abi.encodeCall(I.freezeProvider, (uint16(value), 1, 0));
        if (action == PAUSE) return abi.encodeCall(I.pause, (1, 0));
        if (action == RELAYER) return abi.encodeCall(IGov.disableRelayer, (uint32(value >> 8), uint8(value), 1, 0));
        if (action == GRACE) return abi.encodeCall(IGov.endGrace, (uint32(value), 1, 0));
        return abi.encodeCall(IGov.retirePolicy, (subject, 1, 0));
    }

    /// @dev Takes a stop that came into force into the model.
    function _stopped(uint8 action, bytes32 subject) internal {
        uint256 value = uint256(subject);
        if (action == OPERATOR) {
            uint256 o = value - uint160(who(0));
            if (ops[o].status == I.Status.Revoked) _breaks(3, "a revoked operator was frozen");
            _operatorFell(o, I.Status.Frozen);
            ++did[Effect.Freeze];
        } else if (action == PLATFORM_) {
            uint256 p = _platformIndex(subject);
            if (plats[p].status == I.Status.Revoked) _breaks(3, "a revoked platform was frozen");
            _platformFell(p, I.Status.Frozen);
            ++did[Effect.PlatformFreeze];
        } else if (action == PROVIDER_) {
            closed[value] = true;
            ++did[Effect.ProviderFreeze];
        } else if (action == PAUSE) {
            paused = true;
            ++did[Effect.Pause];
        } else if (action == RELAYER) {
            sets[value >> 8].disabled |= 1 << (value & 0xff);
            ++did[Effect.RelayerDisabled];
        } else if (action == GRACE) {
            if (!_setInForce(value) || sets[value].retiredAt == 0) _breaks(0, "a grace ended where there was none");
            sets[value].retiredAt = _now();
            ++did[Effect.GraceEnded];
        } else {
            retired[subject] = true;
            ++did[Effect.PolicyRetired];
        }
    }

    function _revoked(bool platform, uint256 i) internal {
        if (platform) {
            _platformFell(i, I.Status.Revoked);
            ++did[Effect.PlatformRevocation];
        } else {
            _operatorFell(i, I.Status.Revoked);
            ++did[Effect.Revocation];
        }
    }

    function _platformIndex(bytes32 id) internal pure returns (uint256 p) {
        while (_platformId(p) != id) ++p;
    }
}
