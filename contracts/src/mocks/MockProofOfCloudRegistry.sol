// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry as I} from "../interfaces/IProofOfCloudRegistry.sol";

/// @title MockProofOfCloudRegistry
/// @notice For integrators' tests: answers every question as the registry does, over state that anyone may set. A
/// differential fuzz test walks both through the same history and compares every answer, but `verifyDigest`'s: the mock
/// takes roots of batches that were never posted, and never forgets one, as the registry does 1,024 batches later.
/// @dev It has the questions, and none of the registry's other functions. Hand it to a consumer as
/// `IProofOfCloudRegistry(address(mock))`.
/// @dev Warning: never deploy this where its answers matter. Anyone attests anybody.
contract MockProofOfCloudRegistry {
    /// @notice The greatest number of seconds an expiry may lie ahead.
    uint32 public constant MAX_TTL = 24 hours;

    bool private _paused;
    uint32 private _nextLane = 8;
    mapping(uint256 provider => bool) private _frozenProviders;
    mapping(bytes32 platformId => I.Status) private _platforms;
    /// @dev All that ever were on it, so that a freeze finds them.
    mapping(bytes32 platformId => address[]) private _operatorsOn;
    /// @dev As `attestationOf` shows them, except that `status` is the stored one: it knows neither time nor pause.
    mapping(address operator => I.Attestation) private _attestations;
    mapping(uint64 batch => bytes32) private _roots;

    /// @notice No quorum could grant this: a field lies outside its range, or the expiry is too far ahead.
    error NotGrantable();

    // ------------------------------------------------------------------------------------------------- the test's levers

    /// @notice What the default requirement asks for, for an hour from now. Change what your test is about, then `attest`.
    function sample(bytes32 platformId, bytes32 workloadId) public view returns (I.Attestation memory a) {
        a.binding = 2;
        a.custody = 1;
        a.tcb = 1;
        a.teeClass = 1;
        a.flags = 1;
        a.provider = 1;
        a.ttl = 1 hours;
        a.evidenceTime = uint40(block.timestamp);
        a.expiry = uint40(block.timestamp) + 1 hours;
        a.platformId = platformId;
        a.workloadId = workloadId;
    }

    /// @notice Attests an operator as `sample` says.
    function attest(address operator, bytes32 platformId, bytes32 workloadId) external {
        attest(operator, sample(platformId, workloadId));
    }

    /// @notice Attests an operator, as a grant of the quorum would. Status, nonce, `attestedSince`, lane and generation
    /// are the registry's own business, and ignored. The expiry is floored to 64 seconds, as the registry stores it.
    function attest(address operator, I.Attestation memory a) public {
        if (!_grantable(operator, a)) revert NotGrantable();
        I.Attestation storage old = _attestations[operator];
        if (old.lane == 0 || old.platformId != a.platformId) _operatorsOn[a.platformId].push(operator);
        a.status = I.Status.Active;
        a.statusNonce = old.statusNonce;
        bool goesOn = old.expiry > block.timestamp && _isNoMore(a, old);
        a.attestedSince = goesOn ? old.attestedSince : uint40(block.timestamp);
        a.expiry = _floor(a.expiry);
        a.lane = old.lane == 0 ? _nextLane++ : old.lane;
        a.generation = (old.generation + 1) % 64;
        _attestations[operator] = a;
        _platforms[a.platformId] = I.Status.Active;
    }

    /// @notice Moves the expiry of a live attestation forward, as a renewal would.
    function renew(address operator, uint40 expiry) external {
        I.Attestation storage a = _attestations[operator];
        expiry = _floor(expiry);
        if (a.expiry <= block.timestamp || expiry <= a.expiry || expiry > block.timestamp + MAX_TTL) {
            revert NotGrantable();
        }
        a.expiry = expiry;
    }

    /// @notice Ends a live attestation now, as time would.
    function expire(address operator) external {
        I.Attestation storage a = _attestations[operator];
        if (a.expiry > block.timestamp) a.expiry = _floor(uint40(block.timestamp));
    }

    /// @notice Freezes an operator, known or not.
    function freezeOperator(address operator) external {
        _takeDown(operator, I.Status.Frozen);
    }

    /// @notice Revokes an operator, known or not. The next `attest` ends that, where the registry would first want it
    /// reinstated.
    function revokeOperator(address operator) external {
        _takeDown(operator, I.Status.Revoked);
        _attestations[operator].evidenceTime = uint40(block.timestamp);
    }

    /// @notice Takes an operator out, as its own call would.
    function deregister(address operator) external {
        if (_attestations[operator].status != I.Status.Active) revert I.NotActive(operator);
        _takeDown(operator, I.Status.Deregistered);
        _attestations[operator].evidenceTime = uint40(block.timestamp);
    }

    /// @notice Freezes a platform, known or not, and with it all operators on it. The next `attest` on it ends that.
    function freezePlatform(bytes32 platformId) external {
        _takePlatformDown(platformId, I.Status.Frozen);
    }

    /// @notice Revokes a platform, known or not, and with it all operators on it. The next `attest` on it ends that.
    function revokePlatform(bytes32 platformId) external {
        _takePlatformDown(platformId, I.Status.Revoked);
    }

    /// @notice Takes a platform in again. Its operators stay out until they are attested again.
    function reinstatePlatform(bytes32 platformId) external {
        _platforms[platformId] = I.Status.Active;
    }

    /// @notice Freezes a provider, or lifts that. What is unexpired counts again.
    function setProviderFrozen(uint16 provider, bool frozen) external {
        _frozenProviders[provider] = frozen;
    }

    /// @notice Pauses everything, or ends that. What is unexpired counts again.
    function setPaused(bool paused) external {
        _paused = paused;
    }

    /// @notice Says which digests a batch had; see `verifyDigest`.
    function setBatchRoot(uint64 batch, bytes32 root) external {
        _roots[batch] = root;
    }

    // ------------------------------------------------------------------------------------------------- questions

    /// @notice See `IProofOfCloudRegistry`, as for all that follow.
    function isAttested(address operator) public view returns (bool) {
        I.Requirement memory r;
        r.minBinding = 2;
        r.minCustody = 1;
        r.maxTcb = 1;
        return _denial(operator, r) == I.Denial.None;
    }

    function isAttested(address operator, I.Requirement calldata requirement) external view returns (bool) {
        return _denial(operator, requirement) == I.Denial.None;
    }

    function requireAttested(address operator, I.Requirement calldata requirement) external view {
        I.Denial denial = _denial(operator, requirement);
        if (denial != I.Denial.None) revert I.NotAttested(operator, denial);
    }

    function attestationOf(address operator) external view returns (I.Attestation memory a) {
        a = _attestations[operator];
        if (a.status != I.Status.Active) a.attestedSince = 0;
        a.status = statusOf(operator);
    }

    function statusOf(address operator) public view returns (I.Status) {
        I.Denial denial = _live(operator);
        if (denial == I.Denial.None) return I.Status.Active;
        if (denial == I.Denial.Paused) return I.Status.Paused;
        if (denial == I.Denial.Unknown) return I.Status.Unknown;
        if (denial == I.Denial.Frozen || denial == I.Denial.ProviderFrozen) return I.Status.Frozen;
        if (denial == I.Denial.Revoked) return I.Status.Revoked;
        if (denial == I.Denial.Deregistered) return I.Status.Deregistered;
        return I.Status.Expired;
    }

    function platformOf(address operator) external view returns (bytes32) {
        return _live(operator) == I.Denial.None ? _attestations[operator].platformId : bytes32(0);
    }

    function distinctPlatforms(address[] calldata operators) external view returns (uint256 count) {
        bytes32[] memory seen = new bytes32[](operators.length);
        for (uint256 i; i < operators.length; ++i) {
            if (!isAttested(operators[i])) continue;
            bytes32 id = _attestations[operators[i]].platformId;
            uint256 j;
            while (j < count && seen[j] != id) ++j;
            if (j == count) seen[count++] = id;
        }
    }

    function verifyDigest(uint64 batch, uint256 index, bytes32 digest, bytes32[] calldata proof)
        external
        view
        returns (bool)
    {
        bytes32 node = keccak256(abi.encode(keccak256(abi.encode(index, digest))));
        for (uint256 i; i < proof.length; ++i) {
            node = node < proof[i] ? keccak256(abi.encode(node, proof[i])) : keccak256(abi.encode(proof[i], node));
        }
        return _roots[batch] != 0 && node == _roots[batch];
    }

    function supportsInterface(bytes4 interfaceId) external pure returns (bool) {
        // The overloads have one name, so their selectors are taken from the ABI's own strings.
        bytes4 questions = bytes4(keccak256("isAttested(address)"))
            ^ bytes4(keccak256("isAttested(address,(uint8,uint8,uint8,uint16,uint32,uint32,bool,bytes32,uint16))"))
            ^ this.requireAttested.selector ^ this.attestationOf.selector ^ this.statusOf.selector
            ^ this.platformOf.selector ^ this.distinctPlatforms.selector ^ this.verifyDigest.selector;
        return interfaceId == questions || interfaceId == this.supportsInterface.selector;
    }

    // ------------------------------------------------------------------------------------------------- how it decides

    /// @dev The first reason why the operator does not meet the requirement, in the registry's order.
    function _denial(address operator, I.Requirement memory r) private view returns (I.Denial) {
        I.Denial denial = _live(operator);
        if (denial != I.Denial.None) return denial;
        I.Attestation storage a = _attestations[operator];
        if (a.binding < r.minBinding) return I.Denial.Binding;
        if (a.custody < r.minCustody) return I.Denial.Custody;
        if (r.maxTcb != 0 && a.tcb > r.maxTcb) return I.Denial.Tcb;
        if (r.teeClasses != 0 && (r.teeClasses >> a.teeClass) & 1 == 0) return I.Denial.TeeClass;
        if (r.provider != 0 && a.provider != r.provider) return I.Denial.Provider;
        if (r.requireKeyInTd && a.flags & 1 == 0) return I.Denial.KeyNotInTd;
        uint256 begun = a.expiry > a.ttl ? a.expiry - a.ttl : 0;
        if (r.maxAge != 0 && block.timestamp > begun + r.maxAge) return I.Denial.Age;
        if (r.minContinuity != 0 && block.timestamp < uint256(a.attestedSince) + r.minContinuity) {
            return I.Denial.Continuity;
        }
        if (r.workload != 0 && a.workloadId != r.workload) return I.Denial.Workload;
        return I.Denial.None;
    }

    /// @dev Why the operator is not attested at all.
    function _live(address operator) private view returns (I.Denial) {
        if (_paused) return I.Denial.Paused;
        I.Attestation storage a = _attestations[operator];
        if (a.status != I.Status.Active) return _inactive(a.status, I.Denial.Unknown);
        if (_frozenProviders[a.provider]) return I.Denial.ProviderFrozen;
        if (a.expiry <= block.timestamp) return _inactive(_platforms[a.platformId], I.Denial.Expired);
        if (a.expiry > block.timestamp + MAX_TTL) return I.Denial.ExpiryTooFar;
        return I.Denial.None;
    }

    function _inactive(I.Status status, I.Denial otherwise) private pure returns (I.Denial) {
        if (status == I.Status.Frozen) return I.Denial.Frozen;
        if (status == I.Status.Revoked) return I.Denial.Revoked;
        if (status == I.Status.Deregistered) return I.Denial.Deregistered;
        return otherwise;
    }

    function _takeDown(address operator, I.Status status) private {
        I.Attestation storage a = _attestations[operator];
        a.status = status;
        ++a.statusNonce;
        a.expiry = 0;
    }

    function _takePlatformDown(bytes32 platformId, I.Status status) private {
        _platforms[platformId] = status;
        address[] storage operators = _operatorsOn[platformId];
        for (uint256 i; i < operators.length; ++i) {
            I.Attestation storage a = _attestations[operators[i]];
            if (a.platformId == platformId) a.expiry = 0;
        }
    }

    /// @dev The ranges the registry accepts. A test that passes on values no quorum can grant would show nothing.
    function _grantable(address operator, I.Attestation memory a) private view returns (bool) {
        return operator != address(0) && a.platformId != 0 && a.binding >= 1 && a.binding <= 3 && a.custody <= 2
            && a.tcb >= 1 && a.tcb <= 6 && a.teeClass >= 1 && a.teeClass <= 15 && a.provider >= 1 && a.provider <= 127
            && a.evidenceTime != 0 && a.evidenceTime <= block.timestamp && a.ttl != 0 && a.ttl < 1 << 20
            && a.expiry <= uint256(a.evidenceTime) + a.ttl && a.expiry <= block.timestamp + MAX_TTL;
    }

    /// @dev Does `a` say nothing of the operator that was not true before?
    function _isNoMore(I.Attestation memory a, I.Attestation storage old) private view returns (bool) {
        return a.platformId == old.platformId && a.workloadId == old.workloadId && a.teeClass == old.teeClass
            && a.provider == old.provider && a.binding <= old.binding && a.custody <= old.custody && a.tcb >= old.tcb
            && a.flags & ~old.flags == 0;
    }

    function _floor(uint40 time) private pure returns (uint40) {
        return time / 64 * 64;
    }
}
