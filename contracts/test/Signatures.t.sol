// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudGovernance as IGov} from "../src/interfaces/IProofOfCloudGovernance.sol";
import {IProofOfCloudRegistry as I} from "../src/interfaces/IProofOfCloudRegistry.sol";
import {RegistryTest} from "./utils/RegistryTest.sol";

/// @notice Invariant 8: everything a relayer signs, reports, freezes and revocations, is dead on another chain, at
/// another address, for another set, after its deadline, and the second time. Each test first shows it alive.
contract SignaturesTest is RegistryTest {
    uint32 private constant FREEZERS = 0x3;

    function setUp() public override {
        super.setUp();
        _register(operator);
        vm.warp(START + 1 hours);
    }

    // One message of each kind, addressed to a registry; the call's data and what was signed.

    function _postMessage(IGov to) private view returns (bytes memory) {
        I.Report memory report = _renewal(operator, START + 24 hours);
        bytes32 digest = I(address(to)).hashReport(report);
        return abi.encodeCall(I.post, (report, MASK, _sign(digest, MASK)));
    }

    function _freezeMessage(IGov to) private view returns (bytes memory) {
        I.Freeze memory order = I.Freeze(1, 0, _subject(operator), 0, 1, 0, uint40(vm.getBlockTimestamp()) + 1 hours);
        return abi.encodeCall(IGov.freezeBySignatures, (order, FREEZERS, _sign(to.hashFreeze(order), FREEZERS)));
    }

    function _revokeMessage(IGov to) private view returns (bytes memory) {
        I.Revoke memory order = I.Revoke(1, 0, _subject(operator), 0, 1, 0, uint40(vm.getBlockTimestamp()) + 1 hours);
        return abi.encodeCall(IGov.revokeBySignatures, (order, MASK, _sign(to.hashRevoke(order), MASK)));
    }

    function _message(uint256 kind, IGov to) private view returns (bytes memory) {
        if (kind == 0) return _postMessage(to);
        return kind == 1 ? _freezeMessage(to) : _revokeMessage(to);
    }

    function _refused(bytes memory data, bytes memory why) private {
        bytes32 head = registry.head();
        (bool ok, bytes memory answer) = address(registry).call(data);
        assertFalse(ok, "a dead signature was taken");
        assertEq(answer, why);
        assertEq(registry.head(), head);
    }

    /// @dev Applies the message, and forgets that it did.
    function _alive(bytes memory data) private {
        uint256 snapshot = vm.snapshotState();
        _call(data);
        vm.revertToState(snapshot);
    }

    function test_deadOnAnotherChain() public {
        bytes memory refusal = abi.encodeWithSelector(I.InvalidSignature.selector, 0);
        for (uint256 kind; kind < 3; ++kind) {
            bytes memory data = _message(kind, governance);
            _alive(data);
            vm.chainId(1);
            _refused(data, refusal);
            bytes memory foreign = _message(kind, governance);
            _alive(foreign); // there, it would do
            vm.chainId(31_337);
            _refused(foreign, refusal);
        }
    }

    function test_deadAtAnotherAddress() public {
        IGov other = IGov(address(_deploy(_config())));
        for (uint256 kind; kind < 3; ++kind) {
            _alive(_message(kind, governance));
            _refused(_message(kind, other), abi.encodeWithSelector(I.InvalidSignature.selector, 0));
        }
    }

    /// @notice The same members sit in both sets; the signature is still the one set's.
    function test_deadForAnotherSet() public {
        _raise(abi.encodeCall(IGov.rotateRelayers, (_config().relayers, uint8(THRESHOLD), 2, 1 hours)));
        uint40 time = uint40(vm.getBlockTimestamp());
        bytes memory refusal = abi.encodeWithSelector(I.InvalidSignature.selector, 0);

        I.Report memory report = _report();
        _addGrant(report, _grant(operator));
        _addPlatform(report, _platformEntry(PLATFORM));
        bytes memory signatures = _signed(report);
        _alive(abi.encodeCall(I.post, (report, MASK, signatures))); // in the grace
        report.relayerSetId = 2;
        _refused(abi.encodeCall(I.post, (report, MASK, signatures)), refusal);

        I.Freeze memory freeze = I.Freeze(1, 0, _subject(operator), 0, 1, 0, time + 1 hours);
        signatures = _sign(governance.hashFreeze(freeze), FREEZERS);
        _alive(abi.encodeCall(IGov.freezeBySignatures, (freeze, FREEZERS, signatures)));
        freeze.relayerSetId = 2;
        _refused(abi.encodeCall(IGov.freezeBySignatures, (freeze, FREEZERS, signatures)), refusal);

        I.Revoke memory revoke = I.Revoke(1, 0, _subject(operator), 0, 1, 0, time + 1 hours);
        signatures = _sign(governance.hashRevoke(revoke), MASK);
        _alive(abi.encodeCall(IGov.revokeBySignatures, (revoke, MASK, signatures)));
        revoke.relayerSetId = 2;
        _refused(abi.encodeCall(IGov.revokeBySignatures, (revoke, MASK, signatures)), refusal);

        // And with the old set, once its grace is over.
        revoke.relayerSetId = 1;
        vm.warp(time + 1 hours);
        _refused(
            abi.encodeCall(IGov.revokeBySignatures, (revoke, MASK, signatures)),
            abi.encodeWithSelector(I.RelayerSetNotInForce.selector, 1)
        );
    }

    function test_deadAfterTheDeadline() public {
        uint40 time = uint40(vm.getBlockTimestamp());
        for (uint256 kind; kind < 3; ++kind) {
            vm.warp(time);
            bytes memory data = _message(kind, governance);
            vm.warp(time + 1 hours);
            _alive(data);
            vm.warp(time + 1 hours + 1);
            _refused(
                data,
                kind == 0
                    ? abi.encodeWithSelector(I.OutsideWindow.selector, time, time + 1 hours)
                    : abi.encodeWithSelector(IGov.OutsideDeadline.selector, time + 1 hours)
            );
        }
    }

    /// @notice An order is refused as spent, before anybody asks whether there is something left for it to do.
    function test_deadTheSecondTime() public {
        bytes memory report = _message(0, governance);
        _call(report);
        _refused(report, abi.encodeWithSelector(I.NothingApplied.selector));

        bytes memory freeze = _message(1, governance);
        I.Freeze memory order = I.Freeze(1, 0, _subject(operator), 0, 1, 0, uint40(vm.getBlockTimestamp()) + 1 hours);
        _call(freeze);
        _refused(freeze, abi.encodeWithSelector(IGov.Spent.selector, governance.hashFreeze(order)));

        I.Revoke memory revocation =
            I.Revoke(1, 0, _subject(operator), 1, 1, 0, uint40(vm.getBlockTimestamp()) + 1 hours);
        bytes32 digest = governance.hashRevoke(revocation);
        bytes memory revoke = abi.encodeCall(IGov.revokeBySignatures, (revocation, MASK, _sign(digest, MASK)));
        _call(revoke);
        _refused(revoke, abi.encodeWithSelector(IGov.Spent.selector, digest));
    }

    /// @notice A report some of whose items were skipped may be sent again for their sake. What was applied is not
    /// applied again.
    function test_anItemAppliesOnce() public {
        address late = makeAddr("late");
        vm.prank(guardian);
        registry.freezeOperator(late, 1, 0);
        vm.warp(START + 1 hours + 72 hours - 10);
        I.Report memory report = _report();
        _addPlatform(report, _platformEntry(PLATFORM));
        _addGrant(report, _grant(operator));
        _addGrant(report, _grant(late));
        bytes memory data = abi.encodeCall(I.post, (report, MASK, _signed(report)));
        _call(data);
        uint256 word = registry.operatorWord(operator);
        uint256 generation = registry.attestationOf(operator).generation;
        assertFalse(registry.isAttested(late));
        vm.warp(START + 1 hours + 72 hours);
        _call(data);
        assertTrue(registry.isAttested(late));
        assertEq(registry.operatorWord(operator), word);
        assertEq(registry.attestationOf(operator).generation, generation);
    }
}
