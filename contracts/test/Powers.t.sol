// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {Deploy} from "../script/Deploy.s.sol";
import {IProofOfCloudGovernance as IGov} from "../src/interfaces/IProofOfCloudGovernance.sol";
import {IProofOfCloudRegistry as I} from "../src/interfaces/IProofOfCloudRegistry.sol";
import {RegistryTest} from "./utils/RegistryTest.sol";

/// @notice The powers table of `contracts/README.md`: every function that is not a read, called by everybody there is on
/// a registry fresh from the deploy script. Who may not, cannot; and nobody, alone and at once, turns any answer to yes.
contract PowersTest is RegistryTest {
    enum Who {
        Deployer,
        Stranger,
        Operator,
        Relayer,
        Guardian,
        Governor
    }

    struct Power {
        bytes data;
        /// Bit w: `Who(w)` may. No bit: nobody, without signatures or a submission that has ripened.
        uint256 who;
    }

    bytes32 private constant OTHER_POLICY = keccak256("other policy");
    uint256 private constant OPERATOR = 1 << uint256(Who.Operator);
    uint256 private constant GUARDIAN = 1 << uint256(Who.Guardian);
    uint256 private constant GOVERNOR = 1 << uint256(Who.Governor);
    address[6] private _actors;
    Power[] private _powers;

    function setUp() public override {
        vm.warp(START);
        Deploy deploy = new Deploy();
        registry = deploy.deploy(_config());
        governance = IGov(address(registry));
        address deployer = address(deploy);
        _actors = [deployer, makeAddr("stranger"), operator, vm.addr(_key(0)), guardian, governor];

        _register(operator);
        _register(makeAddr("frozen"));
        _register(makeAddr("revoked"));
        vm.prank(otherGuardian);
        registry.freezeOperator(makeAddr("frozen"), 1, 0);
        vm.startPrank(governor);
        governance.revokeOperator(makeAddr("revoked"), 1, 0);
        governance.submit(_pending());
        vm.stopPrank();
        _listPowers();
    }

    function _pending() private pure returns (bytes memory) {
        return abi.encodeCall(IGov.registerPolicy, (keccak256("pending")));
    }

    function _add(bytes memory data, uint256 who) private {
        _powers.push(Power(data, who));
    }

    function _listPowers() private {
        bytes32 frozen = _subject(makeAddr("frozen"));
        bytes32 revoked = _subject(makeAddr("revoked"));
        I.Freeze memory freeze_;
        I.Revoke memory revoke;
        IGov.Posting memory posting;
        freeze_.relayerSetId = revoke.relayerSetId = 1;
        freeze_.deadline = revoke.deadline = START;
        _add(abi.encodeCall(I.post, (_report(), MASK, new bytes(192))), 0);
        _add(abi.encodeCall(I.deregister, ()), OPERATOR);
        _add(abi.encodeCall(I.freezeOperator, (operator, 1, 0)), GUARDIAN);
        _add(abi.encodeCall(I.freezePlatform, (PLATFORM, 1, 0)), GUARDIAN);
        _add(abi.encodeCall(I.freezeProvider, (PROVIDER, 1, 0)), GUARDIAN);
        _add(abi.encodeCall(I.pause, (1, 0)), GUARDIAN);
        _add(abi.encodeCall(IGov.disableRelayer, (1, 0, 1, 0)), GUARDIAN);
        _add(abi.encodeCall(IGov.endGrace, (1, 1, 0)), 0); // there is none to end; see Governance.t.sol
        _add(abi.encodeCall(IGov.retirePolicy, (POLICY, 1, 0)), GUARDIAN);
        _add(abi.encodeCall(IGov.revokeOperator, (operator, 1, 0)), GOVERNOR);
        _add(abi.encodeCall(IGov.revokePlatform, (PLATFORM, 1, 0)), GOVERNOR);
        _add(abi.encodeCall(IGov.freezeBySignatures, (freeze_, 3, new bytes(128))), 0);
        _add(abi.encodeCall(IGov.revokeBySignatures, (revoke, MASK, new bytes(192))), 0);
        _add(abi.encodeCall(IGov.proveEquivocation, (1, 0, posting, posting)), 0);
        _add(abi.encodeCall(IGov.submit, (abi.encodeCall(IGov.setGovernor, (operator)))), GOVERNOR);
        _add(abi.encodeCall(IGov.veto, (_pending())), GUARDIAN | GOVERNOR);
        _add(abi.encodeCall(IGov.liftFreeze, (I.Subject.Operator, frozen, 1)), 0);
        _add(abi.encodeCall(IGov.reinstate, (I.Subject.Operator, revoked, 1)), 0);
        _add(abi.encodeCall(IGov.unpause, ()), 0);
        _add(abi.encodeCall(IGov.admitProvider, (9)), 0);
        _add(abi.encodeCall(IGov.registerPolicy, (OTHER_POLICY)), 0);
        _add(abi.encodeCall(IGov.rotateRelayers, (_actorsList(), 1, 1, 0)), 0);
        _add(abi.encodeCall(IGov.addGuardian, (makeAddr("stranger"))), 0);
        _add(abi.encodeCall(IGov.removeGuardian, (guardian)), 0);
        _add(abi.encodeCall(IGov.setGovernor, (makeAddr("stranger"))), 0);
        _add(abi.encodeCall(IGov.lengthenDelay, (IGov.unpause.selector, 30 days)), 0);
    }

    function _actorsList() private view returns (address[] memory list) {
        list = new address[](1);
        list[0] = _actors[1];
    }

    /// @dev What is stored and raises trust, in one word each: answers, policies, set, guardians, governor, delays.
    function _trust() private view returns (bytes32) {
        return keccak256(
            abi.encode(
                registry.policyInForce(OTHER_POLICY),
                registry.control().relayerSetId,
                registry.isGuardian(_actors[1]),
                governance.governor(),
                governance.delayOf(IGov.unpause.selector),
                governance.delayOf(IGov.rotateRelayers.selector)
            )
        );
    }

    function test_everybodyCanDoWhatTheTableSaysAndNothingElse() public {
        bytes32 trust = _trust();
        for (uint256 w; w < _actors.length; ++w) {
            for (uint256 i; i < _powers.length; ++i) {
                uint256 snapshot = vm.snapshotState();
                vm.prank(_actors[w]);
                (bool ok,) = address(registry).call(_powers[i].data);
                assertEq(ok, (_powers[i].who >> w) & 1 == 1, vm.toString(bytes4(_powers[i].data)));
                assertEq(_trust(), trust);
                I.Requirement memory anything;
                assertFalse(registry.isAttested(makeAddr("frozen"), anything));
                assertFalse(registry.isAttested(makeAddr("revoked"), anything));
                vm.revertToState(snapshot);
            }
        }
    }

    /// @notice The extension has the code, but no state of its own: called by itself it obeys nobody.
    function test_theExtensionByItselfObeysNobody() public {
        address extension = registry.EXTENSION();
        vm.record();
        for (uint256 w; w < _actors.length; ++w) {
            for (uint256 i; i < _powers.length; ++i) {
                vm.prank(_actors[w]);
                (bool ok,) = extension.call(_powers[i].data);
                assertFalse(ok, vm.toString(bytes4(_powers[i].data)));
            }
        }
        (, bytes32[] memory writes) = vm.accesses(extension);
        assertEq(writes.length, 0);
    }

    /// @notice The table is of all functions: whoever adds one must say who may call it.
    function test_theTableIsComplete() public view {
        uint256 writes = _countWrites("out/IProofOfCloudRegistry.sol/IProofOfCloudRegistry.json")
            + _countWrites("out/IProofOfCloudGovernance.sol/IProofOfCloudGovernance.json");
        assertEq(_powers.length, writes);
        for (uint256 i; i < _powers.length; ++i) {
            for (uint256 j; j < i; ++j) {
                assertTrue(bytes4(_powers[i].data) != bytes4(_powers[j].data));
            }
        }
    }

    /// @notice Nothing that is timelocked is without its delay, and nothing else has one.
    function test_whatRaisesTrustWaits() public view {
        for (uint256 i; i < _powers.length; ++i) {
            bytes4 selector = bytes4(_powers[i].data);
            bool raises = i >= 16; // from liftFreeze on
            bool slow = selector == IGov.rotateRelayers.selector || selector == IGov.removeGuardian.selector;
            uint256 delay = slow ? 7 days : raises ? 3 days : 0;
            if (selector == IGov.liftFreeze.selector) delay = 1 days; // a freeze itself lasts three
            assertEq(governance.delayOf(selector), delay, vm.toString(selector));
        }
    }

    /// @dev Functions in an artifact's ABI that are neither `view` nor `pure`.
    function _countWrites(string memory artifact) private view returns (uint256 count) {
        string memory json = vm.readFile(artifact);
        for (uint256 i;; ++i) {
            string memory entry = string.concat(".abi[", vm.toString(i), "]");
            if (!vm.keyExistsJson(json, entry)) break;
            string memory kind = vm.parseJsonString(json, string.concat(entry, ".type"));
            if (keccak256(bytes(kind)) != keccak256("function")) continue;
            string memory mutability = vm.parseJsonString(json, string.concat(entry, ".stateMutability"));
            if (keccak256(bytes(mutability)) == keccak256("nonpayable")) ++count;
        }
    }
}
