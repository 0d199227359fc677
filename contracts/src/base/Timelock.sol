// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudGovernance} from "../interfaces/IProofOfCloudGovernance.sol";
import {IProofOfCloudRegistry as I} from "../interfaces/IProofOfCloudRegistry.sol";
import {Changes} from "./Changes.sol";

/// @title Timelock
/// @notice Submit, wait, and anyone executes, in the shape of Morpho's vault-v2. It lies in the registry itself: no
/// authority from outside can be swapped in. Delays are set at birth, function by function, and only grow.
abstract contract Timelock is Changes, IProofOfCloudGovernance {
    modifier onlyGovernor() {
        _checkGovernor();
        _;
    }

    /// @dev Passes once for each submission, when it is ripe, and only for exactly the bytes submitted.
    modifier timelocked() {
        _take(msg.data);
        _;
    }

    /// @dev For how long a ripe call can be made.
    uint256 private constant WINDOW = 14 days;

    /// @inheritdoc IProofOfCloudGovernance
    function submit(bytes calldata data) external onlyGovernor {
        bytes4 selector = bytes4(data);
        uint256 delay = _delays[selector];
        if (delay == 0) revert NotTimelocked(selector);
        bytes32 id = keccak256(data);
        if (_isWaiting(id)) revert AlreadySubmitted(id);
        _checkSubmission(selector, data);
        if (_isOneAtATime(selector)) {
            bytes32 other = _latest[selector];
            if (_isWaiting(other)) revert AlreadySubmitted(other);
            _latest[selector] = id;
        }
        uint256 time = block.timestamp + delay;
        _executableAt[id] = time;
        emit ActionSubmitted(id, selector, data, uint40(time));
    }

    /// @inheritdoc IProofOfCloudGovernance
    function veto(bytes calldata data) external {
        bytes4 selector = bytes4(data);
        if (msg.sender != _governor) {
            if (_seats[msg.sender] == 0) revert I.NotGuardian(msg.sender);
            // Else a bad guardian could not be got rid of.
            if (selector == this.removeGuardian.selector) revert NotVetoable(selector);
        }
        bytes32 id = keccak256(data);
        if (!_isWaiting(id)) revert NotExecutable(id, _executableAt[id]);
        delete _executableAt[id];
        emit ActionVetoed(id, selector, msg.sender);
    }

    /// @inheritdoc IProofOfCloudGovernance
    function governor() external view returns (address) {
        return _governor;
    }

    /// @inheritdoc IProofOfCloudGovernance
    function delayOf(bytes4 selector) external view returns (uint256) {
        return _delays[selector];
    }

    /// @inheritdoc IProofOfCloudGovernance
    function executableAt(bytes calldata data) external view returns (uint256) {
        bytes32 id = keccak256(data);
        return _isWaiting(id) ? _executableAt[id] : 0;
    }

    /// @dev Reverts unless the call has its one spelling and would be carried out now. A lift held in reserve would end
    /// tomorrow's freeze at once, and a mistaken rotation would show only after its seven days. Not asked is for what
    /// another call under way may bring: a seat for a guardian, a guardian besides the last.
    function _checkSubmission(bytes4 selector, bytes calldata data) internal view virtual;

    /// @dev Whether the function's arguments can be chosen without end: of as many calls as a governor likes, guardians, who
    /// veto one by one, would miss one.
    function _isOneAtATime(bytes4 selector) internal pure virtual returns (bool);

    function _checkGovernor() private view {
        if (msg.sender != _governor) revert NotGovernor(msg.sender);
    }

    /// @dev Not ripe yet, or ripe: neither made, nor vetoed, nor run out.
    function _isWaiting(bytes32 id) private view returns (bool) {
        uint256 time = _executableAt[id];
        return time != 0 && block.timestamp <= time + WINDOW;
    }

    function _take(bytes calldata data) private {
        bytes32 id = keccak256(data);
        uint256 time = _executableAt[id];
        if (block.timestamp < time || !_isWaiting(id)) revert NotExecutable(id, time);
        delete _executableAt[id];
        emit ActionExecuted(id, bytes4(data), msg.sender);
    }
}
