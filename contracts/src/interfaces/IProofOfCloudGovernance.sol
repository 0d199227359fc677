// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry} from "./IProofOfCloudRegistry.sol";

/// @title IProofOfCloudGovernance
/// @notice Who may change what about the registry, and how slowly. It answers at the registry's own address. Down is
/// fast: guardians, the governor's revocations, relayers' signatures. Up is slow: the governor submits a call, everybody
/// can see it for as long as its delay, any guardian can veto it, and then anyone may make it.
/// @dev A timelocked function is called with exactly the bytes that were submitted, by anyone, once.
interface IProofOfCloudGovernance {
    /// @notice One side of an equivocation: a result, the report that carried its digest, and the relayer's signature
    /// (64 bytes, EIP-2098) under that report.
    struct Posting {
        IProofOfCloudRegistry.AttestationResult result;
        IProofOfCloudRegistry.Report report;
        bytes signature;
    }

    // ------------------------------------------------------------------------------------------------- events

    /// @notice For 14 days from `executableAt` on, anyone may call the registry with `data`.
    /// @param id `keccak256(data)`.
    event ActionSubmitted(bytes32 indexed id, bytes4 indexed selector, bytes data, uint40 executableAt);

    /// @notice A submitted call was made. What it changed stands in the log next to this one.
    event ActionExecuted(bytes32 indexed id, bytes4 indexed selector, address actor);

    /// @notice A submitted call was struck out.
    event ActionVetoed(bytes32 indexed id, bytes4 indexed selector, address actor);

    /// @notice Relayers' signatures carried out a `Freeze` or `Revoke`. What it changed stands in the log before this one.
    event OrderExecuted(bytes32 indexed digest, uint32 indexed relayerSetId, uint32 signerMask);

    /// @notice A relayer has signed two different results for the same evidence, policy, endorsements and time.
    event Equivocation(address indexed relayer, bytes32 indexed evidenceDigest, bytes32 digestA, bytes32 digestB);

    // ------------------------------------------------------------------------------------------------- errors

    /// @notice The caller is not the governor.
    error NotGovernor(address caller);
    /// @notice The function does not wait for anything: call it.
    error NotTimelocked(bytes4 selector);
    /// @notice This very call is waiting already, or the one of its function that may wait at a time.
    error AlreadySubmitted(bytes32 id);
    /// @notice This call is not waiting, not yet ripe, or has been for more than 14 days.
    error NotExecutable(bytes32 id, uint256 executableAt);
    /// @notice The call is not encoded as the ABI has it: there are bytes to spare, or an offset of its own.
    error NotCanonical();
    /// @notice The removal of a guardian is not for guardians to veto.
    error NotVetoable(bytes4 selector);
    /// @notice There is nothing to lift, admit or reinstate, or it has changed since the call was drawn up.
    error NothingToRaise();
    /// @notice A delay can only grow, to at most 90 days.
    error DelayNotLonger(bytes4 selector, uint256 delay);
    /// @notice The last guardian stays until another has come.
    error LastGuardian();
    /// @notice No such guardian.
    error UnknownGuardian(address account);
    /// @notice No such relayer in this set.
    error UnknownRelayer(uint32 relayerSetId, uint256 index);
    /// @notice The set is not retired, or its grace is over.
    error NoGrace(uint32 relayerSetId);
    /// @notice At most an hour.
    error GraceTooLong(uint256 grace);
    /// @notice `deadline` has passed, or lies more than an hour ahead.
    error OutsideDeadline(uint40 deadline);
    /// @notice The freeze names another status nonce, or it names one where there is none.
    error WrongStatusNonce(uint256 expected);
    /// @notice These signatures have been used.
    error Spent(bytes32 digest);
    /// @notice The order's `action` or `subject` means nothing.
    error InvalidOrder();
    /// @notice The two postings do not convict the relayer.
    error NoEquivocation();

    // ------------------------------------------------------------------------------------------------- down, at once

    /// @notice Signatures of this relayer are refused from now on. The threshold stays what it is. Guardians only.
    function disableRelayer(uint32 relayerSetId, uint8 index, uint16 reason, bytes32 evidenceHash) external;

    /// @notice Reports of a retired relayer set are refused from now on. Guardians only.
    function endGrace(uint32 relayerSetId, uint16 reason, bytes32 evidenceHash) external;

    /// @notice Reports under this policy are refused from now on. Live lanes run out. Guardians only.
    function retirePolicy(bytes32 policyDigest, uint16 reason, bytes32 evidenceHash) external;

