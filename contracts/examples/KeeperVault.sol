// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {ProofOfCloudConsumer} from "../src/consumer/ProofOfCloudConsumer.sol";
import {IProofOfCloudRegistry} from "../src/interfaces/IProofOfCloudRegistry.sol";

/// @title KeeperVault
/// @notice An example: a vault with loans which only an attested keeper may liquidate. The keeper is a program in a
/// TEE, and the vault's users were told what it does; so the vault asks whether that is what calls, and whether the
/// machine stands in a data center rather than on a bench.
/// @dev For reading, not for money: debt is a number here.
contract KeeperVault is ProofOfCloudConsumer {
    /// @notice The keeper program that users were told about. Zero takes any program that the relayers' policy lists.
    bytes32 public immutable WORKLOAD;

    /// @notice Collateral per borrower, in wei.
    mapping(address borrower => uint256) public collateral;
    /// @notice Debt per borrower, in wei.
    mapping(address borrower => uint256) public debt;
    /// @notice How often each keeper has liquidated.
    mapping(address keeper => uint256) public liquidations;
    /// @notice How often each keeper has shown that it is admitted.
    mapping(address keeper => uint256) public checkIns;

    event Borrowed(address indexed borrower, uint256 collateral, uint256 debt);
    event Liquidated(address indexed borrower, address indexed keeper, uint256 collateral);

    /// @notice Half the collateral's value is the most one may owe.
    error TooMuchDebt();
    /// @notice There is nothing to liquidate.
    error NoLoan(address borrower);

    constructor(IProofOfCloudRegistry registry, bytes32 workload) ProofOfCloudConsumer(registry) {
        WORKLOAD = workload;
    }

    /// @notice Puts up collateral and takes on debt.
    function borrow(uint256 amount) external payable {
        collateral[msg.sender] += msg.value;
        debt[msg.sender] += amount;
        if (debt[msg.sender] > collateral[msg.sender] / 2) revert TooMuchDebt();
        emit Borrowed(msg.sender, collateral[msg.sender], debt[msg.sender]);
    }

    /// @notice Closes a loan that the keeper has found to be under water, and pays the collateral out to the keeper.
    /// @dev Which loans are, is off-chain knowledge; the keeper is trusted with it because it is attested.
    function liquidate(address borrower) external onlyAttested(msg.sender) {
        uint256 amount = collateral[borrower];
        if (debt[borrower] == 0) revert NoLoan(borrower);
        delete collateral[borrower];
        delete debt[borrower];
        ++liquidations[msg.sender];
        emit Liquidated(borrower, msg.sender, amount);
        (bool sent,) = msg.sender.call{value: amount}("");
        require(sent, "keeper refused its pay");
    }

    /// @notice A call that changes nothing but the count: lets a keeper show that it is admitted.
    function checkIn() external onlyAttested(msg.sender) {
        ++checkIns[msg.sender];
    }

    /// @dev The default, and this program: somebody else's may be reviewed and do something else. And a key that only the
    /// program has: else anybody could boot it, and call with a key of his own.
    function _requirement() internal view override returns (IProofOfCloudRegistry.Requirement memory requirement) {
        requirement = super._requirement();
        requirement.workload = WORKLOAD;
        requirement.requireKeyInTd = true;
    }
}
