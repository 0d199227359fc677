// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {ProofOfCloudRegistry} from "../src/ProofOfCloudRegistry.sol";
import {IProofOfCloudRegistry as I} from "../src/interfaces/IProofOfCloudRegistry.sol";
import {ReportLib} from "../src/libraries/ReportLib.sol";
import {RegistryTest} from "./utils/RegistryTest.sol";

/// @notice Every byte that Rust and Solidity must agree on, in one file which both compare. To write it anew after a
/// deliberate change: `CHASSIS_WRITE_VECTORS=true forge test --match-contract EncodingTest`.
contract EncodingTest is RegistryTest {
    address private constant REGISTRY = 0xC0FFEe0000000000000000000000000000000001;
    string private constant PATH = "test/vectors/encoding.json";

    function setUp() public override {
        vm.warp(START);
        vm.chainId(31_337);
        // The domain holds the registry's own address, so the vectors need it at a fixed one.
        deployCodeTo("ProofOfCloudRegistry.sol:ProofOfCloudRegistry", abi.encode(_config()), REGISTRY);
        registry = ProofOfCloudRegistry(REGISTRY);
    }

    function test_vectors() public {
        string memory made = _vectors();
        if (vm.envOr("CHASSIS_WRITE_VECTORS", false)) vm.writeJson(made, PATH);
        string memory kept = vm.readFile(PATH);
        string[] memory keys = vm.parseJsonKeys(made, "$");
        assertEq(keys.length, vm.parseJsonKeys(kept, "$").length);
        for (uint256 i; i < keys.length; ++i) {
            string memory key = string.concat(".", keys[i]);
            assertEq(vm.parseJson(kept, key), vm.parseJson(made, key), keys[i]);
        }
    }

    /// @notice The report's hash as the registry computes it, against forge's own reading of the type string.
    function test_reportHashIsEip712s() public view {
        I.Report memory report = _example();
        string memory types = string.concat(
            "Report(uint32 relayerSetId,bytes32 policyDigest,uint40 issuedAt,uint40 deadline,PlatformEntry[] platforms,",
            "Grant[] grants,bytes renewals,bytes32[] digests,bytes32 archive)Grant(address operator,bytes32 platformId,",
            "bytes32 instanceId,bytes32 workloadId,uint8 binding,uint8 custody,uint8 tcb,uint8 teeClass,uint8 flags,",
            "uint40 evidenceTime,uint32 ttl,uint40 expiry,bytes32 digest,uint32 statusNonce)PlatformEntry(bytes32 ",
            "platformId,uint16 provider,uint8 custody,uint40 custodyExpiry,uint32 statusNonce)"
        );
        bytes32 structHash = vm.eip712HashStruct(types, abi.encode(report));
        bytes32 separator = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("ProofOfCloudRegistry"),
                keccak256("1"),
                uint256(31_337),
                REGISTRY
            )
        );
        assertEq(registry.domainSeparator(), separator);
        assertEq(registry.hashReport(report), keccak256(abi.encodePacked(hex"1901", separator, structHash)));
    }

    function _vectors() private returns (string memory) {
        string memory key = "vectors";
        I.Report memory report = _example();
        I.AttestationResult memory result = _result();
        I.Enrolment memory enrolment = I.Enrolment(_id("evidence"));
        bytes memory ppid = hex"000102030405060708090a0b0c0d0e0f";

        vm.serializeUint(key, "chainId", 31_337);
        vm.serializeAddress(key, "registry", REGISTRY);
        vm.serializeBytes32(key, "domainSeparator", registry.domainSeparator());
        vm.serializeBytes32(key, "typeHashReport", ReportLib.REPORT_TYPEHASH);
        vm.serializeBytes32(key, "typeHashPlatformEntry", ReportLib.PLATFORM_ENTRY_TYPEHASH);
        vm.serializeBytes32(key, "typeHashGrant", ReportLib.GRANT_TYPEHASH);
        vm.serializeBytes32(key, "typeHashAttestationResult", ReportLib.ATTESTATION_RESULT_TYPEHASH);
        vm.serializeBytes32(key, "typeHashEnrolment", ReportLib.ENROLMENT_TYPEHASH);

        vm.serializeBytes(key, "reportAbi", abi.encode(report));
        vm.serializeBytes32(key, "reportDigest", registry.hashReport(report));
        vm.serializeBytes(key, "attestationResultAbi", abi.encode(result));
        vm.serializeBytes32(key, "attestationResultHash", ReportLib.hash(result));
        vm.serializeBytes32(key, "enrolmentEvidenceDigest", enrolment.evidenceDigest);
        vm.serializeBytes32(key, "enrolmentDigest", _typed(ReportLib.hash(enrolment)));
        vm.serializeUint(key, "enrolmentKey", 0xA11CE);
        vm.serializeAddress(key, "enrolmentSigner", vm.addr(0xA11CE));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(0xA11CE, _typed(ReportLib.hash(enrolment)));
        vm.serializeBytes(key, "enrolmentSignature", abi.encodePacked(r, s, v));

        vm.serializeString(key, "platformScheme", "intel:ppid");
        vm.serializeBytes(key, "platformRawId", ppid);
        vm.serializeBytes32(
            key, "platformId", keccak256(abi.encode(keccak256("chassis/v1/platform"), "intel:ppid", ppid))
        );
        bytes32 leaf = keccak256(abi.encode(keccak256(abi.encode(uint256(0), report.grants[0].digest))));
        vm.serializeBytes32(key, "batchLeaf0", leaf);
        uint256 lane = (uint256(START + 1 hours) / 64 << 6) | 5;
        return vm.serializeUint(key, "laneWord_1800003600_generation5", lane);
    }

    function _typed(bytes32 structHash) private view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", registry.domainSeparator(), structHash));
    }

    function _id(string memory name) private pure returns (bytes32) {
        return keccak256(bytes(name));
    }

    /// @dev No two fields are equal, so that no two can be swapped unseen.
    function _example() private pure returns (I.Report memory report) {
        report.relayerSetId = 1;
        report.policyDigest = POLICY;
        report.issuedAt = START;
        report.deadline = START + 1800;
        report.platforms = new I.PlatformEntry[](2);
        report.platforms[0] = I.PlatformEntry(_id("platform 0"), 7, 2, START + 7 days, 3);
        report.platforms[1] = I.PlatformEntry(_id("platform 1"), 127, 1, START + 1 days, 0);
        report.grants = new I.Grant[](1);
        report.grants[0] = I.Grant({
            operator: address(0x00000000000000000000000000000000DeaDBeef),
            platformId: _id("platform 0"),
            instanceId: _id("instance"),
            workloadId: _id("workload"),
            binding: 3,
            custody: 2,
            tcb: 5,
            teeClass: 1,
            flags: 255,
            evidenceTime: START - 900,
            ttl: 86_400,
            expiry: START + 85_500,
            digest: _id("digest 0"),
            statusNonce: 4
        });
        report.renewals = abi.encodePacked(uint32(1), _word(9, START + 1 hours, 5), uint32(9), _word(72, START, 63));
        report.digests = new bytes32[](2);
        report.digests[0] = _id("digest 1");
        report.digests[1] = _id("digest 2");
        report.archive = _id("archive");
    }

    function _result() private pure returns (I.AttestationResult memory) {
        return I.AttestationResult({
            operator: address(0x00000000000000000000000000000000DeaDBeef),
            platformId: _id("platform 0"),
            instanceId: _id("instance"),
            workloadId: _id("workload"),
            measurementsHash: _id("measurements"),
            sessionKeyHash: _id("session key"),
            evidenceDigest: _id("evidence"),
            checksRoot: _id("checks"),
            policyDigest: POLICY,
            endorsementsDigest: _id("endorsements"),
            asOf: START - 60,
            evidenceTime: START - 900,
            expiry: START + 85_500,
            provider: 7,
            teeClass: 1,
            binding: 3,
            custody: 2,
            tcb: 5,
            flags: 255
        });
    }
}
