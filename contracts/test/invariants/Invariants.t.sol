// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {RegistryTest} from "../utils/RegistryTest.sol";
import {Ghost} from "./Ghost.sol";
import {Handler} from "./Handler.sol";

/// @notice What must hold whatever anybody does. The handler checks every step, because most of the invariants speak of
/// steps; here stands which of them was broken. One campaign asserts all of them: each call is worth as much to all.
/// Invariant 5 has its own test in `Partition.t.sol`, 6 in `Replay.t.sol`; 8 and 9 have further ones in
/// `Signatures.t.sol` and `Views.t.sol`.
contract InvariantsTest is RegistryTest {
    Handler private handler;

    function setUp() public override {
        handler = new Handler();
        registry = handler.theRegistry();
        bytes4[] memory selectors = new bytes4[](18);
        selectors[0] = handler.attest.selector;
        selectors[1] = handler.renew.selector;
        selectors[2] = handler.launch.selector;
        selectors[3] = handler.deliver.selector;
        selectors[4] = handler.forge.selector;
        selectors[5] = handler.stop.selector;
        selectors[6] = handler.revoke.selector;
        selectors[7] = handler.deregister.selector;
        selectors[8] = handler.signOrder.selector;
        selectors[9] = handler.sendOrder.selector;
        selectors[10] = handler.submit.selector;
        selectors[11] = handler.execute.selector;
        selectors[12] = handler.veto.selector;
        selectors[13] = handler.intrude.selector;
        selectors[14] = handler.wait.selector;
        selectors[15] = handler.ask.selector;
        selectors[16] = handler.prove.selector;
        selectors[17] = handler.crowd.selector;
        targetContract(address(handler));
        targetSelector(FuzzSelector({addr: address(handler), selectors: selectors}));
    }

    function invariant_all() public view {
        _assertNoneBroken();
    }

    /// @notice One long walk, the same every time, in which everything the handler can do comes to pass: so the campaign
    /// does not hold its invariants for want of anything happening.
    function test_everythingComesToPass() public {
        vm.pauseGasMetering(); // more than forge gives a test
        for (uint256 i; i < STEPS; ++i) {
            handler.step(uint256(keccak256(abi.encode("walk", i))));
        }
        _assertNoneBroken();
        for (uint256 i; i < uint256(Ghost.Effect.Count); ++i) {
            assertGe(handler.did(Ghost.Effect(i)), 2, string.concat("effect ", vm.toString(i)));
        }
    }

    function _assertNoneBroken() private view {
        string memory what = handler.firstBroken();
        assertEq(handler.broken(1), 0, string.concat("1, attested means live, Active, on live ground: ", what));
        assertEq(handler.broken(2), 0, string.concat("2, nothing rises without a quorum: ", what));
        assertEq(handler.broken(3), 0, string.concat("3, revoked stays revoked: ", what));
        assertEq(handler.broken(4), 0, string.concat("4, renewals only move live lanes forward: ", what));
        assertEq(handler.broken(7), 0, string.concat("7, both forms of the question agree: ", what));
        assertEq(handler.broken(8), 0, string.concat("8, dead signatures stay dead: ", what));
        assertEq(handler.broken(9), 0, string.concat("9, boolean views do not revert: ", what));
        assertEq(handler.broken(10), 0, string.concat("10, one attested operator per instance: ", what));
        assertEq(handler.broken(0), 0, string.concat("the registry does what the model says: ", what));
    }

    uint256 private constant STEPS = 4000;
}
