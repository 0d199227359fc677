// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {ProofOfCloudRegistry} from "../src/ProofOfCloudRegistry.sol";
import {RegistryExtension} from "../src/RegistryExtension.sol";
import {IProofOfCloudGovernance as IGov} from "../src/interfaces/IProofOfCloudGovernance.sol";
import {IProofOfCloudRegistry as I} from "../src/interfaces/IProofOfCloudRegistry.sol";
import {OrderLib} from "../src/libraries/OrderLib.sol";
import {ReportLib} from "../src/libraries/ReportLib.sol";
import {HeadVectors} from "./utils/HeadVectors.sol";
import {RegistryTest} from "./utils/RegistryTest.sol";

/// @notice The sections of the vector file that Solidity makes: what is signed, what is hashed into a batch, and the
/// head. To write them anew after a deliberate change:
/// `CHASSIS_WRITE_VECTORS=true bin/forge test --force --match-contract EncodingTest`. Without `--force`, forge may not
/// know the order in which structs declare their fields, and would write them in any.
contract EncodingTest is RegistryTest, HeadVectors {
    address private constant REGISTRY = 0xC0FFEe0000000000000000000000000000000001;
    address private constant OPERATOR = 0x00000000000000000000000000000000DeaDBeef;
    string private constant DOMAIN =
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";
    string private constant ENTRY =
        "PlatformEntry(bytes32 platformId,uint16 provider,uint8 custody,uint40 custodyExpiry,uint32 statusNonce)";
    string private constant GRANT =
        "Grant(address operator,bytes32 platformId,bytes32 instanceId,bytes32 workloadId,uint8 binding,uint8 custody,uint8 tcb,uint8 teeClass,uint8 flags,uint40 evidenceTime,uint32 ttl,uint40 expiry,bytes32 digest,uint32 statusNonce)";
    string private constant REPORT =
        "Report(uint32 relayerSetId,bytes32 policyDigest,uint40 issuedAt,uint40 deadline,PlatformEntry[] platforms,Grant[] grants,bytes renewals,bytes32[] digests,bytes32 archive)";
    string private constant RESULT =
        "AttestationResult(address operator,bytes32 platformId,bytes32 instanceId,bytes32 workloadId,bytes32 measurementsHash,bytes32 sessionKeyHash,bytes32 evidenceDigest,bytes32 checksRoot,bytes32 policyDigest,bytes32 endorsementsDigest,uint40 asOf,uint40 evidenceTime,uint40 expiry,uint16 provider,uint8 teeClass,uint8 binding,uint8 custody,uint8 tcb,uint8 flags)";
    string private constant ENROLMENT = "Enrolment(bytes32 evidenceDigest)";
    string private constant FREEZE =
        "Freeze(uint32 relayerSetId,uint8 action,bytes32 subject,uint32 statusNonce,uint16 reason,bytes32 evidenceHash,uint40 deadline)";
    string private constant REVOKE =
        "Revoke(uint32 relayerSetId,uint8 kind,bytes32 subject,uint32 statusNonce,uint16 reason,bytes32 evidenceHash,uint40 deadline)";

    function setUp() public override {
        vm.warp(START);
        vm.chainId(31_337);
        // The domain holds the registry's own address, so the vectors need it at a fixed one.
        registry = _deploy(REGISTRY);
    }

    function _deploy(address place) private returns (ProofOfCloudRegistry) {
        bytes memory arguments = abi.encode(_config(), new RegistryExtension());
        deployCodeTo("ProofOfCloudRegistry.sol:ProofOfCloudRegistry", arguments, place);
        return ProofOfCloudRegistry(place);
    }

    /// @dev One test, because all sections lie in one file and tests run side by side.
    function test_vectors() public {
        _domain();
        _types();
        _reportMessage();
        _resultMessage();
        _enrolmentMessage();
        _freezeMessage();
        _revokeMessage();
        _renewals();
        _batch();
        _heads();
    }

    // ---------------------------------------------------------------------------------------------- EIP-712

    function _domain() private {
        bytes32 separator = keccak256(
            abi.encode(
                keccak256(bytes(DOMAIN)), keccak256("ProofOfCloudRegistry"), keccak256("1"), block.chainid, REGISTRY
            )
        );
        assertEq(registry.domainSeparator(), separator);
        _putStruct(
            "domain",
            "input",
            // Not EIP712Domain, or forge would put the fields in any order.
            "Domain(string name,string version,uint256 chainId,address verifyingContract)",
            abi.encode(Domain("ProofOfCloudRegistry", "1", block.chainid, REGISTRY))
        );
        _put("domain.output", "separator", separator);
        _putObject("domain", "output");
        _section("domain");
    }

    function _types() private {
        _type("EIP712Domain", DOMAIN, keccak256(bytes(DOMAIN)));
        _type("AttestationResult", RESULT, ReportLib.ATTESTATION_RESULT_TYPEHASH);
        _type("Enrolment", ENROLMENT, ReportLib.ENROLMENT_TYPEHASH);
        _type("Freeze", FREEZE, OrderLib.FREEZE_TYPEHASH);
        _type("Grant", GRANT, ReportLib.GRANT_TYPEHASH);
        _type("PlatformEntry", ENTRY, ReportLib.PLATFORM_ENTRY_TYPEHASH);
        _type("Report", _reportType(), ReportLib.REPORT_TYPEHASH);
        _type("Revoke", REVOKE, OrderLib.REVOKE_TYPEHASH);
        _putObject("types", "input");
        _putObject("types", "output");
        _section("types");
    }

    function _type(string memory name, string memory encoded, bytes32 typeHash) private {
        assertEq(typeHash, keccak256(bytes(encoded)), name);
        _put("types.input", name, encoded);
        _put("types.output", name, typeHash);
    }

    function _reportMessage() private {
        I.Report memory report = _example();
        bytes32 digest = registry.hashReport(report);
        bytes32 structHash = vm.eip712HashStruct(_reportType(), abi.encode(report));
        assertEq(digest, _typed(structHash));
        (bytes32 r, bytes32 vs) = vm.signCompact(_key(0), digest);
        _put("report.input", "privateKey", bytes32(_key(0)));
        _put("report.output", "signer", vm.addr(_key(0)));
        _put("report.output", "signature", abi.encodePacked(r, vs));
        _message("report", _reportType(), abi.encode(report), structHash);
    }

    function _resultMessage() private {
        I.AttestationResult memory result = _result();
        _struct("attestationResult", RESULT, abi.encode(result), ReportLib.hash(result));
        _putObject("attestationResult", "output");
        _section("attestationResult");
    }

    function _enrolmentMessage() private {
        I.Enrolment memory enrolment = I.Enrolment(_id("evidence"));
        bytes32 structHash = ReportLib.hash(enrolment);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(0xA11CE, _typed(structHash));
        _put("enrolment.input", "privateKey", bytes32(uint256(0xA11CE)));
        _put("enrolment.output", "signer", vm.addr(0xA11CE));
        _put("enrolment.output", "signature", abi.encodePacked(r, s, v));
        _message("enrolment", ENROLMENT, abi.encode(enrolment), structHash);
    }

    function _freezeMessage() private {
        // Action 4: relayer 2 of set 1.
        I.Freeze memory freeze = I.Freeze(1, 4, bytes32(uint256(1) << 8 | 2), 0, 17, _id("why"), START + 600);
        _message("freeze", FREEZE, abi.encode(freeze), OrderLib.hash(freeze));
    }

    function _revokeMessage() private {
        I.Revoke memory revoke = I.Revoke(1, 0, _subject(OPERATOR), 4, 17, _id("why"), START + 600);
        _message("revoke", REVOKE, abi.encode(revoke), OrderLib.hash(revoke));
    }

    /// @dev What is signed.
    function _message(string memory name, string memory types, bytes memory encoded, bytes32 structHash) private {
        _struct(name, types, encoded, structHash);
        _put(string.concat(name, ".output"), "digest", _typed(structHash));
        _putObject(name, "output");
        _section(name);
    }

    /// @dev `structHash` is the contracts'; forge makes its own from the type string.
    function _struct(string memory name, string memory types, bytes memory encoded, bytes32 structHash) private {
        assertEq(structHash, vm.eip712HashStruct(types, encoded), name);
        _putStruct(string.concat(name, ".input"), "message", types, encoded);
        _putObject(name, "input");
        _put(string.concat(name, ".output"), "abi", encoded);
        _put(string.concat(name, ".output"), "structHash", structHash);
    }

    // ---------------------------------------------------------------------------------------------- batches

    /// @dev The two renewals of the example report.
    function _renewals() private {
        I.Report memory report = _example();
        uint256[] memory words = new uint256[](2);
        Renewal[] memory lanes = new Renewal[](2);
        lanes[0] = Renewal(9, START + 1 hours, 5, report.digests[0]);
        lanes[1] = Renewal(72, START, 63, report.digests[1]);
        for (uint256 i; i < lanes.length; ++i) {
            words[i] = lanes[i].expiry / 64 << 6 | lanes[i].generation;
        }
        _putStruct(
            "renewals",
            "input",
            "Renewals(Renewal[] lanes)Renewal(uint32 lane,uint40 expiry,uint8 generation,bytes32 digest)",
            abi.encode(Renewals(lanes))
        );
        _put("renewals.output", "laneWords", words);
        _put("renewals.output", "renewals", report.renewals);
        _put("renewals.output", "digests", report.digests);
        _putObject("renewals", "output");
        _section("renewals");
    }

    /// @dev Three digests, so that one node is odd. The root is the registry's, of a batch with three grants.
    function _batch() private {
        I.Report memory report = _report();
        _addPlatform(report, _platformEntry(PLATFORM));
        bytes32[] memory digests = new bytes32[](3);
        bytes32[] memory leaves = new bytes32[](3);
        for (uint256 i; i < digests.length; ++i) {
            digests[i] = _id(string.concat("digest ", vm.toString(i)));
            leaves[i] = keccak256(abi.encode(keccak256(abi.encode(i, digests[i]))));
            _addGrant(report, _grant(address(uint160(OPERATOR) + uint160(i))));
            report.grants[i].digest = digests[i];
        }
        _post(report);
        _put("batch.input", "digests", digests);
        _putObject("batch", "input");
        _put("batch.output", "leaves", leaves);
        _put("batch.output", "root", registry.batchRoot(0));
        _putObject("batch", "output");
        _section("batch");
    }

    // ---------------------------------------------------------------------------------------------- head

    /// @dev A registry of its own, because its constructor moves the head first.
    function _heads() private {
        vm.recordLogs();
        registry = _deploy(address(uint160(REGISTRY) + 1));
        _register(OPERATOR);
        vm.warp(START + 64);
        _post(_renewal(OPERATOR, registry.attestationOf(OPERATOR).expiry + 64));
        bytes32[] memory roots = new bytes32[](2);
        (roots[0], roots[1]) = (registry.batchRoot(0), registry.batchRoot(1));

        vm.startPrank(guardian);
        registry.freezeOperator(OPERATOR, 17, _id("why"));
        registry.freezeProvider(7, 18, _id("why too"));
        IGov(address(registry)).retirePolicy(POLICY, 19, _id("why not"));
        vm.stopPrank();
        _compareHeads(vm.getRecordedLogs(), roots, registry.head());
    }

    // ---------------------------------------------------------------------------------------------- examples

    struct Domain {
        string name;
        string version;
        uint256 chainId;
        address verifyingContract;
    }

    struct Renewal {
        uint32 lane;
        uint40 expiry;
        uint8 generation;
        bytes32 digest;
    }

    struct Renewals {
        Renewal[] lanes;
    }

    function _typed(bytes32 structHash) private view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", registry.domainSeparator(), structHash));
    }

    function _reportType() private pure returns (string memory) {
        return string.concat(REPORT, GRANT, ENTRY);
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
            operator: OPERATOR,
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
            operator: OPERATOR,
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
