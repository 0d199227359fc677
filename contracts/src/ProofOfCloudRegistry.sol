// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {RegistryExtension} from "./RegistryExtension.sol";
import {Grants} from "./base/Grants.sol";
import {Guardianship} from "./base/Guardianship.sol";
import {PlatformEntries} from "./base/PlatformEntries.sol";
import {RegistryBase} from "./base/RegistryBase.sol";
import {RelayerReads} from "./base/RelayerReads.sol";
import {Renewals} from "./base/Renewals.sol";
import {IProofOfCloudGovernance} from "./interfaces/IProofOfCloudGovernance.sol";
import {IProofOfCloudRegistry} from "./interfaces/IProofOfCloudRegistry.sol";
import {BatchState} from "./libraries/BatchState.sol";
import {BatchTree} from "./libraries/BatchTree.sol";
import {ControlWord, ControlWordLib} from "./libraries/ControlWord.sol";
import {Quorum} from "./libraries/Quorum.sol";
import {RelayerSetWord, RelayerSetWordLib} from "./libraries/RelayerSetWord.sol";
import {ReportLib} from "./libraries/ReportLib.sol";

/// @title ProofOfCloudRegistry
/// @notice The registry: immutable, without an upgrade, without an owner. A quorum of relayers raises trust, guardians
/// lower it at once, and the governor opens doors slowly, in everybody's sight, but attests nobody.
contract ProofOfCloudRegistry is RelayerReads, PlatformEntries, Grants, Renewals, Guardianship {
    uint32 private constant FIRST_SET = 1;
    uint256 private constant MAX_ITEMS = 256;
    uint256 private constant MAX_WINDOW = 1 hours;

    /// @notice The second half of this contract's code: `IProofOfCloudGovernance`.
    address public immutable EXTENSION;

    constructor(Config memory config) RegistryBase(config.maxTtl) {
        EXTENSION = address(new RegistryExtension(config.maxTtl));
        _setGovernor(config.governor);
        // Without a guardian nothing could ever be stopped.
        if (config.guardians.length == 0) revert InvalidConfig();
        for (uint256 i; i < config.guardians.length; ++i) {
            _admitGuardian(config.guardians[i]);
        }
        _setDelays(config.delay, config.relayerSetDelay);

        ControlWord c = ControlWordLib.initial(FIRST_SET);
        for (uint256 i; i < config.providers.length; ++i) {
            uint256 provider = config.providers[i];
            if (provider == 0 || provider > MAX_PROVIDER || !c.providerFrozen(provider)) revert InvalidConfig();
            c = c.withProvider(provider);
        }
        _setControl(c, 0, 0);
        RelayerSetWord set = RelayerSetWordLib.create(config.relayers, config.threshold, config.freezeThreshold);
        _setRelayerSet(FIRST_SET, set, 0, 0);
        for (uint256 i; i < config.policies.length; ++i) {
            _registerPolicy(config.policies[i]);
        }
    }

    /// @dev Runs the extension on this contract's state, and passes on whatever comes of it.
    fallback() external {
        address extension = EXTENSION;
        assembly ("memory-safe") {
            let data := mload(0x40)
            calldatacopy(data, 0, calldatasize())
            let ok := delegatecall(gas(), extension, data, calldatasize(), 0, 0)
            returndatacopy(data, 0, returndatasize())
            if iszero(ok) { revert(data, returndatasize()) }
            return(data, returndatasize())
        }
    }

    /// @inheritdoc IProofOfCloudRegistry
    function post(Report calldata report, uint32 signerMask, bytes calldata signatures) external {
        bytes32 reportHash = _authenticate(report, signerMask, signatures);
        if (report.platforms.length > MAX_ITEMS || report.grants.length > MAX_ITEMS) revert TooManyItems();

        // slither-disable-next-line uninitialized-local (all zero but for what follows)
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
        if (!set.inForce(block.timestamp)) revert RelayerSetNotInForce(report.relayerSetId);
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

    /// @dev These functions wait, each as long as this. No function that is not here can raise anything.
    function _setDelays(uint256 delay, uint256 relayerSetDelay) private {
        if (delay < 1 days || relayerSetDelay < delay || relayerSetDelay > MAX_DELAY) revert InvalidConfig();
        _setDelay(IProofOfCloudGovernance.rotateRelayers.selector, relayerSetDelay);
        _setDelay(IProofOfCloudGovernance.liftFreeze.selector, delay);
        _setDelay(IProofOfCloudGovernance.reinstate.selector, delay);
        _setDelay(IProofOfCloudGovernance.unpause.selector, delay);
        _setDelay(IProofOfCloudGovernance.admitProvider.selector, delay);
        _setDelay(IProofOfCloudGovernance.registerPolicy.selector, delay);
        _setDelay(IProofOfCloudGovernance.addGuardian.selector, delay);
        _setDelay(IProofOfCloudGovernance.removeGuardian.selector, delay);
        _setDelay(IProofOfCloudGovernance.setGovernor.selector, delay);
        _setDelay(IProofOfCloudGovernance.lengthenDelay.selector, delay);
    }
}
