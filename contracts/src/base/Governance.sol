// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudGovernance} from "../interfaces/IProofOfCloudGovernance.sol";
import {IProofOfCloudRegistry as I} from "../interfaces/IProofOfCloudRegistry.sol";
import {ControlWord} from "../libraries/ControlWord.sol";
import {OperatorWord} from "../libraries/OperatorWord.sol";
import {PlatformWord} from "../libraries/PlatformWord.sol";
import {RelayerSetWord, RelayerSetWordLib} from "../libraries/RelayerSetWord.sol";
import {Timelock} from "./Timelock.sol";

/// @title Governance
/// @notice What raises trust without a quorum's report: each through the timelock. None of it attests anybody.
abstract contract Governance is Timelock {
    uint256 private constant MAX_GRACE = 1 hours;

    /// @inheritdoc IProofOfCloudGovernance
    function liftFreeze(I.Subject kind, bytes32 subject, uint32 statusNonce) external timelocked {
        _thaw(kind, subject, statusNonce, I.Status.Frozen);
    }

    /// @inheritdoc IProofOfCloudGovernance
    function reinstate(I.Subject kind, bytes32 subject, uint32 statusNonce) external timelocked {
        _thaw(kind, subject, statusNonce, I.Status.Revoked);
    }

    /// @inheritdoc IProofOfCloudGovernance
    function unpause() external timelocked {
        _checkPaused();
        _setControl(_control.withoutPause(), 0, 0);
    }

    /// @inheritdoc IProofOfCloudGovernance
    function admitProvider(uint16 provider) external timelocked {
        _checkProviderClosed(provider);
        _setControl(_control.withProvider(provider), 0, 0);
    }

    /// @inheritdoc IProofOfCloudGovernance
    function registerPolicy(bytes32 policyDigest) external timelocked {
        _registerPolicy(policyDigest);
    }

    /// @inheritdoc IProofOfCloudGovernance
    function rotateRelayers(address[] calldata members, uint8 threshold, uint8 freezeThreshold, uint40 grace)
        external
        timelocked
    {
        _checkRotation(grace);
        ControlWord c = _control;
        uint32 old = c.setId();
        _setRelayerSet(old, _relayerSets[old].withRetiredAt(block.timestamp + grace), 0, 0);
        _setRelayerSet(old + 1, RelayerSetWordLib.create(members, threshold, freezeThreshold), 0, 0);
        _setControl(c.withSet(old + 1), 0, 0);
    }

    /// @inheritdoc IProofOfCloudGovernance
    function addGuardian(address guardian) external timelocked {
        _admitGuardian(guardian);
    }

    /// @inheritdoc IProofOfCloudGovernance
    function removeGuardian(address guardian) external timelocked {
        uint256 seat = _seats[guardian];
        if (seat == 0) revert UnknownGuardian(guardian);
        uint16 left = _takenSeats & ~uint16(1 << seat);
        if (left == 0) revert LastGuardian();
        _takenSeats = left;
        delete _seats[guardian];
        _emitAuthority(I.Authority.Guardian, _subject(guardian), 0);
    }

    /// @inheritdoc IProofOfCloudGovernance
    function setGovernor(address newGovernor) external timelocked {
        _setGovernor(newGovernor);
    }

    /// @inheritdoc IProofOfCloudGovernance
    function lengthenDelay(bytes4 selector, uint40 delay) external timelocked {
        _checkLonger(selector, delay);
        _setDelay(selector, delay);
    }

    /// @inheritdoc Timelock
    // slither-disable-next-line cyclomatic-complexity (one branch for each function)
    function _checkSubmission(bytes4 selector, bytes calldata data) internal view override {
        if (!_isCanonical(selector, data)) revert NotCanonical();
        if (selector == this.unpause.selector) {
            _checkPaused();
        } else if (selector == this.admitProvider.selector) {
            _checkProviderClosed(abi.decode(data[4:], (uint16)));
        } else if (selector == this.registerPolicy.selector) {
            bytes32 policyDigest = abi.decode(data[4:], (bytes32));
            if (policyDigest == 0) revert I.InvalidConfig();
            if (_policies[policyDigest]) revert NothingToRaise();
        } else if (selector == this.rotateRelayers.selector) {
            (address[] memory members, uint8 threshold, uint8 freezeThreshold, uint40 grace) =
                abi.decode(data[4:], (address[], uint8, uint8, uint40));
            _checkRotation(grace);
            RelayerSetWordLib.check(members, threshold, freezeThreshold);
        } else if (selector == this.addGuardian.selector) {
            _checkAdmissible(abi.decode(data[4:], (address)));
        } else if (selector == this.setGovernor.selector) {
            if (abi.decode(data[4:], (address)) == address(0)) revert I.InvalidConfig();
        } else if (selector == this.lengthenDelay.selector) {
            (bytes4 delayed, uint40 delay) = abi.decode(data[4:], (bytes4, uint40));
            _checkLonger(delayed, delay);
        } else if (selector == this.removeGuardian.selector) {
            address guardian = abi.decode(data[4:], (address));
            if (_seats[guardian] == 0) revert UnknownGuardian(guardian);
        } else if (selector == this.liftFreeze.selector || selector == this.reinstate.selector) {
            (I.Subject kind, bytes32 subject, uint32 nonce) = abi.decode(data[4:], (I.Subject, bytes32, uint32));
            _checkStatus(kind, subject, nonce, selector == this.reinstate.selector ? I.Status.Revoked : I.Status.Frozen);
        }
    }

    /// @inheritdoc Timelock
    function _isOneAtATime(bytes4 selector) internal pure override returns (bool) {
        return selector == this.addGuardian.selector || selector == this.setGovernor.selector
            || selector == this.rotateRelayers.selector || selector == this.registerPolicy.selector;
    }

    /// @dev One call has one spelling. Decoders pass over surplus bytes: with another spelling for each, a call could be
    /// drawn up any number of times, to be vetoed one by one.
    function _isCanonical(bytes4 selector, bytes calldata data) private pure returns (bool) {
        if (selector == this.rotateRelayers.selector) {
            (address[] memory members, uint8 threshold, uint8 freezeThreshold, uint40 grace) =
                abi.decode(data[4:], (address[], uint8, uint8, uint40));
            return
                keccak256(data)
                    == keccak256(abi.encodeWithSelector(selector, members, threshold, freezeThreshold, grace));
        }
        uint256 words = 1;
        if (selector == this.unpause.selector) words = 0;
        else if (selector == this.lengthenDelay.selector) words = 2;
        else if (selector == this.liftFreeze.selector || selector == this.reinstate.selector) words = 3;
        return data.length == 4 + 32 * words;
    }

    /// @dev Frozen, but open to the quorum. The nonce moves: nobody signed a grant in view of this.
    function _thaw(I.Subject kind, bytes32 subject, uint32 statusNonce, I.Status from) private {
        _checkStatus(kind, subject, statusNonce, from);
        if (kind == I.Subject.Operator) {
            address operator = address(uint160(uint256(subject)));
            _operators[operator] = _operators[operator].withStatus(I.Status.Frozen, 0);
        } else {
            _platforms[subject] = _platforms[subject].thawed();
        }
        _emitStatus(kind, subject, from, I.Status.Frozen, 0, 0);
    }

    function _checkStatus(I.Subject kind, bytes32 subject, uint256 statusNonce, I.Status expected) private view {
        I.Status status;
        uint256 nonce;
        if (kind == I.Subject.Operator) {
            if (uint256(subject) > type(uint160).max) revert NothingToRaise();
            OperatorWord o = _operators[address(uint160(uint256(subject)))];
            (status, nonce) = (o.status(), o.statusNonce());
        } else {
            PlatformWord p = _platforms[subject];
            (status, nonce) = (p.status(), p.statusNonce());
        }
        if (status != expected || nonce != statusNonce) revert NothingToRaise();
    }

    function _checkRotation(uint256 grace) private view {
        if (grace > MAX_GRACE) revert GraceTooLong(grace);
        if (_control.setId() == type(uint16).max) revert I.Exhausted();
    }

    function _checkLonger(bytes4 selector, uint256 delay) private view {
        uint256 old = _delays[selector];
        if (old == 0) revert NotTimelocked(selector);
        if (delay <= old || delay > MAX_DELAY) revert DelayNotLonger(selector, delay);
    }

    function _checkPaused() private view {
        if (!_control.paused()) revert NothingToRaise();
    }

    function _checkProviderClosed(uint256 provider) private view {
        if (provider == 0 || provider > MAX_PROVIDER) revert I.InvalidProvider(provider);
        if (!_control.providerFrozen(provider)) revert NothingToRaise();
    }
}
