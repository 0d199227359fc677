// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {KeeperVault} from "../../examples/KeeperVault.sol";
import {ProofOfCloudConsumer} from "../../src/consumer/ProofOfCloudConsumer.sol";
import {IProofOfCloudRegistry} from "../../src/interfaces/IProofOfCloudRegistry.sol";
import {MockProofOfCloudRegistry} from "../../src/mocks/MockProofOfCloudRegistry.sol";
import {Test} from "forge-std/Test.sol";

/// @dev As a wallet or a wrapped coin takes any call.
contract SaysNothing {
    fallback() external {}
}

/// @dev As a proxy may answer any call, be it for an interface that nobody has.
contract SaysYes {
    fallback() external {
        assembly ("memory-safe") {
            mstore(0, 1)
            return(0, 32)
        }
    }
}

/// @notice What to test of a contract with `onlyAttested`, on the mock. To copy.
contract KeeperVaultTest is Test {
    bytes32 private constant PLATFORM = keccak256("platform");
    bytes32 private constant WORKLOAD = keccak256("keeper 1.0");

    MockProofOfCloudRegistry private mock = new MockProofOfCloudRegistry();
    KeeperVault private vault = new KeeperVault(IProofOfCloudRegistry(address(mock)), WORKLOAD);
    address private keeper = makeAddr("keeper");
    address private borrower = makeAddr("borrower");

    function setUp() public {
        vm.warp(1_800_000_000);
        vm.deal(borrower, 10 ether);
        vm.prank(borrower);
        vault.borrow{value: 10 ether}(5 ether);
    }

    function _expectDenial(IProofOfCloudRegistry.Denial denial) private {
        vm.expectRevert(abi.encodeWithSelector(IProofOfCloudRegistry.NotAttested.selector, keeper, denial));
        vm.prank(keeper);
        vault.liquidate(borrower);
    }

    function test_anAttestedKeeperLiquidates() public {
        mock.attest(keeper, PLATFORM, WORKLOAD);
        vm.expectEmit(address(vault));
        emit KeeperVault.Liquidated(borrower, keeper, 10 ether);
        vm.prank(keeper);
        vault.liquidate(borrower);
        assertEq(keeper.balance, 10 ether);
        assertEq(vault.debt(borrower), 0);
        assertEq(vault.liquidations(keeper), 1);
        vm.expectRevert(abi.encodeWithSelector(KeeperVault.NoLoan.selector, borrower));
        vm.prank(keeper);
        vault.liquidate(borrower);
    }

    function test_aStrangerDoesNot() public {
        _expectDenial(IProofOfCloudRegistry.Denial.Unknown);
    }

    function test_anotherReviewedProgramDoesNot() public {
        mock.attest(keeper, PLATFORM, keccak256("somebody else's program"));
        _expectDenial(IProofOfCloudRegistry.Denial.Workload);
    }

    function test_aMachineOnAWorkbenchDoesNot() public {
        IProofOfCloudRegistry.Attestation memory a = mock.sample(PLATFORM, WORKLOAD);
        a.custody = 0;
        mock.attest(keeper, a);
        _expectDenial(IProofOfCloudRegistry.Denial.Custody);
    }

    /// @notice The right program on the right machine, and a key that somebody holds outside.
    function test_aKeyOutsideTheTdDoesNot() public {
        IProofOfCloudRegistry.Attestation memory a = mock.sample(PLATFORM, WORKLOAD);
        a.flags = 0;
        mock.attest(keeper, a);
        _expectDenial(IProofOfCloudRegistry.Denial.KeyNotInTd);
    }

    function test_anOutdatedMachineDoesNot() public {
        IProofOfCloudRegistry.Attestation memory a = mock.sample(PLATFORM, WORKLOAD);
        a.tcb = 5;
        mock.attest(keeper, a);
        _expectDenial(IProofOfCloudRegistry.Denial.Tcb);
    }

    /// @notice An attestation is good until it is not: the answer must not have been kept.
    function test_aKeeperIsOutFromTheMomentItsAttestationEnds() public {
        mock.attest(keeper, PLATFORM, WORKLOAD);
        vm.prank(keeper);
        vault.checkIn();
        assertEq(vault.checkIns(keeper), 1);
        assertEq(vault.liquidations(keeper), 0);
        uint256 live = vm.snapshotState();

        vm.warp(block.timestamp + 1 hours);
        _expectDenial(IProofOfCloudRegistry.Denial.Expired);
        vm.revertToState(live);
        mock.freezeOperator(keeper);
        _expectDenial(IProofOfCloudRegistry.Denial.Frozen);
        vm.revertToState(live);
        mock.freezePlatform(PLATFORM);
        _expectDenial(IProofOfCloudRegistry.Denial.Frozen);
        vm.revertToState(live);
        mock.setProviderFrozen(1, true);
        _expectDenial(IProofOfCloudRegistry.Denial.ProviderFrozen);
        vm.revertToState(live);
        mock.setPaused(true);
        _expectDenial(IProofOfCloudRegistry.Denial.Paused);
        vm.revertToState(live);
        mock.revokeOperator(keeper);
        _expectDenial(IProofOfCloudRegistry.Denial.Revoked);
        vm.revertToState(live);
        mock.deregister(keeper);
        _expectDenial(IProofOfCloudRegistry.Denial.Deregistered);
    }

    function test_aLoanIsLogged() public {
        vm.deal(borrower, 4 ether);
        vm.expectEmit(address(vault));
        emit KeeperVault.Borrowed(borrower, 14 ether, 7 ether);
        vm.prank(borrower);
        vault.borrow{value: 4 ether}(2 ether);
    }

    /// @notice This contract takes no ether: the loan stays open for a keeper that does.
    function test_aKeeperThatRefusesItsPayLiquidatesNothing() public {
        mock.attest(address(this), PLATFORM, WORKLOAD);
        vm.expectRevert("keeper refused its pay");
        vault.liquidate(borrower);
        assertEq(vault.debt(borrower), 5 ether);
        assertEq(vault.collateral(borrower), 10 ether);
    }

    function test_nobodyBorrowsTooMuch() public {
        vm.expectRevert(KeeperVault.TooMuchDebt.selector);
        vm.prank(borrower);
        vault.borrow(1);
    }

    function test_refusesARegistryWithoutCode() public {
        vm.expectRevert(abi.encodeWithSelector(ProofOfCloudConsumer.NoRegistry.selector, address(1234)));
        new KeeperVault(IProofOfCloudRegistry(address(1234)), WORKLOAD);
    }

    /// @notice Each has code, and some take any question without a murmur: they would let everybody in.
    function test_refusesAContractThatIsNoRegistry() public {
        address[3] memory wrong = [address(vault), address(new SaysNothing()), address(new SaysYes())];
        for (uint256 i; i < wrong.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(ProofOfCloudConsumer.NoRegistry.selector, wrong[i]));
            new KeeperVault(IProofOfCloudRegistry(wrong[i]), WORKLOAD);
        }
    }
}
