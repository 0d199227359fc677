// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {ProofOfCloudConsumer} from "../../src/consumer/ProofOfCloudConsumer.sol";
import {ISequencerUptimeFeed, SequencerUptime} from "../../src/consumer/SequencerUptime.sol";
import {IProofOfCloudRegistry} from "../../src/interfaces/IProofOfCloudRegistry.sol";
import {MockProofOfCloudRegistry} from "../../src/mocks/MockProofOfCloudRegistry.sol";
import {Test} from "forge-std/Test.sol";

/// @notice A feed that says what it is told.
contract Feed is ISequencerUptimeFeed {
    int256 private _answer;
    uint256 private _startedAt;

    function set(int256 answer, uint256 startedAt) external {
        (_answer, _startedAt) = (answer, startedAt);
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return (1, _answer, _startedAt, block.timestamp, 1);
    }
}

/// @notice A consumer for an L2: both questions, the sequencer's first.
contract L2Consumer is ProofOfCloudConsumer, SequencerUptime {
    constructor(IProofOfCloudRegistry registry, ISequencerUptimeFeed feed)
        ProofOfCloudConsumer(registry)
        SequencerUptime(feed, 1 hours)
    {}

    function act() external view whenSequencerUp onlyAttested(msg.sender) returns (bool) {
        return true;
    }
}

/// @notice What to test of a consumer on an L2, on the mock. To copy.
contract SequencerUptimeTest is Test {
    uint256 private constant START = 1_800_000_000;

    MockProofOfCloudRegistry private mock = new MockProofOfCloudRegistry();
    Feed private feed = new Feed();
    L2Consumer private consumer = new L2Consumer(IProofOfCloudRegistry(address(mock)), feed);
    address private operator = makeAddr("operator");

    function setUp() public {
        vm.warp(START);
        mock.attest(operator, keccak256("platform"), 0);
        vm.startPrank(operator);
    }

    function test_actsWhenTheSequencerHasBeenUpForLongerThanTheGrace() public {
        feed.set(0, START - 1 hours - 1);
        assertTrue(consumer.act());
        feed.set(0, START - 1 hours);
        vm.expectRevert(abi.encodeWithSelector(SequencerUptime.SequencerGraceNotOver.selector, START));
        consumer.act();
    }

    function test_doesNotActWhileTheSequencerIsDown() public {
        feed.set(1, START - 2 hours);
        vm.expectRevert(SequencerUptime.SequencerDown.selector);
        consumer.act();
    }

    /// @notice An uninitialised feed, and one that makes no sense, are not an "up".
    function test_doesNotActOnAFeedThatSaysNothing() public {
        feed.set(0, 0);
        vm.expectRevert(SequencerUptime.SequencerDown.selector);
        consumer.act();
        feed.set(0, START + 1);
        vm.expectRevert(SequencerUptime.SequencerDown.selector);
        consumer.act();
        feed.set(-1, START - 2 hours);
        vm.expectRevert(SequencerUptime.SequencerDown.selector);
        consumer.act();
    }

    /// @notice A freeze held up by an outage has the grace to land before anything happens on the old answer.
    function test_aFreezeHeldUpByAnOutageLandsInTheGrace() public {
        feed.set(1, START);
        feed.set(0, START + 30 minutes);
        vm.warp(START + 31 minutes);
        assertTrue(mock.isAttested(operator));
        vm.expectPartialRevert(SequencerUptime.SequencerGraceNotOver.selector);
        consumer.act();
        mock.freezeOperator(operator);
        vm.warp(START + 2 hours);
        vm.expectRevert(
            abi.encodeWithSelector(
                IProofOfCloudRegistry.NotAttested.selector, operator, IProofOfCloudRegistry.Denial.Frozen
            )
        );
        consumer.act();
    }

    function test_refusesAFeedWithoutCode() public {
        vm.expectRevert(abi.encodeWithSelector(SequencerUptime.NoSequencerFeed.selector, address(1234)));
        new L2Consumer(IProofOfCloudRegistry(address(mock)), ISequencerUptimeFeed(address(1234)));
    }
}
