// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry} from "../interfaces/IProofOfCloudRegistry.sol";
import {BatchTree} from "../libraries/BatchTree.sol";
import {ControlWord} from "../libraries/ControlWord.sol";
import {Lanes} from "../libraries/Lanes.sol";
import {OperatorWord} from "../libraries/OperatorWord.sol";
import {PlatformWord} from "../libraries/PlatformWord.sol";
import {RegistryBase} from "./RegistryBase.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {ERC165} from "@openzeppelin/contracts/utils/introspection/ERC165.sol";

/// @title Reads
/// @notice The questions relying parties ask. One function decides each; the boolean and the reverting form cannot
/// disagree. Everything here fails closed: what is not positively known to hold is denied.
abstract contract Reads is IProofOfCloudRegistry, RegistryBase, ERC165 {
    /// @dev What `isAttested(operator)` demands.
    uint256 private constant DEFAULT_MIN_BINDING = 2;
    uint256 private constant DEFAULT_MIN_CUSTODY = 1;
    uint256 private constant DEFAULT_MAX_TCB = 1;

    /// @dev ERC-165 id of the questions alone: that is what a consumer depends on.
    bytes4 internal constant READ_INTERFACE_ID = bytes4(keccak256("isAttested(address)"))
        ^ bytes4(keccak256("isAttested(address,(uint8,uint8,uint8,uint16,uint32,uint32,bool,bytes32,uint16))"))
        ^ bytes4(keccak256("requireAttested(address,(uint8,uint8,uint8,uint16,uint32,uint32,bool,bytes32,uint16))"))
        ^ bytes4(keccak256("attestationOf(address)")) ^ bytes4(keccak256("statusOf(address)"))
        ^ bytes4(keccak256("platformOf(address)")) ^ bytes4(keccak256("distinctPlatforms(address[])"))
        ^ bytes4(keccak256("verifyDigest(uint64,uint256,bytes32,bytes32[])"));

    /// @inheritdoc IProofOfCloudRegistry
    function isAttested(address operator) public view returns (bool) {
        (bool yes, OperatorWord o,) = _attested(operator);
        yes = _both(yes, _both(o.binding() >= DEFAULT_MIN_BINDING, o.custody() >= DEFAULT_MIN_CUSTODY));
        return _both(yes, o.tcb() <= DEFAULT_MAX_TCB);
    }

    /// @inheritdoc IProofOfCloudRegistry
    function isAttested(address operator, Requirement calldata requirement) external view returns (bool) {
        return _denial(operator, requirement) == Denial.None;
    }

    /// @inheritdoc IProofOfCloudRegistry
    function requireAttested(address operator, Requirement calldata requirement) external view {
        Denial denial = _denial(operator, requirement);
        if (denial != Denial.None) revert NotAttested(operator, denial);
    }

    /// @inheritdoc IProofOfCloudRegistry
    function attestationOf(address operator) external view returns (Attestation memory a) {
        OperatorWord o = _operators[operator];
        // Lane 0 is nobody's and always zero, so a stranger's answer is all zero, too.
        uint256 word = _laneWord(o.lane());
        a.status = statusOf(operator);
        a.binding = uint8(o.binding());
        a.custody = uint8(o.custody());
        a.tcb = uint8(o.tcb());
        a.teeClass = uint8(o.teeClass());
        a.flags = uint8(o.flags());
        a.provider = uint16(o.provider());
        a.statusNonce = uint32(o.statusNonce());
        a.ttl = uint32(o.ttl());
        a.evidenceTime = uint40(o.evidenceTime());
        a.attestedSince = o.status() == Status.Active ? uint40(o.since()) : 0;
        a.expiry = uint40(Lanes.expiry(word));
        a.lane = uint32(o.lane());
        a.generation = uint8(Lanes.generation(word));
        a.platformId = _platformIds[o.platformIndex()];
        a.workloadId = _workloadIds[o.workloadIndex()];
    }

    /// @inheritdoc IProofOfCloudRegistry
    function statusOf(address operator) public view returns (Status) {
        (Denial denial,,) = _live(operator);
        if (denial == Denial.None) return Status.Active;
        if (denial == Denial.Paused) return Status.Paused;
        if (denial == Denial.Unknown) return Status.Unknown;
        if (denial == Denial.Frozen || denial == Denial.ProviderFrozen) return Status.Frozen;
        if (denial == Denial.Revoked) return Status.Revoked;
        if (denial == Denial.Deregistered) return Status.Deregistered;
        return Status.Expired;
    }

    /// @inheritdoc IProofOfCloudRegistry
    function platformOf(address operator) external view returns (bytes32) {
        (Denial denial, OperatorWord o,) = _live(operator);
        return denial == Denial.None ? _platformIds[o.platformIndex()] : bytes32(0);
    }

    /// @inheritdoc IProofOfCloudRegistry
    function distinctPlatforms(address[] calldata operators) external view returns (uint256 count) {
        uint256[] memory seen = new uint256[](operators.length);
        for (uint256 i; i < operators.length; ++i) {
            if (!isAttested(operators[i])) continue;
            uint256 index = _operators[operators[i]].platformIndex();
            uint256 j;
            while (j < count && seen[j] != index) ++j;
            if (j == count) seen[count++] = index;
        }
    }

    /// @inheritdoc IProofOfCloudRegistry
    function verifyDigest(uint64 batch, uint256 index, bytes32 digest, bytes32[] calldata proof)
        external
        view
        returns (bool)
    {
        bytes32 root = batchRoot(batch);
        return root != 0 && MerkleProof.verifyCalldata(proof, root, BatchTree.leaf(index, digest));
    }

    /// @inheritdoc IProofOfCloudRegistry
    function batchRoot(uint64 batch) public view returns (bytes32) {
        uint256 next = _head.batches();
        if (batch >= next || next - batch > ROOTS) return 0;
        return _roots[batch % ROOTS];
    }

    /// @inheritdoc ERC165
    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return interfaceId == READ_INTERFACE_ID || super.supportsInterface(interfaceId);
    }

    /// @dev The first reason why the operator does not meet the requirement.
    function _denial(address operator, Requirement calldata r) private view returns (Denial) {
        (bool yes, OperatorWord o, uint256 expiry) = _attested(operator);
        if (!yes) return _reason(o, expiry);
        if (o.binding() < r.minBinding) return Denial.Binding;
        if (o.custody() < r.minCustody) return Denial.Custody;
        if (r.maxTcb != 0 && o.tcb() > r.maxTcb) return Denial.Tcb;
        if (r.teeClasses != 0 && (r.teeClasses >> o.teeClass()) & 1 == 0) return Denial.TeeClass;
        if (r.provider != 0 && o.provider() != r.provider) return Denial.Provider;
        if (r.requireKeyInTd && o.flags() & 1 == 0) return Denial.KeyNotInTd;
        if (r.maxAge != 0 && block.timestamp > _attestedAt(o, expiry) + r.maxAge) return Denial.Age;
        if (r.minContinuity != 0 && block.timestamp < o.since() + r.minContinuity) return Denial.Continuity;
        if (r.workload != 0 && _workloadIds[o.workloadIndex()] != r.workload) return Denial.Workload;
        return Denial.None;
    }

    /// @dev Is the operator attested at all? Reads three slots: control, operator, lane. A frozen platform needs no
    /// fourth, because its freeze zeroed its operators' lanes; only the reason for a denial looks further.
    function _live(address operator) private view returns (Denial, OperatorWord o, uint256 expiry) {
        bool yes;
        (yes, o, expiry) = _attested(operator);
        return (yes ? Denial.None : _reason(o, expiry), o, expiry);
    }

    /// @dev The answer itself. Every query pays for it, so it asks all its questions at once, without a branch.
    function _attested(address operator) private view returns (bool yes, OperatorWord o, uint256 expiry) {
        ControlWord c = _control;
        o = _operators[operator];
        unchecked {
            expiry = Lanes.expiry(_laneWord(o.lane()));
            bool up = _both(o.has(Status.Active), _both(!c.paused(), (c.frozenProviders() >> o.provider()) & 1 == 0));
            // No writer stores an expiry beyond MAX_TTL. Should one ever slip in, it must not count.
            yes = _both(up, _both(expiry > block.timestamp, expiry <= block.timestamp + _MAX_TTL));
        }
    }

    /// @dev Why `_attested` says no. Warning: only for whom it does; never None.
    function _reason(OperatorWord o, uint256 expiry) private view returns (Denial) {
        ControlWord c = _control;
        if (c.paused()) return Denial.Paused;
        if (o.has(Status.Frozen)) return Denial.Frozen;
        if (o.has(Status.Revoked)) return Denial.Revoked;
        if (o.has(Status.Deregistered)) return Denial.Deregistered;
        if (!o.has(Status.Active)) return Denial.Unknown;
        if (c.providerFrozen(o.provider())) return Denial.ProviderFrozen;
        return expiry <= block.timestamp ? _lapsed(o) : Denial.ExpiryTooFar;
    }

    /// @dev `a && b`, where both are known already. Assembly: Solidity has only the one that jumps.
    function _both(bool a, bool b) private pure returns (bool c) {
        assembly ("memory-safe") {
            c := and(a, b)
        }
    }

    function _lapsed(OperatorWord o) private view returns (Denial) {
        PlatformWord p = _platforms[_platformIds[o.platformIndex()]];
        if (p.has(Status.Revoked)) return Denial.Revoked;
        return p.has(Status.Frozen) ? Denial.Frozen : Denial.Expired;
    }

    /// @dev When the policy's uncapped TTL began. An expiry capped by other things only makes it earlier.
    function _attestedAt(OperatorWord o, uint256 expiry) private pure returns (uint256) {
        uint256 ttl = o.ttl();
        return expiry > ttl ? expiry - ttl : 0;
    }
}
