// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudGovernance as IGov} from "../src/interfaces/IProofOfCloudGovernance.sol";
import {IProofOfCloudRegistry as I} from "../src/interfaces/IProofOfCloudRegistry.sol";
import {ReportLib} from "../src/libraries/ReportLib.sol";
import {RegistryTest} from "./utils/RegistryTest.sol";

/// @notice Two results of one appraisal convict the relayer that signed both, and nothing less does.
contract EquivocationsTest is RegistryTest {
    uint8 private constant LIAR = 1;

    function _result(uint8 binding) private view returns (I.AttestationResult memory result) {
        result.operator = operator;
        result.platformId = PLATFORM;
        result.evidenceDigest = keccak256("evidence");
        result.policyDigest = POLICY;
        result.endorsementsDigest = keccak256("endorsements");
        result.asOf = START;
        result.binding = binding;
    }

    function _posting(I.AttestationResult memory result, uint256 relayer) private view returns (IGov.Posting memory p) {
        p.result = result;
        p.report = _report();
        _addGrant(p.report, _grant(address(1)));
        _addGrant(p.report, _grant(operator));
        p.report.grants[1].digest = ReportLib.hash(result);
        p.signature = _signature(p.report, relayer);
    }

    function _signature(I.Report memory report, uint256 relayer) private view returns (bytes memory) {
        (bytes32 r, bytes32 vs) = vm.signCompact(_key(relayer), registry.hashReport(report));
        return abi.encodePacked(r, vs);
    }

    function _expectAcquittal(IGov.Posting memory a, IGov.Posting memory b) private {
        vm.expectRevert(IGov.NoEquivocation.selector);
        governance.proveEquivocation(1, LIAR, a, b);
    }

    /// @dev The reason says that it was proven, the evidence which appraisal.
    function _headAfterConviction(I.RelayerSet memory set, bytes32 evidenceDigest) private view returns (bytes32) {
        bytes32 members = keccak256(abi.encodePacked(set.members));
        (uint32 disabled, uint16 reason) = (uint32(1) << LIAR, type(uint16).max);
        return _nextHead(4, keccak256(abi.encode(1, members, 3, 2, disabled, 0, reason, evidenceDigest, address(this))));
    }

    function test_twoResultsOfOneAppraisalDisableTheRelayer() public {
        IGov.Posting memory a = _posting(_result(2), LIAR);
        IGov.Posting memory b = _posting(_result(3), LIAR);
        // The other one was renewed, not granted.
        b.report.grants = new I.Grant[](0);
        _addDigest(b.report, keccak256("another digest"));
        _addDigest(b.report, ReportLib.hash(b.result));
        b.signature = _signature(b.report, LIAR);

        I.RelayerSet memory set = registry.relayerSet(1);
        bytes32 head = _headAfterConviction(set, a.result.evidenceDigest);
        vm.expectEmit(address(registry));
        emit I.RelayerSetChanged(
            1, set.members, 3, 2, uint32(1) << LIAR, 0, type(uint16).max, a.result.evidenceDigest, address(this), head
        );
        vm.expectEmit(address(registry));
        emit IGov.Equivocation(
            set.members[LIAR], a.result.evidenceDigest, ReportLib.hash(a.result), ReportLib.hash(b.result)
        );
        governance.proveEquivocation(1, LIAR, a, b);
        assertEq(registry.relayerSet(1).disabled, 1 << LIAR);
        vm.expectRevert(I.AlreadyDown.selector);
        governance.proveEquivocation(1, LIAR, a, b);
    }

    function test_anotherAppraisalIsNoEquivocation() public {
        IGov.Posting memory a = _posting(_result(2), LIAR);
        _expectAcquittal(a, a);
        I.AttestationResult[] memory others = new I.AttestationResult[](4);
        for (uint256 i; i < 4; ++i) {
            others[i] = _result(3);
        }
        others[0].evidenceDigest = keccak256("other evidence");
        others[1].policyDigest = keccak256("other policy");
        others[2].endorsementsDigest = keccak256("other endorsements");
        others[3].asOf = START + 1;
        for (uint256 i; i < 4; ++i) {
            _expectAcquittal(a, _posting(others[i], LIAR));
        }
    }

    function test_somebodyElsesSignatureConvictsNobody() public {
        IGov.Posting memory a = _posting(_result(2), LIAR);
        IGov.Posting memory b = _posting(_result(3), 2);
        _expectAcquittal(a, b);
        _expectAcquittal(b, a);
        b = _posting(_result(3), LIAR);
        b.signature = bytes.concat(b.signature, hex"00");
        _expectAcquittal(a, b);
        b.signature = new bytes(64);
        _expectAcquittal(a, b);
        vm.expectRevert(abi.encodeWithSelector(IGov.UnknownRelayer.selector, 1, 5));
        governance.proveEquivocation(1, 5, a, b);
        vm.expectRevert(abi.encodeWithSelector(IGov.UnknownRelayer.selector, 2, 0));
        governance.proveEquivocation(2, 0, a, b);
    }

    function test_aResultThatNoReportCarriesConvictsNobody() public {
        IGov.Posting memory a = _posting(_result(2), LIAR);
        IGov.Posting memory b = _posting(_result(3), LIAR);
        b.result.tcb = 4; // what was signed is not this
        _expectAcquittal(a, b);
    }

    /// @notice What a relayer signed for another registry, or another chain, does not count here.
    function test_anotherRegistrysReportConvictsNobody() public {
        IGov.Posting memory a = _posting(_result(2), LIAR);
        uint256 home = block.chainid;
        vm.chainId(home + 1);
        IGov.Posting memory b = _posting(_result(3), LIAR);
        vm.chainId(home);
        _expectAcquittal(a, b);
    }
}
