// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {Grants} from "./base/Grants.sol";
import {Guardianship} from "./base/Guardianship.sol";
import {PlatformEntries} from "./base/PlatformEntries.sol";
import {RegistryBase} from "./base/RegistryBase.sol";
import {RelayerReads} from "./base/RelayerReads.sol";
import {Renewals} from "./base/Renewals.sol";
import {IProofOfCloudRegistry} from "./interfaces/IProofOfCloudRegistry.sol";
import {BatchState} from "./libraries/BatchState.sol";
import {BatchTree} from "./libraries/BatchTree.sol";
import {ControlWordLib} from "./libraries/ControlWord.sol";
import {Quorum} from "./libraries/Quorum.sol";
import {RelayerSetWord, RelayerSetWordLib} from "./libraries/RelayerSetWord.sol";
import {ReportLib} from "./libraries/ReportLib.sol";

/// @title ProofOfCloudRegistry
/// @notice The registry: immutable, without a proxy, without an owner. Relayers' signatures raise trust, guardians lower
/// it, and what the constructor fixed nobody can loosen.
contract ProofOfCloudRegistry is RelayerReads, PlatformEntries, Grants, Renewals, Guardianship {
    uint32 private constant FIRST_SET = 1;
    uint256 private constant MAX_GUARDIANS = 16;
    uint256 private constant MAX_ITEMS = 256;
    uint256 private constant MAX_WINDOW = 1 hours;

    constructor(Config memory config) RegistryBase(config.maxTtl) {
        _control = ControlWordLib.initial(FIRST_SET);
        RelayerSetWord set = RelayerSetWordLib.create(config.relayers, config.threshold, config.freezeThreshold);
        _setRelayerSet(FIRST_SET, set, 0, 0);
        // Without a guardian nothing could ever be stopped.
        if (config.guardians.length == 0 || config.guardians.length > MAX_GUARDIANS) revert InvalidConfig();
        for (uint256 i; i < config.guardians.length; ++i) {
            address guardian = config.guardians[i];
            if (guardian == address(0) || _guardians[guardian]) revert InvalidConfig();
            _guardians[guardian] = true;
        }
        for (uint256 i; i < config.policies.length; ++i) {
            _registerPolicy(config.policies[i]);
        }
    }

    /// @inheritdoc IProofOfCloudRegistry
    function post(Report calldata report, uint32 signerMask, bytes calldata signatures) external {
        bytes32 reportHash = _authenticate(report, signerMask, signatures);
        if (report.platforms.length > MAX_ITEMS || report.grants.length > MAX_ITEMS) revert TooManyItems();

        BatchState memory batch;
        batch.control = _control;
        batch.issuedAt = report.issuedAt;
        batch.leaves = new bytes32[](report.grants.length + report.digests.length);
        _applyPlatforms(batch, report.platforms);
        _applyGrants(batch, report.grants);
        (bytes memory renewals, bytes32[] memory digests) = _applyRenewals(batch, report.renewals, report.digests);
        // Replays end here, at their sender's cost: they can neither flush the ring nor move the head.
        if (batch.leafCount == 0 && batch.platformsApplied == 0) revert NothingApplied();
        _finish(batch, report, signerMask, reportHash, renewals, digests);
    }

    /// @dev What concerns the report as a whole. Nothing here depends on an item.
    function _authenticate(Report calldata report, uint32 signerMask, bytes calldata signatures)
        private
        view
        returns (bytes32 reportHash)
    {
        (uint40 issuedAt, uint40 deadline) = (report.issuedAt, report.deadline);
        if (issuedAt > block.timestamp || block.timestamp > deadline || deadline > uint256(issuedAt) + MAX_WINDOW) {
            revert OutsideWindow(issuedAt, deadline);
        }
        if (!_policies[report.policyDigest]) revert PolicyNotInForce(report.policyDigest);
        RelayerSetWord set = _relayerSets[report.relayerSetId];
        if (!set.exists() || (set.retiredAt() != 0 && block.timestamp >= set.retiredAt())) {
            revert RelayerSetNotInForce(report.relayerSetId);
        }
        reportHash = _hashTypedDataV4(ReportLib.hash(report));
        Quorum.check(set, set.threshold(), reportHash, signerMask, signatures);
    }

    function _finish(
        BatchState memory batch,
        Report calldata report,
        uint32 signerMask,
        bytes32 reportHash,
        bytes memory renewals,
        bytes32[] memory digests
    ) private {
        uint64 number = batch.control.nextBatch();
        _control = batch.control.withNextBatch();
        bytes32 root = BatchTree.root(batch.leaves, batch.leafCount);
        _roots[number % ROOTS] = root;
        bytes32 payload = keccak256(
            abi.encode(
                number,
                report.relayerSetId,
                signerMask,
                reportHash,
                report.archive,
                root,
                batch.platformsApplied,
                batch.grantsApplied,
                keccak256(renewals)
            )
        );
        emit BatchPosted(
            number,
            report.relayerSetId,
            report.policyDigest,
            signerMask,
            reportHash,
            report.issuedAt,
            report.archive,
            root,
            batch.platformsApplied,
            batch.grantsApplied,
            renewals,
            digests,
            _moveHead(HeadKind.Batch, payload)
        );
    }

    function _registerPolicy(bytes32 policyDigest) private {
        if (policyDigest == 0 || _policies[policyDigest]) revert InvalidConfig();
        _policies[policyDigest] = true;
        bytes32 payload = keccak256(abi.encode(policyDigest, true, uint16(0), bytes32(0), msg.sender));
        emit PolicyRegistered(policyDigest, msg.sender, _moveHead(HeadKind.Policy, payload));
    }
}
