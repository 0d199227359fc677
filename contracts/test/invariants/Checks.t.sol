// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry as I} from "../../src/interfaces/IProofOfCloudRegistry.sol";
import {Layout} from "../utils/Layout.sol";
import {RegistryTest} from "../utils/RegistryTest.sol";
import {Ghost} from "./Ghost.sol";
import {Handler} from "./Handler.sol";

/// @notice The handler's checks can fail: each test spoils a registry in one way, by its storage or by answering in its
/// place, and the violation is counted under the right number.
contract ChecksTest is RegistryTest {
    Handler private handler;
    uint256 private control;
    uint256 private lanes;
    uint256 private operators;
    uint256 private steps;

    function setUp() public override {
        handler = new Handler();
        registry = handler.theRegistry();
        (control, lanes, operators,) = new Layout().slots();
        while (!registry.isAttested(handler.who(0)) || steps < 40) _step();
        assertEq(bytes(handler.firstBroken()).length, 0);
    }

    function _step() private {
        handler.step(uint256(keccak256(abi.encode("checks", steps++))));
    }

    function _storeWord(uint256 o, uint256 word) private {
        vm.store(address(registry), keccak256(abi.encode(handler.who(o), operators)), bytes32(word));
    }

    function _storeLanes(uint256 slot) private {
        vm.store(address(registry), keccak256(abi.encode(uint256(handler.SLOT()), lanes)), bytes32(slot));
    }

    /// @dev All operators live until `expiry`, generations as they were.
    function _allLive(uint256 expiry) private {
        uint256 slot = registry.laneSlot(handler.SLOT());
        for (uint256 i; i < 8; ++i) {
            uint256 generation = (slot >> (32 * i)) & 63;
            slot = slot & ~(uint256(type(uint32).max) << (32 * i)) | ((expiry / 64 << 6 | generation) << (32 * i));
        }
        _storeLanes(slot);
    }

    function test_1_aStoppedOperatorThatCameBack() public {
        uint256 word = registry.operatorWord(handler.who(0));
        for (uint256 seed; registry.operatorWord(handler.who(0)) == word; ++seed) {
            handler.deregister(seed);
        }
        assertEq(handler.broken(1), 0);
        _storeWord(0, word);
        _allLive(vm.getBlockTimestamp() + 1 hours);
        handler.look();
        assertGt(handler.broken(1), 0);
    }

    function test_2_anAnswerThatRoseByItself() public {
        // Too far ahead to count: it would come into its own as time passes.
        _allLive(vm.getBlockTimestamp() + 3 days + 128);
        assertFalse(registry.isAttested(handler.who(0)));
        for (uint256 seed; !registry.isAttested(handler.who(0)); ++seed) {
            handler.wait(seed);
        }
        assertGt(handler.broken(2), 0);
    }

    function test_3_aRevocationUndone() public {
        uint256 word = registry.operatorWord(handler.who(0));
        for (uint256 seed; (registry.operatorWord(handler.who(0)) >> 24) & 7 != uint256(I.Status.Revoked); ++seed) {
            handler.revoke(seed);
            if (seed % 16 == 0) _step();
        }
        assertEq(handler.broken(3), 0);
        _storeWord(0, word);
        handler.look();
        assertGt(handler.broken(3), 0);
    }

    function test_4_aRegistryWithoutGenerations() public {
        for (uint256 i; i < 3000 && handler.broken(4) == 0; ++i) {
            _step();
            uint256 slot = registry.laneSlot(handler.SLOT());
            for (uint256 lane; lane < 8; ++lane) {
                slot = slot & ~(uint256(63) << (32 * lane)) | (uint256(1) << (32 * lane));
            }
            _storeLanes(slot);
        }
        assertGt(handler.broken(4), 0);
    }

    function test_7_formsThatDisagree() public {
        vm.mockCall(address(registry), abi.encodeWithSelector(I.requireAttested.selector), "");
        handler.ask(1);
        assertGt(handler.broken(7), 0);
    }

    function test_8_aDeadReportTaken() public {
        vm.mockCall(address(registry), abi.encodeWithSelector(I.post.selector), "");
        handler.forge(1);
        assertGt(handler.broken(8), 0);
    }

    function test_9_aBooleanThatReverts() public {
        address nobody = handler.who(handler.OPERATORS());
        bytes4 selector =
            bytes4(keccak256("isAttested(address,(uint8,uint8,uint8,uint16,uint32,uint32,bool,bytes32,uint16))"));
        vm.mockCallRevert(address(registry), abi.encodeWithSelector(selector, nobody), "");
        handler.ask(1);
        assertGt(handler.broken(9), 0);
    }

    function test_10_twoOperatorsOnOneInstance() public {
        uint256 before = handler.did(Ghost.Effect.InstanceTakenOver);
        while (handler.did(Ghost.Effect.InstanceTakenOver) == before) _step();
        assertEq(handler.broken(10), 0);
        _allLive(vm.getBlockTimestamp() + 1 hours);
        for (uint256 o; o < handler.OPERATORS(); ++o) {
            uint256 word = registry.operatorWord(handler.who(o));
            if (word & type(uint24).max != 0) _storeWord(o, word & ~(uint256(7) << 24) | (uint256(1) << 24));
        }
        // Unpaused, every provider open.
        uint256 c = uint256(vm.load(address(registry), bytes32(control)));
        vm.store(address(registry), bytes32(control), bytes32(c >> 129 << 129));
        handler.look();
        assertGt(handler.broken(10), 0);
    }
}
