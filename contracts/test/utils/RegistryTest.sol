// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {ProofOfCloudRegistry} from "../../src/ProofOfCloudRegistry.sol";
import {RegistryExtension} from "../../src/RegistryExtension.sol";
import {IProofOfCloudGovernance as IGov} from "../../src/interfaces/IProofOfCloudGovernance.sol";
import {IProofOfCloudRegistry as I} from "../../src/interfaces/IProofOfCloudRegistry.sol";
import {Heads} from "./Heads.sol";
import {Test} from "forge-std/Test.sol";

/// @notice A registry with five relayers, three of which sign, two guardians, one provider and one policy; and the tools to make,
/// sign and post reports.
abstract contract RegistryTest is Test {
    uint256 internal constant RELAYERS = 5;
    uint256 internal constant THRESHOLD = 3;
    uint32 internal constant MASK = 0x7; // relayers 0, 1, 2
    uint40 internal constant START = 1_800_000_000;
    uint32 internal constant TTL = 24 hours;
    bytes32 internal constant POLICY = keccak256("policy");
    bytes32 internal constant PLATFORM = keccak256("platform");
    bytes32 internal constant INSTANCE = keccak256("instance");
    bytes32 internal constant WORKLOAD = keccak256("workload");
    uint16 internal constant PROVIDER = 7;

    ProofOfCloudRegistry internal registry;
    /// @dev The registry, too: its second half.
    IGov internal governance;
    address internal governor = makeAddr("governor");
    uint256 private _passengers;
    address internal operator = makeAddr("operator");
    address internal guardian = makeAddr("guardian");
    address internal otherGuardian = makeAddr("other guardian");

    function setUp() public virtual {
        vm.warp(START);
        registry = _deploy(_config());
        governance = IGov(address(registry));
    }

    function _deploy(I.Config memory config) internal returns (ProofOfCloudRegistry) {
        return new ProofOfCloudRegistry(config, new RegistryExtension());
    }

    function _config() internal view returns (I.Config memory config) {
        config.relayers = new address[](RELAYERS);
        for (uint256 i; i < RELAYERS; ++i) {
            config.relayers[i] = vm.addr(_key(i));
        }
        config.threshold = uint8(THRESHOLD);
        config.freezeThreshold = 2;
        config.guardians = new address[](2);
        config.guardians[0] = guardian;
        config.guardians[1] = otherGuardian;
        config.policies = new bytes32[](1);
        config.policies[0] = POLICY;
        config.governor = governor;
        config.providers = new uint16[](1);
        config.providers[0] = PROVIDER;
        config.maxTtl = TTL;
        config.delay = 3 days;
        config.relayerSetDelay = 7 days;
    }

    function _key(uint256 i) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode("relayer", i)));
    }

    // ---------------------------------------------------------------------------------------------- reports

    function _report() internal view returns (I.Report memory report) {
        report.relayerSetId = 1;
        report.policyDigest = POLICY;
        report.issuedAt = uint40(block.timestamp);
        report.deadline = uint40(block.timestamp) + 1 hours;
        report.archive = keccak256("archive");
    }

    function _platformEntry(bytes32 id) internal view returns (I.PlatformEntry memory) {
        return I.PlatformEntry(id, PROVIDER, 2, uint40(block.timestamp) + 7 days, registry.platform(id).statusNonce);
    }

    function _grant(address who) internal view returns (I.Grant memory g) {
        g.operator = who;
        g.platformId = PLATFORM;
        g.instanceId = _instance(who);
        g.workloadId = WORKLOAD;
        g.binding = 2;
        g.custody = 2;
        g.tcb = 1;
        g.teeClass = 1;
        g.flags = 1;
        g.evidenceTime = uint40(block.timestamp) - 15 minutes;
        g.ttl = TTL;
        g.expiry = _floor(g.evidenceTime + TTL);
        g.digest = keccak256(abi.encode("digest", who, block.timestamp));
        g.statusNonce = registry.attestationOf(who).statusNonce;
    }

    function _instance(address who) internal pure returns (bytes32) {
        return keccak256(abi.encode(INSTANCE, who));
    }

    function _addPlatform(I.Report memory report, I.PlatformEntry memory entry) internal pure {
        I.PlatformEntry[] memory old = report.platforms;
        report.platforms = new I.PlatformEntry[](old.length + 1);
        for (uint256 i; i < old.length; ++i) {
            report.platforms[i] = old[i];
        }
        report.platforms[old.length] = entry;
    }

    function _addGrant(I.Report memory report, I.Grant memory grant) internal pure {
        I.Grant[] memory old = report.grants;
        report.grants = new I.Grant[](old.length + 1);
        for (uint256 i; i < old.length; ++i) {
            report.grants[i] = old[i];
        }
        report.grants[old.length] = grant;
    }

    /// @dev Adds a group for `slot` with the given words, and a digest for each that is not zero.
    function _addGroup(I.Report memory report, uint32 slot, uint256 words) internal pure {
        report.renewals = abi.encodePacked(report.renewals, slot, words);
        for (uint256 i; i < 8; ++i) {
            if ((words >> (224 - 32 * i)) & type(uint32).max != 0) {
                _addDigest(report, keccak256(abi.encode("renewal", slot, i, words)));
            }
        }
    }

    function _addDigest(I.Report memory report, bytes32 digest) internal pure {
        bytes32[] memory old = report.digests;
        report.digests = new bytes32[](old.length + 1);
        for (uint256 i; i < old.length; ++i) {
            report.digests[i] = old[i];
        }
        report.digests[old.length] = digest;
    }

    /// @dev A report that renews one operator to `expiry`, with the generation its lane has now.
    function _renewal(address who, uint40 expiry) internal view returns (I.Report memory report) {
        report = _report();
        I.Attestation memory a = registry.attestationOf(who);
        _addGroup(report, a.lane >> 3, _word(a.lane, expiry, a.generation));
    }

    function _word(uint256 lane, uint256 expiry, uint256 generation) internal pure returns (uint256) {
        return ((expiry / 64 << 6) | generation) << (224 - 32 * (lane % 8));
    }

    /// @dev What `BatchPosted` says of a report that set 1 issued and relayers 0, 1, 2 signed.
    function _origin(uint40 issuedAt) internal pure returns (uint256) {
        return (1 << 72) | (uint256(issuedAt) << 32) | MASK;
    }

    /// @dev What the head becomes by a step from where it is now.
    function _nextHead(uint8 kind, bytes32 payload) internal view returns (bytes32) {
        return Heads.next(registry.head(), kind, payload);
    }

    function _floor(uint256 time) internal pure returns (uint40) {
        return uint40(time / 64 * 64);
    }

    // ---------------------------------------------------------------------------------------------- signing

    function _sign(bytes32 digest, uint32 mask) internal pure returns (bytes memory signatures) {
        for (uint256 i; i < 32; ++i) {
            if ((mask >> i) & 1 == 0) continue;
            (bytes32 r, bytes32 vs) = vm.signCompact(_key(i), digest);
            signatures = abi.encodePacked(signatures, r, vs);
        }
    }

    function _signed(I.Report memory report) internal view returns (bytes memory) {
        return _sign(registry.hashReport(report), MASK);
    }

    function _post(I.Report memory report) internal {
        registry.post(report, MASK, _signed(report));
    }

    // ---------------------------------------------------------------------------------------------- shortcuts

    /// @dev Registers the platform and grants the operator, in one report.
    function _register(address who) internal {
        I.Report memory report = _report();
        if (registry.platform(PLATFORM).index == 0) _addPlatform(report, _platformEntry(PLATFORM));
        _addGrant(report, _grant(who));
        _post(report);
    }

    function _default() internal pure returns (I.Requirement memory requirement) {
        requirement.minBinding = 2;
        requirement.minCustody = 1;
        requirement.maxTcb = 1;
    }

    function _subject(address who) internal pure returns (bytes32) {
        return bytes32(uint256(uint160(who)));
    }

    /// @dev Posts a report together with a new platform: a report in which nothing applies reverts, and its logs with
    /// it, so a skip shows only beside something that does apply.
    function _postWithPassenger(I.Report memory report) internal {
        bytes32 id = keccak256(abi.encode("passenger", _passengers++));
        _addPlatform(report, I.PlatformEntry(id, PROVIDER, 2, report.issuedAt + 7 days, 0));
        _post(report);
    }

    /// @dev Submits a call of a timelocked function, waits as long as it must, and makes it, as anyone can.
    function _raise(bytes memory data) internal {
        vm.prank(governor);
        governance.submit(data);
        vm.warp(governance.executableAt(data));
        _call(data);
    }

    /// @dev Calls the registry and passes a revert on.
    function _call(bytes memory data) internal {
        (bool ok, bytes memory answer) = address(registry).call(data);
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(answer, 32), mload(answer))
            }
        }
    }

    function _expectSkip(I.Item kind, bytes32 subject, I.SkipReason reason) internal {
        vm.expectEmit(true, true, true, true, address(registry));
        emit I.ItemSkipped(kind, subject, reason);
    }
}
