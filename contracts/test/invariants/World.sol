// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {ProofOfCloudRegistry} from "../../src/ProofOfCloudRegistry.sol";
import {IProofOfCloudGovernance as IGov} from "../../src/interfaces/IProofOfCloudGovernance.sol";
import {IProofOfCloudRegistry as I} from "../../src/interfaces/IProofOfCloudRegistry.sol";
import {RegistryTest} from "../utils/RegistryTest.sol";

/// @notice A small world, so that everybody is in everybody's way: five operators on three platforms with four
/// instances, two providers, two policies, two guardians; relayers sign two of three, and one of them can freeze. On one
/// of the platforms a crowd of 64 more has taken all places, as long as they last.
/// @dev Expiries may lie three days ahead, longer than the timelock's delay of one, so that something is still unexpired
/// when a pause ends.
abstract contract World is RegistryTest {
    uint256 public constant OPERATORS = 5;
    uint256 internal constant PLATFORMS = 3;
    uint256 internal constant INSTANCES = 4;
    /// @dev The platform that is crowded, and the crowd: as many as a platform has places for.
    uint256 internal constant CROWDED = 2;
    uint256 internal constant CROWD = 64;
    /// @notice The crowd comes first and fills eight slots, so all operators' lanes lie in this one.
    uint32 public constant SLOT = 9;
    uint256 internal constant SET_SIZE = 3;
    uint256 internal constant QUORUM = 2;
    uint32 internal constant LONG_TTL = 3 days;
    uint16 internal constant OTHER_PROVIDER = 8;
    bytes32 internal constant OTHER_POLICY = keccak256("other policy");
    uint256 internal constant HOME = 31_337;
    uint256 internal constant ELSEWHERE = 1;

    /// @dev Equal to the registry in all but its address.
    ProofOfCloudRegistry internal twin;
    address internal stranger = makeAddr("stranger");
    /// @notice Did the last call of the registry revert? Then its logs never were.
    bool public reverted;

    constructor() {
        vm.warp(START);
        I.Config memory config = _config();
        config.relayers = _members(1);
        config.threshold = uint8(QUORUM);
        config.freezeThreshold = 1;
        config.policies = new bytes32[](2);
        (config.policies[0], config.policies[1]) = (POLICY, OTHER_POLICY);
        config.providers = new uint16[](2);
        (config.providers[0], config.providers[1]) = (PROVIDER, OTHER_PROVIDER);
        config.maxTtl = LONG_TTL;
        config.delay = 1 days;
        config.relayerSetDelay = 1 days;
        registry = _deploy(config);
        governance = IGov(address(registry));
        twin = _deploy(config);
    }

    function theRegistry() external view returns (ProofOfCloudRegistry) {
        return registry;
    }

    function who(uint256 i) public pure returns (address) {
        return address(uint160(0x4000 + i));
    }

    function _inCrowd(uint256 i) internal pure returns (address) {
        return address(uint160(0x8000 + i));
    }

    function _isInCrowd(address operator_) internal pure returns (bool) {
        return uint160(operator_) >= 0x8000;
    }

    function _platformId(uint256 i) internal pure returns (bytes32) {
        return keccak256(abi.encode("platform", i));
    }

    function _send(address from, bytes memory data) internal returns (bool ok, bytes memory answer) {
        vm.prank(from);
        (ok, answer) = address(registry).call(data);
        reverted = !ok;
    }

    /// @dev The keys of the crew that makes up a relayer set.
    function _crewKey(uint256 crew, uint256 i) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode("relayer", crew, i)));
    }

    function _members(uint256 crew) internal pure returns (address[] memory list) {
        list = new address[](SET_SIZE);
        for (uint256 i; i < SET_SIZE; ++i) {
            list[i] = vm.addr(_crewKey(crew, i));
        }
    }

    function _signAs(uint256 crew, bytes32 digest, uint256 mask) internal pure returns (bytes memory signatures) {
        for (uint256 i; i < SET_SIZE; ++i) {
            if ((mask >> i) & 1 == 0) continue;
            (bytes32 r, bytes32 vs) = vm.signCompact(_crewKey(crew, i), digest);
            signatures = abi.encodePacked(signatures, r, vs);
        }
    }

    function _now() internal view returns (uint256) {
        return vm.getBlockTimestamp();
    }

    /// @dev The fuzzer's numbers are mostly small or mostly the same; a handler cuts its choices out of this.
    function _random(uint256 seed) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed)));
    }
}
