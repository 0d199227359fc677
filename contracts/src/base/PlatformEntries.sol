// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry} from "../interfaces/IProofOfCloudRegistry.sol";
import {BatchState} from "../libraries/BatchState.sol";
import {PlatformWord} from "../libraries/PlatformWord.sol";
import {PlatformLanes} from "./PlatformLanes.sol";

/// @title PlatformEntries
/// @notice Applies a report's platform entries.
abstract contract PlatformEntries is IProofOfCloudRegistry, PlatformLanes {
    function _applyPlatforms(BatchState memory batch, PlatformEntry[] calldata entries) internal {
        for (uint256 i; i < entries.length; ++i) {
            SkipReason reason = _applyPlatform(batch, entries[i]);
            if (reason == SkipReason.None) batch.platformsApplied |= 1 << i;
            else emit ItemSkipped(Item.Platform, entries[i].platformId, reason);
        }
    }

    function _applyPlatform(BatchState memory batch, PlatformEntry calldata entry) private returns (SkipReason) {
        bytes32 id = entry.platformId;
        if (
            id == 0 || entry.provider == 0 || entry.provider > MAX_PROVIDER || entry.custody > 2
                || entry.custodyExpiry > type(uint32).max
        ) return SkipReason.InvalidField;
        PlatformWord p = _platforms[id];
        if (entry.statusNonce != p.statusNonce()) return SkipReason.StatusNonce;
        if (batch.issuedAt <= p.issuedAt()) return SkipReason.NotLater;
        if (p.status() == Status.Revoked) return SkipReason.Revoked;
        if (p.status() == Status.Frozen && !p.lifted() && block.timestamp < p.frozenAt() + FREEZE_BLOCKS_GRANTS) {
            return SkipReason.Frozen;
        }
        uint256 index = p.index();
        if (index == 0) {
            (batch.control, index) = batch.control.takePlatform();
            if (index == 0) return SkipReason.Exhausted;
            _platformIds[index] = id;
        } else if (entry.provider != p.provider() || entry.custody < p.custody()) {
            // The operators' words repeat provider and custody, and would now say too much: they need new grants.
            _truncateLanes(id, p, 0);
        } else if (entry.custodyExpiry < p.custodyExpiry()) {
            _truncateLanes(id, p, entry.custodyExpiry);
        }
        p = p.updated(entry, index, batch.issuedAt);
        _platforms[id] = p;
        emit PlatformUpdated(id, entry.provider, PlatformWord.unwrap(p));
        return SkipReason.None;
    }
}
