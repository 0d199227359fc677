// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {ProofOfCloudRegistry} from "../src/ProofOfCloudRegistry.sol";
import {IProofOfCloudRegistry as I} from "../src/interfaces/IProofOfCloudRegistry.sol";
import {RegistryTest} from "./utils/RegistryTest.sol";

/// @notice Moves a registry about: relayers post, guardians freeze, operators leave, time passes. Six operators share
/// three platforms and three instances, so that they get in each other's way.
contract Handler is RegistryTest {
    uint256 public constant OPERATORS = 6;
    uint256 private constant SHARED = 3;

    /// @notice How often a call that is not a quorum's turned an answer from false to true. Must stay zero.
    uint256 public raisedWithoutQuorum;
    /// @notice How often a renewal took an expiry back or revived a lapsed lane. Must stay zero.
    uint256 public badRenewals;
    /// @notice How often the quorum attested somebody: a run in which this stays zero would show nothing.
    uint256 public attested;

    /// @notice The instance of the last grant that applied.
    mapping(address operator => bytes32) public instanceOf;

    constructor() {
        setUp();
    }

    function theRegistry() external view returns (ProofOfCloudRegistry) {
        return registry;
    }

    function who(uint256 i) public pure returns (address) {
        return address(uint160(0x4000 + i % OPERATORS));
    }

    function _platform(uint256 i) private pure returns (bytes32) {
        return keccak256(abi.encode("platform", i % SHARED));
    }

    function _answers() private view returns (uint256 bits) {
        for (uint256 i; i < OPERATORS; ++i) {
            if (registry.isAttested(who(i))) bits |= 1 << i;
        }
    }

    modifier raisesNothing() {
        uint256 before = _answers();
        _;
        if (_answers() & ~before != 0) ++raisedWithoutQuorum;
    }

    function enter(uint256 platformSeed, uint256 custody, uint256 expirySeed) external {
        I.PlatformEntry memory entry = _platformEntry(_platform(platformSeed));
        entry.custody = uint8(custody % 3);
        entry.custodyExpiry = uint40(vm.getBlockTimestamp() + expirySeed % 3 days);
        I.Report memory report = _report();
        _addPlatform(report, entry);
        _postWithPassenger(report);
    }

    function grant(uint256 operatorSeed, uint256 platformSeed, uint256 instanceSeed, uint256 expirySeed) external {
        I.Grant memory g = _grant(who(operatorSeed));
        g.platformId = _platform(platformSeed);
        g.instanceId = instanceSeed % 4 == 0 ? bytes32(0) : keccak256(abi.encode("instance", instanceSeed % SHARED));
        g.custody = uint8(1 + expirySeed % 2);
        g.expiry = uint40(vm.getBlockTimestamp() + expirySeed % 24 hours);
        g.evidenceTime = uint40(vm.getBlockTimestamp());
        I.Report memory report = _report();
        if (registry.platform(g.platformId).index == 0) _addPlatform(report, _platformEntry(g.platformId));
        _addGrant(report, g);
        uint256 generation = registry.attestationOf(g.operator).generation;
        _postWithPassenger(report);
        if (registry.isAttested(g.operator)) ++attested;
        if (registry.attestationOf(g.operator).generation != generation) instanceOf[g.operator] = g.instanceId;
    }

    function renew(uint256 operatorSeed, uint256 ahead, uint256 generationSeed) external raisesNothing {
        address operator_ = who(operatorSeed);
        I.Attestation memory before = registry.attestationOf(operator_);
        uint256 expiry = vm.getBlockTimestamp() + ahead % 25 hours;
        uint256 generation = generationSeed % 8 == 0 ? generationSeed % 64 : before.generation;
        I.Report memory report = _report();
        _addGroup(report, before.lane >> 3, _word(before.lane, expiry, generation));
        _postWithPassenger(report);
        I.Attestation memory now_ = registry.attestationOf(operator_);
        if (now_.expiry < before.expiry) ++badRenewals;
        if (now_.expiry != before.expiry && before.expiry <= vm.getBlockTimestamp()) ++badRenewals;
    }

    function freezeOperator(uint256 operatorSeed, bool other) external raisesNothing {
        address by = other ? otherGuardian : guardian;
        if (registry.freezeAllowedAt(by, I.Subject.Operator, _subject(who(operatorSeed))) > vm.getBlockTimestamp()) {
            return;
        }
        vm.prank(by);
        registry.freezeOperator(who(operatorSeed), 1, 0);
    }

    function freezePlatform(uint256 platformSeed, bool other) external raisesNothing {
        address by = other ? otherGuardian : guardian;
        if (registry.freezeAllowedAt(by, I.Subject.Platform, _platform(platformSeed)) > vm.getBlockTimestamp()) return;
        vm.prank(by);
        registry.freezePlatform(_platform(platformSeed), 1, 0);
    }

    function deregister(uint256 operatorSeed) external raisesNothing {
        vm.prank(who(operatorSeed));
        try registry.deregister() {} catch {}
    }

    /// @dev A grant with one signature too few must change nothing.
    function forge(uint256 operatorSeed, uint256 platformSeed) external raisesNothing {
        I.Grant memory g = _grant(who(operatorSeed));
        g.platformId = _platform(platformSeed);
        I.Report memory report = _report();
        _addGrant(report, g);
        bytes32 head = registry.head();
        bytes32 digest = registry.hashReport(report);
        bytes memory signatures = abi.encodePacked(_sign(digest, 3), _sign(keccak256("other"), 4));
        try registry.post(report, MASK, signatures) {
            ++raisedWithoutQuorum;
        } catch {
            assertEq(registry.head(), head);
        }
    }

    function wait(uint256 time) external raisesNothing {
        vm.warp(vm.getBlockTimestamp() + 1 + (time % 4 == 0 ? time % 80 hours : time % 2 hours));
    }
}

