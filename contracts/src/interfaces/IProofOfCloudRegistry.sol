// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

/// @title IProofOfCloudRegistry
/// @notice Answers one question on chain: is this operator's TEE, right now, a reviewed workload on a known machine in
/// a data center? Only a quorum of independent relayers can raise an answer; guardians can lower it at once.
/// @dev This file has no imports: the relayer compiles it with alloy's `sol!`, so Rust and Solidity share one source.
/// Times are Unix seconds. Binding: 0 None, 1 Quote, 2 VirtualTpm, 3 Chassis. Custody: 0 None, 1 Witnessed,
/// 2 Automated. Tcb: 1 UpToDate, 2 SWHardeningNeeded, 3 ConfigurationNeeded, 4 ConfigurationAndSWHardeningNeeded,
/// 5 OutOfDate, 6 OutOfDateConfigurationNeeded. TeeClass: 1 TDX. Provider: 1 to 127. Flags: bit 0, key in TD.
/// At the same address answers `IProofOfCloudGovernance`: who may change what, and how slowly.
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

    /// @notice Why `requireAttested` refuses. `None` means: attested.
    enum Denial {
        None,
        Paused,
        Unknown,
        Frozen,
        Revoked,
        Deregistered,
        ProviderFrozen,
        Expired,
        ExpiryTooFar,
        Binding,
        Custody,
        Tcb,
        TeeClass,
        Provider,
        KeyNotInTd,
        Age,
        Continuity,
        Workload
    }

    /// @notice The kind of item a report carries, as named by `ItemSkipped`.
    enum Item {
        Platform,
        Grant,
        Renewal
    }

    /// @notice What a status belongs to, as named by `StatusChanged`.
    enum Subject {
        Operator,
        Platform
    }

    /// @notice Why an item of an otherwise valid report was not applied. `None` is never emitted.
    enum SkipReason {
        None,
        /// A field lies outside its range, `expiry` is later than `evidenceTime + ttl`, or a binding above Quote names no
        /// instance.
        InvalidField,
        /// The subject's status has changed since the report was signed.
        StatusNonce,
        /// `issuedAt` is not strictly later than the last one applied to this subject.
        NotLater,
        /// The subject was frozen less than 72 h ago.
        Frozen,
        /// No such platform.
        PlatformUnknown,
        /// The platform is frozen or revoked, or was updated by a report issued later than this one.
        PlatformNotActive,
        /// The grant claims more custody than its platform has.
        CustodyTooHigh,
        /// The expiry lies beyond `block.timestamp + MAX_TTL`.
        ExpiryTooFar,
        /// The expiry lies beyond the platform's custody expiry.
        BeyondCustody,
        /// The operator left Active, and the evidence is not newer than that of its last grant, its deregistration or its
        /// revocation.
        EvidenceTooOld,
        /// Another operator holds this instance.
        InstanceTaken,
        /// All 64 places on the platform hold operators that are attested now; for a grant without an instance, the first
        /// 32 do.
        PlatformFull,
        /// The lane is lapsed, zero or never handed out: it needs a grant.
        LaneLapsed,
        /// The renewal was signed before the lane's last grant or truncation.
        Generation,
        /// The renewal does not move the expiry forward.
        NotForward,
        /// The subject is revoked, or the instance is, because its holder is.
        Revoked,
        /// It needs a number (lane, platform, workload), and all of that kind are taken.
        Exhausted
    }

    /// @notice What `AuthorityChanged` is about.
    enum Authority {
        /// The subject is the governor from now on.
        Governor,
        /// The subject is a guardian; the value is its seat, 0 = not any more.
        Guardian,
        /// The subject is a function's selector (left-aligned); the value is its delay in seconds.
        Delay
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
        /// Least time in seconds that the operator has been attested without a gap on the platform it is on, as the
        /// workload it is, and as nothing less than it is now: what raises its binding, custody, TCB status or flags
        /// begins anew. A pause and a provider's freeze are no gap.
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
    /// alone). `digests` holds one digest per non-zero lane word, in order. A renewal moves an expiry and nothing else:
    /// relayers sign one only if platform, instance, workload, binding, custody, tcb, TEE class, flags, provider and ttl
    /// are as stored, which the registry does not check; anything else takes a grant.
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

    /// @notice What relayers sign (EIP-712) to stop something without a guardian: `freezeThreshold` of them, once.
    struct Freeze {
        uint32 relayerSetId;
        /// 0 operator, 1 platform, 2 provider, 3 everything (pause), 4 a relayer, 5 a relayer set's grace, 6 a policy.
        uint8 action;
        /// 0: address as a word. 1: platform id. 2: provider. 3: zero. 4: set id (the signers' own) << 8 | index. 5: set id. 6: digest.
        bytes32 subject;
        /// The operator's or platform's at present, or of an operator that has deregistered since; zero for the others.
        uint32 statusNonce;
        uint16 reason;
        bytes32 evidenceHash;
        /// At most an hour ahead.
        uint40 deadline;
    }

    /// @notice What relayers sign (EIP-712) to revoke a subject: a quorum, once.
    struct Revoke {
        uint32 relayerSetId;
        /// 0 operator, 1 platform.
        uint8 kind;
        /// The operator's address as a word, or the platform id.
        bytes32 subject;
        /// The subject's when it was signed. Not checked: no change of status stands in a revocation's way.
        uint32 statusNonce;
        uint16 reason;
        bytes32 evidenceHash;
        /// At most an hour ahead.
        uint40 deadline;
    }

    /// @notice All that the constructor takes. What it raises can later be raised only through the timelock.
    struct Config {
        /// At most 32, distinct. Their order gives each its index in `signerMask`. They become set 1.
        address[] relayers;
        /// Signatures a report needs: exactly this many.
        uint8 threshold;
        /// Relayer signatures that freeze without a guardian.
        uint8 freezeThreshold;
        /// Submits what raises trust, and revokes.
        address governor;
        /// At least one, at most 15, distinct.
        address[] guardians;
        /// Digests of the appraisal policies in force.
        bytes32[] policies;
        /// Providers admitted, 1 to 127, distinct.
        uint16[] providers;
        /// No expiry may lie further ahead than this many seconds; at most 7 days.
        uint32 maxTtl;
        /// Seconds between submission and execution of what raises trust; 1 to 90 days. The lift of a freeze waits one day.
        uint40 delay;
        /// The same for a new relayer set and for the removal of a guardian; at least `delay`, at most 90 days.
        uint40 relayerSetDelay;
    }

    /// @notice A set of relayers: who may sign, and how many must.
    struct RelayerSet {
        address[] members;
        uint8 threshold;
        uint8 freezeThreshold;
        /// Bit i: member i has been disabled.
        uint32 disabled;
        /// Its reports are refused from this time on; 0 = not retired.
        uint40 retiredAt;
    }

    /// @notice Everything stored about a platform, except its operators' lanes.
    struct PlatformState {
        /// Unknown, Active, Frozen or Revoked.
        Status status;
        uint16 provider;
        uint8 custody;
        uint40 custodyExpiry;
        uint32 statusNonce;
        /// `issuedAt` of the last report applied to it.
        uint40 issuedAt;
        /// When it was frozen last; 0 unless it is Frozen, and no governor has lifted that. Entries are blocked for 72 h
        /// from then.
        uint40 frozenAt;
        uint8 operatorCount;
        /// Its number in operator words; 0 = no entry was ever applied.
        uint32 index;
    }

    /// @notice The word every query reads.
    struct ControlState {
        bool paused;
        /// Bit p: provider p is frozen, or was never admitted.
        uint128 frozenProviders;
        uint32 relayerSetId;
        /// Batches applied so far; the number of the next one.
        uint64 nextBatch;
        /// The next lane to be handed out. Lanes start at 8: 0 means none.
        uint32 nextLane;
    }

    // ------------------------------------------------------------------------------------------------- events

    /// @notice A report was applied, at least in part. The `PlatformUpdated`, `OperatorGranted` and `ItemSkipped` logs
    /// of the same batch stand before it, in the order in which the report has them.
    ///
    /// The batch's Merkle root, which `batchRoot` gives for a while, follows from these logs: sorted pairs, an odd node
    /// moves up unchanged, over the applied digests, those of the grants, then those of the renewals. Each leaf is
    /// `keccak256(keccak256(abi.encode(uint256 index, bytes32 digest)))` with its index among the applied ones. The root
    /// is zero if there are none.
    /// @param batch The batch's number, from 0.
    /// @param origin Who signed, and when: `relayerSetId << 72 | issuedAt << 32 | signerMask`.
    /// @param reportHash EIP-712 digest that was signed.
    /// @param applied Bit i: entry i of the report's platforms was applied. Bit 128 + i: grant i was applied.
    /// @param renewals The report's renewals with the skipped lane words zeroed.
    /// @param digests The applied renewals' digests, in order.
    /// @param head The chain's new head: kind 1, payload `keccak256(abi.encode(batch, policyDigest, origin,
    /// reportHash, archive, applied, root, keccak256(renewals)))`.
    event BatchPosted(
        uint64 indexed batch,
        bytes32 policyDigest,
        uint256 origin,
        bytes32 reportHash,
        bytes32 archive,
        uint256 applied,
        bytes renewals,
        bytes32[] digests,
        bytes32 head
    );

    /// @notice A platform entry was applied. Where it lowers custody, its expiry or changes the provider, the live lanes
    /// of the platform's operators are cut to what remains and take a new generation.
    /// @param platformWord The platform's word as stored; its layout is drawn at `PlatformWord`.
    event PlatformUpdated(bytes32 indexed platformId, uint16 indexed provider, uint256 platformWord);

    /// @notice A grant was applied.
    /// @param operatorWord The operator's slot 0 as stored; its layout is drawn at `OperatorWord`.
    /// @param laneWord Its lane's new word: expiry in 64-second units ‖ generation.
    event OperatorGranted(
        address indexed operator,
        bytes32 indexed platformId,
        bytes32 indexed workloadId,
        bytes32 instanceId,
        bytes32 digest,
        uint256 operatorWord,
        uint32 laneWord
    );

    /// @notice An item was not applied.
    /// @param subject The platform id, the operator's address or the lane's number, as a word.
    event ItemSkipped(Item indexed kind, bytes32 indexed subject, SkipReason reason);

    /// @notice A status was changed other than by a grant or a platform entry.
    /// @param subject The operator's address as a word, or the platform id.
    /// @param actor Who called.
    /// @param head The chain's new head: kind 2, payload `keccak256(abi.encode(kind, subject, oldStatus, newStatus,
    /// reason, evidenceHash, actor))`.
    event StatusChanged(
        Subject indexed kind,
        bytes32 indexed subject,
        Status oldStatus,
        Status newStatus,
        uint16 reason,
        bytes32 evidenceHash,
        address actor,
        bytes32 head
    );

    /// @notice The registry was paused or unpaused, a provider frozen or admitted, or the relayers' set changed.
    /// @param head The chain's new head: kind 3, payload `keccak256(abi.encode(paused, frozenProviders, relayerSetId,
    /// reason, evidenceHash, actor))`.
    // slither-disable-next-line unindexed-event-address (rare; every one is read)
    event ControlChanged(
        bool paused,
        uint128 frozenProviders,
        uint32 relayerSetId,
        uint16 reason,
        bytes32 evidenceHash,
        address actor,
        bytes32 head
    );

    /// @notice A relayer set was created or retired, or one of its members disabled.
    /// @param head The chain's new head: kind 4, payload `keccak256(abi.encode(setId, keccak256(abi.encodePacked(members)),
    /// threshold, freezeThreshold, disabled, retiredAt, reason, evidenceHash, actor))`.
    event RelayerSetChanged(
        uint32 indexed setId,
        address[] members,
        uint8 threshold,
        uint8 freezeThreshold,
        uint32 disabled,
        uint40 retiredAt,
        uint16 reason,
        bytes32 evidenceHash,
        address actor,
        bytes32 head
    );

    /// @notice Reports under this policy are accepted from now on.
    /// @param head The chain's new head: kind 5, payload `keccak256(abi.encode(policyDigest, true, uint16(0),
    /// bytes32(0), actor))`.
    event PolicyRegistered(bytes32 indexed policyDigest, address actor, bytes32 head);

    /// @notice Reports under this policy are refused from now on; live lanes run out.
    /// @param head The chain's new head: kind 5, payload `keccak256(abi.encode(policyDigest, false, reason,
    /// evidenceHash, actor))`.
    event PolicyRetired(bytes32 indexed policyDigest, uint16 reason, bytes32 evidenceHash, address actor, bytes32 head);

    /// @notice Who governs, who guards, or how slowly things go up has changed.
    /// @param head The chain's new head: kind 6, payload `keccak256(abi.encode(uint8 kind, subject, value, actor))`.
    event AuthorityChanged(Authority indexed kind, bytes32 indexed subject, uint256 value, address actor, bytes32 head);

    // ------------------------------------------------------------------------------------------------- errors

    /// @notice The operator does not meet the requirement, for this first reason.
    error NotAttested(address operator, Denial denial);
    /// @notice The constructor's argument breaks a rule that `Config` states.
    error InvalidConfig();
    /// @notice The caller is not a guardian.
    error NotGuardian(address caller);
    /// @notice No such relayer set, or one whose time is over.
    error RelayerSetNotInForce(uint32 relayerSetId);
    /// @notice The policy was never registered, or has been retired.
    error PolicyNotInForce(bytes32 policyDigest);
    /// @notice `issuedAt <= block.timestamp <= deadline <= issuedAt + 1 h` does not hold, or the deadline lies past 2106.
    error OutsideWindow(uint40 issuedAt, uint40 deadline);
    /// @notice `signerMask` does not have exactly `threshold` bits, or has one of no or a disabled member, or
    /// `signatures` is not 64 bytes for each.
    error InvalidSigners(uint32 signerMask);
    /// @notice A signature is not that of the relayer with this index.
    error InvalidSignature(uint256 index);
    /// @notice `renewals` is not made of groups of 36 bytes with ascending slots, or `digests` does not match it.
    error MalformedRenewals();
    /// @notice More than 128 platforms or 128 grants.
    error TooManyItems();
    /// @notice Nothing in the report applies: a replay, or everything was overtaken.
    error NothingApplied();
    /// @notice This guardian has frozen this subject already, less than 30 days ago.
    error FrozenTooRecently(uint40 allowedAt);
    /// @notice The subject, or the registry, is already as low as this call would put it.
    error AlreadyDown();
    /// @notice Providers are numbered 1 to 127.
    error InvalidProvider(uint256 provider);
    /// @notice Only an operator whose status is Active, lapsed or not, can deregister.
    error NotActive(address operator);
    /// @notice There is no number left for another relayer set.
    error Exhausted();

    // ------------------------------------------------------------------------------------------------- questions

    /// @notice Is this operator attested now, at the least a relying party should ask for: binding VirtualTpm, custody
    /// Witnessed, TCB UpToDate? A machine on a workbench never answers true.
    /// @dev Never reverts, given enough gas.
    function isAttested(address operator) external view returns (bool);

    /// @notice Is this operator attested now, as far as `requirement` demands?
    /// @dev Never reverts for ABI-valid input, given enough gas.
    /// @dev Warning: an all-zero requirement accepts every binding and custody, a machine on a workbench included.
    function isAttested(address operator, Requirement calldata requirement) external view returns (bool);

    /// @notice Reverts with `NotAttested` exactly when `isAttested(operator, requirement)` is false.
    function requireAttested(address operator, Requirement calldata requirement) external view;

    /// @notice Everything stored about an operator.
    /// @dev Warning: answers for expired and frozen operators as well. Relying parties ask `isAttested`.
    function attestationOf(address operator) external view returns (Attestation memory);

    /// @notice The operator's status as of now. Frozen also where its platform or provider is frozen.
    /// @dev Warning: Active says nothing of binding, custody, TCB or code. To decide, ask `isAttested` with a requirement.
    function statusOf(address operator) external view returns (Status);

    /// @notice The platform on which the operator is attested now, at whatever level; zero if its status is not Active.
    /// @dev Warning: as for `statusOf`, one that is not zero may be a machine on a workbench.
    function platformOf(address operator) external view returns (bytes32);

    /// @notice On how many different platforms are these operators? Counts only those for which `isAttested(operator)`
    /// holds, so a protocol can demand that its n operators are n machines.
    function distinctPlatforms(address[] calldata operators) external view returns (uint256);

    /// @notice Is this digest in this batch, at this place? For whoever is shown an attestation result and wants to know
    /// that a quorum posted it. Answers for the last 1024 batches only.
    /// @param index The digest's place among those the batch applied: the grants' first, then the renewals'.
    /// @param proof The sibling hashes from leaf to root, as OpenZeppelin's `MerkleProof` takes them.
    function verifyDigest(uint64 batch, uint256 index, bytes32 digest, bytes32[] calldata proof)
        external
        view
        returns (bool);

    // ------------------------------------------------------------------------------------------------- writes

    /// @notice Applies a report that a quorum of relayers signed. Anyone may send it: only signatures matter.
    /// @dev A report that is malformed or not properly signed reverts. An item that does not apply is skipped, with an
    /// event: a freeze that lands while a report is in flight must neither be undone nor stop everybody else.
    /// A paused registry still takes reports, so that what is unexpired counts again when the pause ends.
    /// @param signerMask Bit i: relayer i signed. Exactly `threshold` bits.
    /// @param signatures 64 bytes each (EIP-2098), in ascending order of index.
    function post(Report calldata report, uint32 signerMask, bytes calldata signatures) external;

    /// @notice Takes the caller, an operator, out at once. Grants on evidence not newer than this are skipped.
    function deregister() external;

    /// @notice Freezes an operator, known or not: it is not attested from now on, and no grant applies for 72 h. The
    /// status stays Frozen until a quorum grants again. A guardian can do this once in 30 days to one subject.
    function freezeOperator(address operator, uint16 reason, bytes32 evidenceHash) external;

    /// @notice Freezes a platform, known or not, in the same way, and with it all operators on it.
    function freezePlatform(bytes32 platformId, uint16 reason, bytes32 evidenceHash) external;

    /// @notice No operator of this provider is attested from now on. Only the governor ends it.
    function freezeProvider(uint16 provider, uint16 reason, bytes32 evidenceHash) external;

    /// @notice No operator at all is attested from now on. Only the governor ends it.
    function pause(uint16 reason, bytes32 evidenceHash) external;

    // ------------------------------------------------------------------------------------------------- what relayers read

    /// @notice Rolling hash over every write that changed trust, and the number of batches so far in its lowest 40 bits:
    /// `head = keccak256(abi.encode(head, uint8 kind, payload)) & ~(2**40 - 1) | batches`. Events say how each payload is
    /// made; kind 1 counts its batch.
    function head() external view returns (bytes32);

    /// @notice Pause, frozen providers, current relayer set, next batch, next lane.
    function control() external view returns (ControlState memory);

    /// @notice The greatest number of seconds an expiry may lie ahead.
    function MAX_TTL() external view returns (uint32);

    /// @notice Eight lane words as stored: lane `8 * slot` in the highest 32 bits, lane `8 * slot + 7` in the lowest.
    /// Each is the expiry in 64-second units (26 bits; 0 = not attested) ‖ generation (6 bits).
    function laneSlot(uint32 slot) external view returns (uint256);

    /// @notice The operator's slot 0 as stored, also in `OperatorGranted`; its layout is drawn at `OperatorWord`.
    function operatorWord(address operator) external view returns (uint256);

    /// @notice A platform as stored.
    function platform(bytes32 platformId) external view returns (PlatformState memory);

    /// @notice The lanes of the platform's operators.
    function platformLanes(bytes32 platformId) external view returns (uint32[] memory);

    /// @notice The operator to which an instance was last granted; zero if none, or released.
    function instanceHolder(bytes32 instanceId) external view returns (address);

    /// @notice The Merkle root of a batch; zero if it has left the ring of 1024, has not been posted, or had
    /// no digests.
    function batchRoot(uint64 batch) external view returns (bytes32);

    /// @notice Are reports under this policy accepted?
    function policyInForce(bytes32 policyDigest) external view returns (bool);

    /// @notice A relayer set; without members if it does not exist.
    function relayerSet(uint32 relayerSetId) external view returns (RelayerSet memory);

    /// @notice Is this address a guardian?
    function isGuardian(address account) external view returns (bool);

    /// @notice When this guardian may next freeze this subject (an operator's address as a word, or a platform id).
    /// Zero: at once, or never, for one who is no guardian.
    function freezeAllowedAt(address guardian, Subject kind, bytes32 subject) external view returns (uint40);

    /// @notice The EIP-712 domain separator of name `ProofOfCloudRegistry`, version `1`.
    function domainSeparator() external view returns (bytes32);

    /// @notice The EIP-712 digest relayers sign for this report.
    function hashReport(Report calldata report) external view returns (bytes32);
}
