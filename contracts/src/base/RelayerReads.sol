// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry} from "../interfaces/IProofOfCloudRegistry.sol";
import {ControlWord} from "../libraries/ControlWord.sol";
import {OperatorWord} from "../libraries/OperatorWord.sol";
import {PlatformWord} from "../libraries/PlatformWord.sol";
import {RelayerSetWord} from "../libraries/RelayerSetWord.sol";
import {ReportLib} from "../libraries/ReportLib.sol";
import {PlatformLanes} from "./PlatformLanes.sol";
import {Reads} from "./Reads.sol";

/// @title RelayerReads
/// @notice The state as stored, for relayers and auditors.
abstract contract RelayerReads is Reads, PlatformLanes {
    /// @inheritdoc IProofOfCloudRegistry
    function head() external view returns (bytes32) {
        return _head;
    }

    /// @inheritdoc IProofOfCloudRegistry
    function control() external view returns (ControlState memory) {
        ControlWord c = _control;
        return ControlState(c.paused(), c.frozenProviders(), c.setId(), c.nextBatch(), c.nextLane());
    }

    /// @inheritdoc IProofOfCloudRegistry
    function laneSlot(uint32 slot) external view returns (uint256) {
        return _lanes[slot];
    }

    /// @inheritdoc IProofOfCloudRegistry
    function operatorWord(address operator) external view returns (uint256) {
        return OperatorWord.unwrap(_operators[operator]);
    }

    /// @inheritdoc IProofOfCloudRegistry
    function platform(bytes32 platformId) external view returns (PlatformState memory) {
        PlatformWord p = _platforms[platformId];
        return PlatformState({
            status: p.status(),
            provider: uint16(p.provider()),
            custody: uint8(p.custody()),
            custodyExpiry: uint40(p.custodyExpiry()),
            statusNonce: uint32(p.statusNonce()),
            issuedAt: uint40(p.issuedAt()),
            frozenAt: uint40(p.frozenAt()),
            operatorCount: uint8(p.count()),
            index: uint32(p.index())
        });
    }

    /// @inheritdoc IProofOfCloudRegistry
    function platformLanes(bytes32 platformId) external view returns (uint32[] memory lanes) {
        PlatformWord p = _platforms[platformId];
        lanes = new uint32[](p.count());
        for (uint256 i; i < lanes.length; ++i) {
            lanes[i] = uint32(_platformLane(platformId, p, i));
        }
    }

    /// @inheritdoc IProofOfCloudRegistry
    function instanceHolder(bytes32 instanceId) external view returns (address) {
        return _instances[instanceId];
    }

    /// @inheritdoc IProofOfCloudRegistry
    function batchRoot(uint64 batch) external view returns (bytes32) {
        uint256 next = _control.nextBatch();
        if (batch >= next || next - batch > ROOTS) return 0;
        return _roots[batch % ROOTS];
    }

    /// @inheritdoc IProofOfCloudRegistry
    function policyInForce(bytes32 policyDigest) external view returns (bool) {
        return _policies[policyDigest];
    }

    /// @inheritdoc IProofOfCloudRegistry
    function relayerSet(uint32 relayerSetId) external view returns (RelayerSet memory) {
        RelayerSetWord set = _relayerSets[relayerSetId];
        return RelayerSet({
            members: set.members(),
            threshold: uint8(set.threshold()),
            freezeThreshold: uint8(set.freezeThreshold()),
            disabled: uint32(set.disabled()),
            retiredAt: uint40(set.retiredAt())
        });
    }

    /// @inheritdoc IProofOfCloudRegistry
    function isGuardian(address account) external view returns (bool) {
        return _guardians[account];
    }

    /// @inheritdoc IProofOfCloudRegistry
    function freezeAllowedAt(address guardian, bytes32 subject) external view returns (uint40) {
        uint256 last = _frozenBy[guardian][subject];
        return last == 0 ? 0 : uint40(last + FREEZE_AGAIN_AFTER);
    }

    /// @inheritdoc IProofOfCloudRegistry
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    /// @inheritdoc IProofOfCloudRegistry
    function hashReport(Report calldata report) external view returns (bytes32) {
        return _hashTypedDataV4(ReportLib.hash(report));
    }
}