/// @notice What must hold whatever anybody does.
contract InvariantsTest is RegistryTest {
    Handler private handler;

    function setUp() public override {
        handler = new Handler();
        registry = handler.theRegistry();
        bytes4[] memory selectors = new bytes4[](8);
        selectors[0] = Handler.enter.selector;
        selectors[1] = Handler.grant.selector;
        selectors[2] = Handler.renew.selector;
        selectors[3] = Handler.freezeOperator.selector;
        selectors[4] = Handler.freezePlatform.selector;
        selectors[5] = Handler.deregister.selector;
        selectors[6] = Handler.forge.selector;
        selectors[7] = Handler.wait.selector;
        targetContract(address(handler));
        targetSelector(FuzzSelector({addr: address(handler), selectors: selectors}));
    }

    /// @notice Attested: live within MAX_TTL, Active, on a platform that is Active, which lists its lane.
    function invariant_attestedMeansLiveOnAnActivePlatform() public view {
        for (uint256 i; i < handler.OPERATORS(); ++i) {
            address operator_ = handler.who(i);
            I.Requirement memory anything;
            if (!registry.isAttested(operator_, anything)) continue;
            I.Attestation memory a = registry.attestationOf(operator_);
            uint256 time = vm.getBlockTimestamp();
            assertTrue(time < a.expiry && a.expiry <= time + registry.MAX_TTL());
            assertEq(uint8(a.status), uint8(I.Status.Active));
            I.PlatformState memory p = registry.platform(a.platformId);
            assertEq(uint8(p.status), uint8(I.Status.Active));
            assertEq(p.provider, a.provider);
            assertGe(p.custody, a.custody);
            assertTrue(_contains(registry.platformLanes(a.platformId), a.lane));
        }
    }

    function invariant_oneAttestedOperatorPerInstance() public view {
        I.Requirement memory anything;
        for (uint256 i; i < handler.OPERATORS(); ++i) {
            bytes32 instanceId = handler.instanceOf(handler.who(i));
            if (instanceId == 0 || !registry.isAttested(handler.who(i), anything)) continue;
            assertEq(registry.instanceHolder(instanceId), handler.who(i));
        }
    }

    function invariant_onlyAQuorumRaises() public view {
        assertEq(handler.raisedWithoutQuorum(), 0);
    }

    function invariant_renewalsOnlyMoveLiveLanesForward() public view {
        assertEq(handler.badRenewals(), 0);
    }

    function invariant_bothFormsAgree() public view {
        for (uint256 i; i < handler.OPERATORS(); ++i) {
            bytes memory question = abi.encodeCall(I.requireAttested, (handler.who(i), _default()));
            (bool passed,) = address(registry).staticcall(question);
            assertEq(registry.isAttested(handler.who(i)), passed);
            assertEq(registry.isAttested(handler.who(i), _default()), passed);
        }
    }

    /// @notice The handler itself does attest: one fixed walk through it, so the invariants are not held vacuously.
    function test_theHandlerReachesAttestation() public {
        handler.enter(0, 2, 2 days);
        handler.wait(1);
        handler.grant(0, 0, 1, 10 hours + 1);
        assertEq(handler.attested(), 1);
        handler.renew(0, 20 hours, 1);
        assertGt(registry.attestationOf(handler.who(0)).expiry, vm.getBlockTimestamp() + 19 hours);
        handler.forge(0, 0);
        handler.freezePlatform(0, false);
        assertFalse(registry.isAttested(handler.who(0)));
    }

    function _contains(uint32[] memory lanes, uint32 lane) private pure returns (bool) {
        for (uint256 i; i < lanes.length; ++i) {
            if (lanes[i] == lane) return true;
        }
        return false;
    }
}
