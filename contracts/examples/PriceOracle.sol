// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {ProofOfCloudConsumer} from "../src/consumer/ProofOfCloudConsumer.sol";
import {IProofOfCloudRegistry} from "../src/interfaces/IProofOfCloudRegistry.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/// @title PriceOracle
/// @notice An example: a price on which k of n signers agree, the median of what each has seen. The signers are
/// programs in TEEs, and k keys on one machine would be one machine's word k times; so the oracle asks not only whether
/// each is attested but on how many chassis they are.
/// @dev For reading, not for money. Whoever sends may choose among the signers that answered: a majority of honest ones
/// among those k bounds the price, not a majority of all n.
contract PriceOracle is ProofOfCloudConsumer, EIP712 {
    /// @notice What one signer has seen, and its signature (65 bytes, EIP-712) over `Observation(round, price, seenAt)`.
    struct Observation {
        uint256 price;
        uint40 seenAt;
        bytes signature;
    }

    bytes32 private constant OBSERVATION = keccak256("Observation(uint64 round,uint256 price,uint40 seenAt)");
    /// @notice How many seconds old an observation may be.
    uint256 public constant MAX_AGE = 5 minutes;

    /// @notice Observations that a price needs, each from another chassis.
    uint256 public immutable THRESHOLD;
    /// @notice The program that signs. Another reviewed program may sign anything.
    bytes32 public immutable WORKLOAD;
    /// @notice Who may sign.
    mapping(address signer => bool) public isSigner;

    /// @notice The median, as of `asOf`; zero before the first round.
    uint256 public price;
    /// @notice When the oldest observation behind `price` was made. Whoever reads the price checks this.
    uint40 public asOf;
    /// @notice The round that observations are signed for. A signature is good for one round.
    uint64 public round;

    event PriceReported(uint64 indexed round, uint256 price, uint256 observations);

    /// @notice A threshold of zero or above the number of signers, a signer twice, or no workload.
    error InvalidConfig();
    /// @notice Fewer observations than the threshold.
    error TooFewObservations(uint256 observations);
    /// @notice Observations come sorted by price, lowest first.
    error NotSorted();
    /// @notice The observation is of the future, or too old.
    error OutsideWindow(uint40 seenAt);
    /// @notice Whoever signed this is not among the signers. A signature for another round ends here, too.
    error NotSigner(address signer);
    /// @notice Two observations come from one chassis, be it by one signer or by two.
    error SharedChassis(uint256 observations, uint256 chassis);

    constructor(IProofOfCloudRegistry registry, address[] memory signers, uint256 threshold, bytes32 workload)
        ProofOfCloudConsumer(registry)
        EIP712("PriceOracle", "1")
    {
        if (threshold == 0 || threshold > signers.length || workload == 0) revert InvalidConfig();
        for (uint256 i; i < signers.length; ++i) {
            if (isSigner[signers[i]]) revert InvalidConfig();
            isSigner[signers[i]] = true;
        }
        THRESHOLD = threshold;
        WORKLOAD = workload;
    }

    /// @notice Takes a round's observations. Anyone may send them: only signatures matter.
    function report(Observation[] calldata observations) external {
        uint256 n = observations.length;
        if (n < THRESHOLD) revert TooFewObservations(n);
        address[] memory signers = new address[](n);
        uint40 oldest = type(uint40).max;
        for (uint256 i; i < n; ++i) {
            Observation calldata o = observations[i];
            if (i != 0 && o.price < observations[i - 1].price) revert NotSorted();
            if (o.seenAt > block.timestamp || block.timestamp - o.seenAt > MAX_AGE) revert OutsideWindow(o.seenAt);
            if (o.seenAt < oldest) oldest = o.seenAt;
            address signer = ECDSA.recover(hashObservation(round, o.price, o.seenAt), o.signature);
            if (!isSigner[signer]) revert NotSigner(signer);
            // `distinctPlatforms` asks the default question. What this oracle demands beyond it has to be asked as well.
            _requireAttested(signer);
            signers[i] = signer;
        }
        // One signer twice is on one chassis, so this is also what keeps a signer from being counted twice.
        uint256 chassis = PROOF_OF_CLOUD.distinctPlatforms(signers);
        if (chassis != n) revert SharedChassis(n, chassis);

        price = observations[(n - 1) / 2].price;
        asOf = oldest;
        emit PriceReported(round, price, n);
        ++round;
    }

    /// @notice What a signer signs.
    function hashObservation(uint64 round_, uint256 price_, uint40 seenAt) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(OBSERVATION, round_, price_, seenAt)));
    }

    /// @dev The default, this program, and a key that only the program has.
    function _requirement() internal view override returns (IProofOfCloudRegistry.Requirement memory requirement) {
        requirement = super._requirement();
        requirement.workload = WORKLOAD;
        requirement.requireKeyInTd = true;
    }
}
