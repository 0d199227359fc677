// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {PriceOracle} from "../../examples/PriceOracle.sol";
import {IProofOfCloudRegistry} from "../../src/interfaces/IProofOfCloudRegistry.sol";
import {MockProofOfCloudRegistry} from "../../src/mocks/MockProofOfCloudRegistry.sol";
import {Test} from "forge-std/Test.sol";

/// @notice What to test of a contract whose operators must be as many machines, on the mock. To copy.
contract PriceOracleTest is Test {
    uint256 private constant SIGNERS = 5;
    uint256 private constant THRESHOLD = 3;
    bytes32 private constant WORKLOAD = keccak256("price watcher 1.0");

    MockProofOfCloudRegistry private mock = new MockProofOfCloudRegistry();
    PriceOracle private oracle;

    function setUp() public {
        vm.warp(1_800_000_000);
        oracle = new PriceOracle(IProofOfCloudRegistry(address(mock)), _signers(), THRESHOLD, WORKLOAD);
        for (uint256 i; i < SIGNERS; ++i) {
            mock.attest(vm.addr(_key(i)), _chassis(i), WORKLOAD);
        }
    }

    function _key(uint256 i) private pure returns (uint256) {
        return 1 + i;
    }

    function _chassis(uint256 i) private pure returns (bytes32) {
        return keccak256(abi.encode("chassis", i));
    }

    function _signers() private pure returns (address[] memory signers) {
        signers = new address[](SIGNERS);
        for (uint256 i; i < SIGNERS; ++i) {
            signers[i] = vm.addr(_key(i));
        }
    }

    function _observe(uint256 i, uint256 price) private view returns (PriceOracle.Observation memory) {
        return _observe(i, price, uint40(block.timestamp) - 10);
    }

    function _observe(uint256 i, uint256 price, uint40 seenAt) private view returns (PriceOracle.Observation memory o) {
        (o.price, o.seenAt) = (price, seenAt);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(_key(i), oracle.hashObservation(oracle.round(), price, o.seenAt));
        o.signature = abi.encodePacked(r, s, v);
    }

    /// @dev Signers 0, 1 and 2 see 100, 101 and 150.
    function _three() private view returns (PriceOracle.Observation[] memory os) {
        os = new PriceOracle.Observation[](3);
        (os[0], os[1], os[2]) = (_observe(0, 100), _observe(1, 101), _observe(2, 150));
    }

    function test_takesTheMedianOfKOnDistinctChassis() public {
        vm.expectEmit(address(oracle));
        emit PriceOracle.PriceReported(0, 101, 3);
        oracle.report(_three());
        assertEq(oracle.price(), 101);
        assertEq(oracle.asOf(), block.timestamp - 10);
        assertEq(oracle.round(), 1);
        // Of an even number, the lower of the two in the middle.
        PriceOracle.Observation[] memory os = new PriceOracle.Observation[](4);
        (os[0], os[1], os[2], os[3]) = (_observe(4, 90), _observe(1, 95), _observe(2, 97), _observe(0, 99));
        oracle.report(os);
        assertEq(oracle.price(), 95);
    }

    /// @notice A price is as old as the oldest observation behind it, whichever that is, and whenever it is reported.
    function test_aPriceIsAsOldAsItsOldestObservation() public {
        for (uint256 oldest; oldest < 3; ++oldest) {
            PriceOracle.Observation[] memory os = new PriceOracle.Observation[](3);
            uint40 now_ = uint40(block.timestamp);
            for (uint256 i; i < 3; ++i) {
                os[i] = _observe(i, 100 + i, i == oldest ? now_ - 4 minutes : now_ - 10);
            }
            oracle.report(os);
            assertEq(oracle.asOf(), now_ - 4 minutes);
        }
    }

    /// @notice Two attested signers on one chassis are one word.
    function test_refusesTwoSignersOnOneChassis() public {
        mock.attest(vm.addr(_key(2)), _chassis(1), WORKLOAD);
        PriceOracle.Observation[] memory os = _three();
        vm.expectRevert(abi.encodeWithSelector(PriceOracle.SharedChassis.selector, 3, 2));
        oracle.report(os);
    }

    function test_refusesOneSignerTwice() public {
        PriceOracle.Observation[] memory os = _three();
        os[2] = _observe(1, 150);
        vm.expectRevert(abi.encodeWithSelector(PriceOracle.SharedChassis.selector, 3, 2));
        oracle.report(os);
    }

    function _expectDenial(IProofOfCloudRegistry.Denial denial) private {
        PriceOracle.Observation[] memory os = _three();
        address second = vm.addr(_key(1));
        vm.expectRevert(abi.encodeWithSelector(IProofOfCloudRegistry.NotAttested.selector, second, denial));
        oracle.report(os);
    }

    function test_refusesASignerThatIsNotAttested() public {
        address second = vm.addr(_key(1));
        mock.freezeOperator(second);
        _expectDenial(IProofOfCloudRegistry.Denial.Frozen);
        mock.attest(second, _chassis(1), keccak256("another program"));
        _expectDenial(IProofOfCloudRegistry.Denial.Workload);
        mock.attest(second, _chassis(1), WORKLOAD);
        mock.expire(second);
        _expectDenial(IProofOfCloudRegistry.Denial.Expired);
        IProofOfCloudRegistry.Attestation memory a = mock.sample(_chassis(1), WORKLOAD);
        a.flags = 0;
        mock.attest(second, a);
        _expectDenial(IProofOfCloudRegistry.Denial.KeyNotInTd);
    }

    function test_refusesTooFewAndUnsorted() public {
        PriceOracle.Observation[] memory two = new PriceOracle.Observation[](2);
        (two[0], two[1]) = (_observe(0, 100), _observe(1, 101));
        vm.expectRevert(abi.encodeWithSelector(PriceOracle.TooFewObservations.selector, 2));
        oracle.report(two);
        PriceOracle.Observation[] memory os = _three();
        (os[0], os[1]) = (os[1], os[0]);
        vm.expectRevert(PriceOracle.NotSorted.selector);
        oracle.report(os);
    }

    function test_refusesWhatIsNotOfNow() public {
        PriceOracle.Observation[] memory os = _three();
        uint40 seenAt = os[0].seenAt;
        vm.warp(seenAt + oracle.MAX_AGE() + 1);
        vm.expectRevert(abi.encodeWithSelector(PriceOracle.OutsideWindow.selector, seenAt));
        oracle.report(os);
        vm.warp(seenAt - 1);
        vm.expectRevert(abi.encodeWithSelector(PriceOracle.OutsideWindow.selector, seenAt));
        oracle.report(os);
    }

    function test_refusesStrangersAndReplays() public {
        PriceOracle.Observation[] memory os = _three();
        os[0] = _observe(SIGNERS, 100);
        address stranger = vm.addr(_key(SIGNERS));
        mock.attest(stranger, _chassis(SIGNERS), WORKLOAD);
        vm.expectRevert(abi.encodeWithSelector(PriceOracle.NotSigner.selector, stranger));
        oracle.report(os);
        os = _three();
        oracle.report(os);
        // For the next round these are somebody's signatures, but nobody's that signs.
        vm.expectPartialRevert(PriceOracle.NotSigner.selector);
        oracle.report(os);
    }

    function test_refusesAConfigurationThatProtectsNothing() public {
        IProofOfCloudRegistry registry = IProofOfCloudRegistry(address(mock));
        address[] memory signers = _signers();
        vm.expectRevert(PriceOracle.InvalidConfig.selector);
        new PriceOracle(registry, signers, 0, WORKLOAD);
        vm.expectRevert(PriceOracle.InvalidConfig.selector);
        new PriceOracle(registry, signers, SIGNERS + 1, WORKLOAD);
        vm.expectRevert(PriceOracle.InvalidConfig.selector);
        new PriceOracle(registry, signers, THRESHOLD, 0);
        signers[1] = signers[0];
        vm.expectRevert(PriceOracle.InvalidConfig.selector);
        new PriceOracle(registry, signers, THRESHOLD, WORKLOAD);
    }
}
