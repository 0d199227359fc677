// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry as I} from "../../src/interfaces/IProofOfCloudRegistry.sol";
import {Test} from "forge-std/Test.sol";

/// @dev The part of Halmos's own cheat codes that is used here.
interface Svm {
    function enableSymbolicStorage(address account) external;
}

/// @notice The registry as it ships, in a state about which nothing is known: any control word, any operators, lanes,
/// platforms and instances, at any time. What was laid down at birth, one relayer, one guardian, one policy and the
/// delays, is as it was. A `check_` function that passes holds for every such state, also for those that no history
/// leads to, but for what it assumes.
abstract contract SymbolicTest is Test {
    Svm private constant SVM = Svm(address(uint160(uint256(keccak256("svm cheat code")))));
    /// @dev Where `_control`, `_platforms` and `_platformIds` lie: see `snapshots/StorageLayout.txt`.
    bytes32 private constant CONTROL = bytes32(uint256(2));
    uint256 private constant PLATFORMS = 7;
    uint256 private constant PLATFORM_IDS = 9;

    uint32 internal constant MAX_TTL = 1 days;
    address internal constant RELAYER = address(0x1001);
    address internal constant GUARDIAN = address(0x2001);
    address internal constant GOVERNOR = address(0x3001);
    bytes32 internal constant POLICY = keccak256("policy");

    I internal registry;

    function setUp() public virtual {
        I.Config memory config;
        config.relayers = new address[](1);
        config.relayers[0] = RELAYER;
        config.threshold = 1;
        config.freezeThreshold = 1;
        config.guardians = new address[](1);
        config.guardians[0] = GUARDIAN;
        config.policies = new bytes32[](1);
        config.policies[0] = POLICY;
        config.governor = GOVERNOR;
        config.maxTtl = MAX_TTL;
        config.delay = 3 days;
        config.relayerSetDelay = 7 days;
        address extension = _create("out/analysis/RegistryExtension.sol/RegistryExtension.json", "");
        bytes memory arguments = abi.encode(config, extension);
        registry = I(_create("out/analysis/ProofOfCloudRegistry.sol/ProofOfCloudRegistry.json", arguments));
        SVM.enableSymbolicStorage(address(registry));
    }

    /// @dev `new` would compile the registry again into each test.
    function _create(string memory artifact, bytes memory arguments) private returns (address created) {
        bytes memory code = abi.encodePacked(vm.getCode(artifact), arguments);
        assembly ("memory-safe") {
            created := create(0, add(code, 32), mload(code))
        }
        assert(created != address(0));
    }

    /// @dev Any control word, and any time until the year 6325.
    function _anyState(uint256 control, uint256 time) internal {
        vm.assume(time < 1 << 37);
        vm.warp(time);
        vm.store(address(registry), CONTROL, bytes32(control));
    }

    /// @dev An operator's status has three bits, its platform's four, and `Status` seven values: nothing stores an eighth.
    function _assumeStatus(address operator) internal view {
        uint256 word = registry.operatorWord(operator);
        vm.assume((word >> 24) & 7 <= uint256(type(I.Status).max));
        bytes32 id = _load((word >> 185) & type(uint24).max, PLATFORM_IDS);
        vm.assume((uint256(_load(uint256(id), PLATFORMS)) >> 24) & 15 <= uint256(type(I.Status).max));
    }

    function _load(uint256 key, uint256 mappingSlot) private view returns (bytes32) {
        return vm.load(address(registry), keccak256(abi.encode(key, mappingSlot)));
    }

    /// @dev A platform's word as stored: `platform` would stumble over a status that is none.
    function _platformWord(bytes32 id) internal view returns (uint256) {
        return uint256(_load(uint256(id), PLATFORMS));
    }

    function _storePlatform(bytes32 id, uint256 word) internal {
        vm.store(address(registry), keccak256(abi.encode(id, PLATFORMS)), bytes32(word));
    }

    /// @dev What `isAttested(operator)` should answer, from the stored words alone: bit by bit as their layouts are drawn,
    /// and without a branch, so that comparing two states costs Halmos no paths. `Reads.t.sol` shows that it does.
    function _attested(address operator) internal view returns (bool answer) {
        uint256 control = uint256(vm.load(address(registry), CONTROL));
        uint256 word = registry.operatorWord(operator);
        uint256 expiry = _laneWord(word & type(uint24).max) / 64 * 64;
        uint256 maxTtl = MAX_TTL;
        assembly ("memory-safe") {
            answer := iszero(and(control, 1))
            answer := and(answer, eq(and(shr(24, word), 7), 1)) // Active
            answer := and(answer, iszero(and(shr(add(1, and(shr(46, word), 127)), control), 1))) // provider
            answer := and(answer, gt(expiry, timestamp()))
            answer := and(answer, iszero(gt(expiry, add(timestamp(), maxTtl))))
            answer := and(answer, gt(and(shr(27, word), 3), 1)) // binding
            answer := and(answer, gt(and(shr(29, word), 3), 0)) // custody
            answer := and(answer, lt(and(shr(31, word), 7), 2)) // tcb
        }
    }

    /// @dev A lane's word, read with other means than the registry's.
    function _laneWord(uint256 lane) internal view returns (uint256) {
        return uint32(registry.laneSlot(uint32(lane / 8)) >> (32 * (7 - lane % 8)));
    }

    /// @dev Calls the registry as `sender`; false if it refuses.
    function _try(address sender, bytes memory data) internal returns (bool ok) {
        vm.prank(sender);
        (ok,) = address(registry).call(data);
    }
}
