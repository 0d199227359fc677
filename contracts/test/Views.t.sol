// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry as I} from "../src/interfaces/IProofOfCloudRegistry.sol";
import {Layout} from "./utils/Layout.sol";
import {RegistryTest} from "./utils/RegistryTest.sol";

/// @notice Invariants 7 and 9: a boolean view answers, whatever lies in storage, and the reverting form says the same.
/// Words that no writer stores are among them: whoever depends on an answer must get one even from a registry that has
/// gone wrong.
contract ViewsTest is RegistryTest {
    uint256 private control;
    uint256 private lanes;
    uint256 private operators;
    uint256 private platforms;

    function setUp() public override {
        super.setUp();
        _register(operator);
        (control, lanes, operators, platforms) = new Layout().slots();
        uint256 word = uint256(vm.load(address(registry), _at(bytes32(uint256(uint160(operator))), operators)));
        assertEq(word, registry.operatorWord(operator), "the layout");
        assertEq(uint256(vm.load(address(registry), _at(bytes32(uint256(1)), lanes))), registry.laneSlot(1));
    }

    /// @notice Any words at all.
    function testFuzz_boolsAnswerWhateverIsStored(
        uint256 controlWord,
        uint256 laneSlot,
        uint256 operatorWord,
        uint256 platformWord,
        I.Requirement calldata requirement,
        uint256 time
    ) public {
        vm.warp(bound(time, 1, type(uint40).max));
        operatorWord = _withLane(operatorWord, 8 + operatorWord % 8);
        _store(controlWord, laneSlot, operatorWord, platformWord);
        _expectAnswers(operator, requirement);
    }

    /// @notice Words near to good ones: one bit off, so that the later checks are reached as well.
    function testFuzz_boolsAnswerOneBitOff(uint8 bit, uint8 which, I.Requirement memory requirement) public {
        uint256 flip = uint256(1) << bit;
        uint256 c = uint256(vm.load(address(registry), bytes32(control)));
        uint256 o = registry.operatorWord(operator);
        uint256 l = registry.laneSlot(1);
        uint256 p = uint256(vm.load(address(registry), _at(PLATFORM, platforms)));
        if (which % 4 == 0) c ^= flip;
        if (which % 4 == 1) o ^= flip;
        if (which % 4 == 2) l ^= flip;
        if (which % 4 == 3) p ^= flip;
        _store(c, l, o, p);
        (requirement.minBinding, requirement.minCustody) = (requirement.minBinding % 4, requirement.minCustody % 4);
        _expectAnswers(operator, requirement);
    }

    /// @notice Statuses that are none deny, and do not revert: three bits hold one of them, a platform's four bits nine.
    function test_aStatusThatIsNoneDenies() public {
        uint256 o = registry.operatorWord(operator);
        _store(uint256(vm.load(address(registry), bytes32(control))), registry.laneSlot(1), o | (7 << 24), 0);
        assertFalse(registry.isAttested(operator));
        vm.expectRevert(abi.encodeWithSelector(I.NotAttested.selector, operator, I.Denial.Unknown));
        registry.requireAttested(operator, _default());
        // Lapsed, on a platform whose status is none.
        _store(uint256(vm.load(address(registry), bytes32(control))), 0, o, 15 << 24);
        vm.expectRevert(abi.encodeWithSelector(I.NotAttested.selector, operator, I.Denial.Expired));
        registry.requireAttested(operator, _default());
    }

    function testFuzz_theOtherBoolsAnswer(
        address account,
        bytes32 word,
        bytes4 id,
        uint64 batch,
        uint256 index,
        bytes32[] calldata proof
    ) public view {
        registry.isGuardian(account);
        registry.policyInForce(word);
        registry.supportsInterface(id);
        assertFalse(registry.verifyDigest(batch, index, word, proof));
        assertFalse(registry.verifyDigest(batch % 2, index, word, proof));
        assertFalse(registry.isAttested(account));
    }

    function _expectAnswers(address who, I.Requirement memory requirement) private view {
        bool byDefault = registry.isAttested(who);
        assertEq(byDefault, registry.isAttested(who, _default()), "the two booleans");
        bool answer = registry.isAttested(who, requirement);
        (bool passed, bytes memory why) =
            address(registry).staticcall(abi.encodeCall(I.requireAttested, (who, requirement)));
        assertEq(answer, passed, "the two forms");
        if (!passed) assertEq(bytes4(why), I.NotAttested.selector);
    }

    function _store(uint256 controlWord, uint256 laneSlot, uint256 operatorWord, uint256 platformWord) private {
        vm.store(address(registry), bytes32(control), bytes32(controlWord));
        vm.store(address(registry), _at(bytes32(uint256(1)), lanes), bytes32(laneSlot));
        vm.store(address(registry), _at(_subject(operator), operators), bytes32(operatorWord));
        vm.store(address(registry), _at(PLATFORM, platforms), bytes32(platformWord));
    }

    function _withLane(uint256 word, uint256 lane) private pure returns (uint256) {
        return word & ~uint256(type(uint24).max) | lane;
    }

    function _at(bytes32 key, uint256 slot) private pure returns (bytes32) {
        return keccak256(abi.encode(key, slot));
    }
}
