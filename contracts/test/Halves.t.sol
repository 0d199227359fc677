// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudGovernance as IGov} from "../src/interfaces/IProofOfCloudGovernance.sol";
import {RegistryTest} from "./utils/RegistryTest.sol";

/// @notice The registry hands calls it does not know to its extension: who called stays who called, answers and refusals
/// come back as they are, and what neither half knows is refused. `bin/artifacts` compares the halves' selectors.
contract HalvesTest is RegistryTest {
    function test_refusesWhatNeitherHalfKnows() public {
        bytes[4] memory calls = [bytes(""), hex"00", hex"deadbeef", abi.encodeWithSignature("upgradeTo(address)", this)];
        for (uint256 i; i < calls.length; ++i) {
            (bool ok, bytes memory answer) = address(registry).call(calls[i]);
            assertFalse(ok);
            assertEq(answer.length, 0);
        }
    }

    function test_takesNoEther() public {
        vm.deal(address(this), 1 ether);
        bytes[3] memory calls =
            [bytes(""), abi.encodeWithSignature("isAttested(address)", operator), abi.encodeCall(IGov.governor, ())];
        for (uint256 i; i < calls.length; ++i) {
            (bool ok,) = address(registry).call{value: 1}(calls[i]);
            assertFalse(ok);
            (ok,) = registry.EXTENSION().call{value: 1}(calls[i]);
            assertFalse(ok);
        }
        assertEq(address(registry).balance, 0);
    }

    function test_passesCallersAnswersAndRefusalsThrough() public {
        assertEq(governance.governor(), governor);
        bytes memory data = abi.encodeCall(IGov.registerPolicy, (keccak256("new policy")));
        vm.expectRevert(abi.encodeWithSelector(IGov.NotGovernor.selector, address(this)));
        governance.submit(data);
        vm.prank(governor);
        governance.submit(data);
        assertEq(governance.executableAt(data), START + 3 days);
        // In the registry's state, not in the extension's.
        assertEq(IGov(registry.EXTENSION()).executableAt(data), 0);
        assertEq(IGov(registry.EXTENSION()).governor(), address(0));
    }
}