    /// @notice Revokes an operator, known or not, and with it the instance it holds: no grant applies until the governor
    /// reinstates it. Governor only.
    function revokeOperator(address operator, uint16 reason, bytes32 evidenceHash) external;

    /// @notice Revokes a platform, known or not, and ends the attestation of all operators on it. Governor only.
    function revokePlatform(bytes32 platformId, uint16 reason, bytes32 evidenceHash) external;

    /// @notice Carries out what `freezeThreshold` relayers signed. Anyone may send it. An operator that has deregistered
    /// meanwhile is frozen all the same, and its instance held.
    function freezeBySignatures(
        IProofOfCloudRegistry.Freeze calldata order,
        uint32 signerMask,
        bytes calldata signatures
    ) external;

    /// @notice Carries out what a quorum of relayers signed, whatever the subject's status has become since. Anyone may
    /// send it.
    function revokeBySignatures(
        IProofOfCloudRegistry.Revoke calldata order,
        uint32 signerMask,
        bytes calldata signatures
    ) external;

    /// @notice Disables a relayer that has signed two results with equal evidence, policy, endorsements and time, and
    /// different digests. An honest relayer does not: the appraisal is a function of these four, as long as neither its
    /// verifier is another version nor its record of what it signed is lost. Anyone may prove it.
    /// @param relayerSetId A set in which the relayer is to be disabled; the reports may name others.
    function proveEquivocation(uint32 relayerSetId, uint8 index, Posting calldata a, Posting calldata b) external;

    // ------------------------------------------------------------------------------------------------- up, slowly

    /// @notice Draws up a call of one of the timelocked functions below. Governor only.
    /// @dev What would be refused now cannot be drawn up, but for a guardian's seat and the last guardian's removal: so what
    /// lifts a stop only while the stop is there, once, and none is held in reserve for the next. Other calls stay ripe
    /// for 14 days: guardians veto those that nobody should make any more. Of `addGuardian`, `setGovernor`,
    /// `rotateRelayers` and `registerPolicy` one call each waits at a time, so that none hides among many.
    function submit(bytes calldata data) external;

    /// @notice Strikes out a submitted call. Any guardian, except the removal of a guardian; or the governor itself.
    function veto(bytes calldata data) external;

    /// @notice Lets the quorum grant again before a freeze's 72 h are over. The status stays Frozen until it does. Waits a
    /// day, whatever delay the others have; a longer one comes too late for every freeze.
    function liftFreeze(IProofOfCloudRegistry.Subject kind, bytes32 subject, uint32 statusNonce) external;

    /// @notice Lets the quorum grant again after a revocation. The status is Frozen until it does.
    function reinstate(IProofOfCloudRegistry.Subject kind, bytes32 subject, uint32 statusNonce) external;

    /// @notice Ends the pause. What is unexpired counts again.
    function unpause() external;

    /// @notice Admits a provider, or ends its freeze. What is unexpired counts again.
    function admitProvider(uint16 provider) external;

    /// @notice Reports under this policy are accepted from now on.
    function registerPolicy(bytes32 policyDigest) external;

    /// @notice A new relayer set takes over; new thresholds, too, come this way. The old set's reports are accepted for
    /// `grace` seconds more, at most an hour.
    function rotateRelayers(address[] calldata members, uint8 threshold, uint8 freezeThreshold, uint40 grace) external;

    /// @notice Admits a guardian.
    function addGuardian(address guardian) external;

    /// @notice Removes a guardian.
    function removeGuardian(address guardian) external;

    /// @notice Hands the governor's powers on.
    function setGovernor(address newGovernor) external;

    /// @notice Makes a function's delay longer. There is no way to make it shorter.
    function lengthenDelay(bytes4 selector, uint40 delay) external;

    // ------------------------------------------------------------------------------------------------- reads

    /// @notice Who submits.
    function governor() external view returns (address);

    /// @notice Seconds a call of this function must wait; 0 = it is not timelocked.
    function delayOf(bytes4 selector) external view returns (uint256);

    /// @notice From when on a submitted call may be made, for 14 days; 0 = it is not waiting: made, vetoed, run out, or
    /// never submitted.
    function executableAt(bytes calldata data) external view returns (uint256);

    /// @notice The EIP-712 digest relayers sign for this order.
    function hashFreeze(IProofOfCloudRegistry.Freeze calldata order) external view returns (bytes32);

    /// @notice The EIP-712 digest relayers sign for this order.
    function hashRevoke(IProofOfCloudRegistry.Revoke calldata order) external view returns (bytes32);
}
