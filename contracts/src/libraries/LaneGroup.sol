// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

/// @title LaneGroup
/// @notice `Lanes.refusal` for the eight lanes of a slot at once: what takes eight turns of a loop there takes some
/// forty instructions here. A fuzz test holds the two together.
/// @dev Each lane has 32 bits and an expiry only 26. So the expiries, shifted to the right end of their lanes, leave
/// bit 31 free as a guard: `(a | guard) - b` keeps the guard exactly where `a >= b`, and borrows from no neighbour,
/// since `b` stays below 2^31. Bounds: `a` and `b` are expiries (26 bits), an expiry plus one, or a time in units of
/// 64 s, which stays below 2^31 until the year 6325.
library LaneGroup {
    /// @dev One in every lane.
    // slither-disable-next-line too-many-digits (a one in each lane)
    uint256 private constant ONES = 0x0000000100000001000000010000000100000001000000010000000100000001;
    uint256 private constant GUARDS = ONES << 31;
    uint256 private constant BELOW_GUARDS = ONES * 0x7fffffff;
    uint256 private constant EXPIRIES = ONES * 0x03ffffff;
    uint256 private constant GENERATIONS = ONES * 63;

    /// @dev In every lane the earliest expiry that is live at `time`.
    function firstLive(uint256 time) internal pure returns (uint256) {
        unchecked {
            return (time / 64 + 1) * ONES;
        }
    }

    /// @dev In every lane the last expiry that is not beyond `time`.
    function lastAllowed(uint256 time) internal pure returns (uint256) {
        unchecked {
            // slither-disable-next-line divide-before-multiply (once in every lane)
            return (time / 64) * ONES; // forge-lint: disable-line(divide-before-multiply)
        }
    }

    /// @param stored The slot.
    /// @param words What a report asks for; a lane of zero is left alone.
    /// @param live From `firstLive`.
    /// @param limit From `lastAllowed`.
    /// @return renewed The slot with every renewal that applies.
    /// @return refused Bit 31 of a lane: its renewal does not apply. Bits 0 to 30 are zero.
    /// @return count How many lanes of `words` are not zero.
    function renew(uint256 stored, uint256 words, uint256 live, uint256 limit)
        internal
        pure
        returns (uint256 renewed, uint256 refused, uint256 count)
    {
        unchecked {
            uint256 from = (stored >> 6) & EXPIRIES;
            uint256 to = (words >> 6) & EXPIRIES;
            // alive, forward, near enough, of the same generation
            uint256 good = ((from | GUARDS) - live) & ((to | GUARDS) - from - ONES) & ((limit | GUARDS) - to)
                & (GUARDS - ((stored ^ words) & GENERATIONS));
            // A sum passes 2^31 where any of the lower 31 bits is set, and never 2^32.
            uint256 present = (((words & BELOW_GUARDS) + BELOW_GUARDS) | words) & GUARDS;
            uint256 applied = present & good;
            if (applied == GUARDS) return (words, 0, 8); // the usual group: eight lanes, and all apply
            refused = present ^ applied;
            renewed = stored ^ ((stored ^ words) & ((applied >> 31) * type(uint32).max));
            count = ((present >> 31) * ONES) >> 224;
        }
    }
}
