// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

/// @notice The part of Chainlink's `AggregatorV3Interface` that an L2 sequencer uptime feed needs.
interface ISequencerUptimeFeed {
    /// @return roundId Not used.
    /// @return answer 0: the sequencer is up. 1: it is down.
    /// @return startedAt Since when, in seconds. On Arbitrum 0 while the feed has not been initialised.
    /// @return updatedAt Not used.
    /// @return answeredInRound Not used.
    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);
}

/// @title SequencerUptime
/// @notice For consumers on an L2. There the sequencer's clock decides when an attestation has expired, and nothing that
/// guardians send during an outage lands before it ends. So nothing that rests on an attestation should happen while the
/// sequencer is down, nor before freezes that were held up have had time to land.
/// @dev Warning: this sees outages. It does not see a sequencer that is up and leaves out one guardian's transaction, and no
/// grace helps, for it counts from the last outage. Against that, announce an act, wait for longer than the chain's forced
/// inclusion takes, and ask again before acting.
abstract contract SequencerUptime {
    /// @notice The feed, from Chainlink's list for this chain.
    ISequencerUptimeFeed public immutable SEQUENCER_UPTIME_FEED;
    /// @notice How many seconds the sequencer must have been up.
    uint256 public immutable SEQUENCER_GRACE;

    /// @notice The feed's address holds no code.
    error NoSequencerFeed(address feed);
    /// @notice The sequencer is down, or the feed does not say that it is up.
    error SequencerDown();
    /// @notice The sequencer has come back, but only just.
    error SequencerGraceNotOver(uint256 until);

    /// @dev Reverts unless the sequencer is up, and has been for longer than the grace.
    modifier whenSequencerUp() {
        _requireSequencerUp();
        _;
    }

    constructor(ISequencerUptimeFeed feed, uint256 grace) {
        if (address(feed).code.length == 0) revert NoSequencerFeed(address(feed));
        SEQUENCER_UPTIME_FEED = feed;
        SEQUENCER_GRACE = grace;
    }

    // slither-disable-next-line dead-code (for those who inherit)
    function _requireSequencerUp() internal view {
        // slither-disable-next-line unused-return (only the answer and its start matter)
        (, int256 answer, uint256 startedAt,,) = SEQUENCER_UPTIME_FEED.latestRoundData();
        if (answer != 0 || startedAt == 0 || startedAt > block.timestamp) revert SequencerDown();
        if (block.timestamp - startedAt <= SEQUENCER_GRACE) revert SequencerGraceNotOver(startedAt + SEQUENCER_GRACE);
    }
}
