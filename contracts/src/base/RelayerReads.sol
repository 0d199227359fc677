// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry} from "../interfaces/IProofOfCloudRegistry.sol";
import {ControlWord} from "../libraries/ControlWord.sol";
import {HeadWord} from "../libraries/HeadWord.sol";
import {InstanceWord} from "../libraries/InstanceWord.sol";
import {OperatorWord} from "../libraries/OperatorWord.sol";
import {PlatformWord} from "../libraries/PlatformWord.sol";
import {ReportLib} from "../libraries/ReportLib.sol";
import {Changes} from "./Changes.sol";
import {Reads} from "./Reads.sol";

/// @title RelayerReads
/// @notice The state as stored, for relayers and auditors.
abstract contract RelayerReads is Reads, Changes {
    /// @inheritdoc IProofOfCloudRegistry
    function head() external view returns (bytes32) {
        return HeadWord.unwrap(_head);
    }

    /// @inheritdoc IProofOfCloudRegistry
    function control() external view returns (ControlState memory) {
        ControlWord c = _control;
        return ControlState(c.paused(), c.frozenProviders(), c.setId(), uint64(_head.batches()), c.nextLane());
    }

    /// @inheritdoc IProofOfCloudRegistry
    function MAX_TTL() external view returns (uint32) {
        return _MAX_TTL;
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
            frozenAt: p.status() == Status.Frozen && !p.lifted() ? uint40(p.frozenAt()) : 0,
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
        InstanceWord instance = _instances[instanceId];
        address holder = instance.operator();
        return instance.heldBy(_operators[holder]) ? holder : address(0);
    }

    /// @inheritdoc IProofOfCloudRegistry
    function policyInForce(bytes32 policyDigest) external view returns (bool) {
        return _policies[policyDigest];
    }

    /// @inheritdoc IProofOfCloudRegistry
    function relayerSet(uint32 relayerSetId) external view returns (RelayerSet memory) {
        return _relayerSets[relayerSetId].open();
    }

    /// @inheritdoc IProofOfCloudRegistry
    function isGuardian(address account) external view returns (bool) {
        return _seats[account] != 0;
    }

    /// @inheritdoc IProofOfCloudRegistry
    function freezeAllowedAt(address guardian, Subject kind, bytes32 subject) external view returns (uint40) {
        uint256 seat = _seats[guardian];
        if (seat == 0) return 0;
        uint256 last;
        if (kind == Subject.Operator) {
            if (uint256(subject) > type(uint160).max) return 0;
            OperatorWord o = _operators[address(uint160(uint256(subject)))];
            last = _lastFreeze(kind, subject, seat, o.frozenBy(), o.frozenAt(), o.frozenByMore());
        } else {
            PlatformWord p = _platforms[subject];
            last = _lastFreeze(kind, subject, seat, p.frozenBy(), p.frozenAt(), p.frozenByMore());
        }
        return last == 0 ? 0 : uint40(last + FREEZE_AGAIN_AFTER);
    }

    /// @inheritdoc IProofOfCloudRegistry
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    /// @inheritdoc IProofOfCloudRegistry
    function hashReport(Report calldata report) external view returns (bytes32) {
        return
            _hashTypedDataV4(ReportLib.hash(report, report.platforms, report.grants, report.renewals, report.digests));
    }
}
