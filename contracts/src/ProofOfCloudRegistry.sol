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
import {BatchLog} from "./libraries/BatchLog.sol";
import {BatchState, BatchStateLib} from "./libraries/BatchState.sol";
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
    uint256 private constant MAX_ITEMS = 128;
    uint256 private constant MAX_WINDOW = 1 hours;
    /// @dev Much less than a freeze lasts: after a lift that takes as long, there is nothing left to lift.
    uint256 private constant LIFT_DELAY = 1 days;

    /// @notice The second half of this contract's code: `IProofOfCloudGovernance`.
    address public immutable EXTENSION;

    /// @param extension The second half, deployed before: both in one creation would leave no room for a long
    /// configuration under EIP-3860.
    constructor(Config memory config, RegistryExtension extension) RegistryBase(config.maxTtl) {
        if (address(extension).code.length == 0) revert InvalidConfig();
        EXTENSION = address(extension);
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
        (PlatformEntry[] calldata platforms, Grant[] calldata grants) = (report.platforms, report.grants);
        (uint256 log, bytes memory renewals, bytes32[] memory digests) = BatchLog.start(report.renewals, report.digests);
        uint256 issuedAt = _requireInForce(report);
        bytes32 reportHash = _hashTypedDataV4(ReportLib.hash(report, platforms, grants, renewals, digests));
        _requireQuorum(report.relayerSetId, reportHash, signerMask, signatures);
        if (platforms.length > MAX_ITEMS || grants.length > MAX_ITEMS) revert TooManyItems();

        BatchState memory batch = BatchStateLib.start(issuedAt, grants.length);
        if (platforms.length | grants.length != 0) {
            batch.control = _control;
            _applyPlatforms(batch, platforms);
            _applyGrants(batch, grants);
            _control = batch.control;
        }
        _applyRenewals(renewals, digests);
        // Replays end here, at their sender's cost: they can neither flush the ring nor move the head.
        if (batch.platformsApplied | batch.granted | digests.length == 0) revert NothingApplied();

        uint256 number = _head.batches();
        bytes32 root = BatchTree.root(batch.allDigests(digests));
        _roots[number % ROOTS] = root;
        bytes32 payload = BatchLog.payload(log, report, number, signerMask, reportHash, batch, root);
        BatchLog.finish(log, digests, _moveHead(HeadKind.Batch, payload));
    }

    /// @dev Is the report's time now, and its policy one that counts? Words have 32 bits for a time, so in 2106 the registry
    /// takes its last report; all times that a report stores are at most its deadline, but for expiries, see there.
    function _requireInForce(Report calldata report) private view returns (uint256 issuedAt) {
        issuedAt = report.issuedAt;
        uint256 deadline = report.deadline;
        unchecked {
            if (
                issuedAt > block.timestamp || block.timestamp > deadline || deadline > issuedAt + MAX_WINDOW
                    || deadline > type(uint32).max
            ) {
                revert OutsideWindow(uint40(issuedAt), uint40(deadline));
            }
        }
        if (!_policies[report.policyDigest]) revert PolicyNotInForce(report.policyDigest);
    }

    function _requireQuorum(uint32 setId, bytes32 reportHash, uint32 signerMask, bytes calldata signatures)
        private
        view
    {
        RelayerSetWord set = _relayerSets[setId];
        if (!set.inForce(block.timestamp)) revert RelayerSetNotInForce(setId);
        Quorum.check(set, set.threshold(), reportHash, signerMask, signatures);
    }

    /// @dev These functions wait, each as long as this. No other but `post`, with its quorum, can raise anything.
    function _setDelays(uint256 delay, uint256 relayerSetDelay) private {
        if (delay < 1 days || relayerSetDelay < delay || relayerSetDelay > MAX_DELAY) revert InvalidConfig();
        _setDelay(IProofOfCloudGovernance.rotateRelayers.selector, relayerSetDelay);
        // No guardian can veto a removal. Were it quicker, a rotation would find nobody left to veto it.
        _setDelay(IProofOfCloudGovernance.removeGuardian.selector, relayerSetDelay);
        _setDelay(IProofOfCloudGovernance.liftFreeze.selector, LIFT_DELAY);
        _setDelay(IProofOfCloudGovernance.reinstate.selector, delay);
        _setDelay(IProofOfCloudGovernance.unpause.selector, delay);
        _setDelay(IProofOfCloudGovernance.admitProvider.selector, delay);
        _setDelay(IProofOfCloudGovernance.registerPolicy.selector, delay);
        _setDelay(IProofOfCloudGovernance.addGuardian.selector, delay);
        _setDelay(IProofOfCloudGovernance.setGovernor.selector, delay);
        _setDelay(IProofOfCloudGovernance.lengthenDelay.selector, delay);
    }
}
