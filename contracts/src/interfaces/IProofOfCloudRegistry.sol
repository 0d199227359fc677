// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

/// @title IProofOfCloudRegistry
/// @notice Answers one question on chain: is this operator's TEE, right now, a reviewed workload on a known machine in
/// a data center? Only a quorum of independent relayers can raise an answer; guardians can lower it at once.
/// @dev This file has no imports: the relayer compiles it with alloy's `sol!`, so Rust and Solidity share one source.
/// Times are Unix seconds. Binding: 0 None, 1 Quote, 2 VirtualTpm, 3 Chassis. Custody: 0 None, 1 Witnessed,
/// 2 Automated. Tcb: 1 UpToDate, 2 SWHardeningNeeded, 3 ConfigurationNeeded, 4 ConfigurationAndSWHardeningNeeded,
/// 5 OutOfDate, 6 OutOfDateConfigurationNeeded. TeeClass: 1 TDX. Provider: 1 to 127. Flags: bit 0, key in TD.
interface IProofOfCloudRegistry {
    /// @notice The answer `statusOf` gives.
    enum Status {
        Unknown,
        Active,
        Expired,
        Frozen,
        Revoked,
        Deregistered,
        Paused
    }

    /// @notice What a relying party demands. Zero in a field means: don't care.
    struct Requirement {
        /// Least binding accepted.
        uint8 minBinding;
        /// Least custody accepted.
        uint8 minCustody;
        /// Worst TCB status accepted.
        uint8 maxTcb;
        /// Accepted TEE classes, one bit each: `1 << teeClass`.
        uint16 teeClasses;
        /// Greatest age in seconds, counted from `expiry - ttl`. A capped expiry only overstates age.
        uint32 maxAge;
        /// Least time in seconds that the operator has been attested without a gap.
        uint32 minContinuity;
        /// The operator's key must live inside the TD.
        bool requireKeyInTd;
        /// The exact reviewed workload.
        bytes32 workload;
        /// The exact provider.
        uint16 provider;
    }

    /// @notice Everything stored about an operator, expired or not. Never a yes or no: ask `isAttested` for that.
    struct Attestation {
        Status status;
        uint8 binding;
        uint8 custody;
        uint8 tcb;
        uint8 teeClass;
        uint8 flags;
        uint16 provider;
        uint32 statusNonce;
        uint32 ttl;
        uint40 evidenceTime;
        uint40 attestedSince;
        uint40 expiry;
        uint32 lane;
        uint8 generation;
        bytes32 platformId;
        bytes32 instanceId;
        bytes32 workloadId;
    }

    /// @notice A platform (one CPU package set, named by its PPID's hash) as the quorum sees it.
    struct PlatformEntry {
        bytes32 platformId;
        uint16 provider;
        uint8 custody;
        uint40 custodyExpiry;
        uint32 statusNonce;
    }

    /// @notice A full attestation of one operator on one platform.
    struct Grant {
        address operator;
        bytes32 platformId;
        bytes32 instanceId;
        bytes32 workloadId;
        uint8 binding;
        uint8 custody;
        uint8 tcb;
        uint8 teeClass;
        uint8 flags;
        uint40 evidenceTime;
        uint32 ttl;
        uint40 expiry;
        bytes32 digest;
        uint32 statusNonce;
    }

    /// @notice What a quorum signs (EIP-712). `renewals` holds groups of 36 bytes: slot index `uint32`, strictly
    /// ascending, then eight lane words `uint32` (expiry in 64-second units, 26 bits, ‖ generation, 6 bits; 0 = leave
    /// alone). `digests` holds one digest per non-zero lane word, in order.
    struct Report {
        uint32 relayerSetId;
        bytes32 policyDigest;
        uint40 issuedAt;
        uint40 deadline;
        PlatformEntry[] platforms;
        Grant[] grants;
        bytes renewals;
        bytes32[] digests;
        bytes32 archive;
    }

    /// @notice What `digest` in a grant or renewal is the EIP-712 struct hash of. Never sent to the chain in full.
    struct AttestationResult {
        address operator;
        bytes32 platformId;
        bytes32 instanceId;
        bytes32 workloadId;
        bytes32 measurementsHash;
        bytes32 sessionKeyHash;
        bytes32 evidenceDigest;
        bytes32 checksRoot;
        bytes32 policyDigest;
        bytes32 endorsementsDigest;
        uint40 asOf;
        uint40 evidenceTime;
        uint40 expiry;
        uint16 provider;
        uint8 teeClass;
        uint8 binding;
        uint8 custody;
        uint8 tcb;
        uint8 flags;
    }

    /// @notice What the operator signs (EIP-712) to be attested on a bundle of evidence.
    struct Enrolment {
        bytes32 evidenceDigest;
    }
}
