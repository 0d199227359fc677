//! Whose turn it is.
//!
//! Turns save work; no safety rests on them. A relayer proposes a bundle `rank × stage` after it has appraised it, so
//! whoever is first in the order goes at once and everybody else finds it done.

use alloy::{
    primitives::{Address, B256, U256, keccak256},
    sol_types::SolValue,
};

/// How long one order of turns lasts, seconds.
pub(super) const EPOCH: u64 = 300;

/// The order in which the members of a set take turns at `as_of` (Unix seconds).
///
/// Fisher–Yates over the members in the registry's order: with `state = keccak256(abi.encode(setId, ⌊asOf / 300⌋))`, for
/// `i` from `n − 1` down to 1, `state = keccak256(state)`, swap `i` with `uint256(state) mod (i + 1)`.
pub(super) fn order(set_id: u32, as_of: u64, members: &[Address]) -> Vec<Address> {
    let mut order = members.to_vec();
    let mut state: B256 = keccak256((U256::from(set_id), U256::from(as_of / EPOCH)).abi_encode());
    for last in (1..order.len()).rev() {
        state = keccak256(state);
        let place = U256::from_be_bytes(state.0) % U256::from(last + 1);
        order.swap(last, place.to());
    }
    order
}

/// A member's place in the order, from 0. Who is no member comes last.
pub(super) fn rank(order: &[Address], member: Address) -> usize {
    order
        .iter()
        .position(|other| *other == member)
        .unwrap_or(order.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(n: u8) -> Vec<Address> {
        (1..=n).map(Address::repeat_byte).collect()
    }

    fn first_bytes(order: &[Address]) -> Vec<u8> {
        order.iter().map(|member| member[0]).collect()
    }

    /// For a second implementation: these orders never change.
    #[test]
    fn the_order_is_the_protocols() {
        assert_eq!(
            first_bytes(&order(1, 1_700_000_000, &members(5))),
            [4, 2, 1, 5, 3]
        );
        assert_eq!(
            first_bytes(&order(2, 1_700_000_000, &members(5))),
            [1, 4, 3, 2, 5]
        );
        assert_eq!(
            first_bytes(&order(1, 1_700_000_300, &members(5))),
            [1, 5, 2, 4, 3]
        );
    }

    #[test]
    fn everybody_has_one_place_and_an_epoch_has_one_order() {
        for n in 0..=32 {
            let mut order = order(7, 299, &members(n));
            assert_eq!(order, super::order(7, 0, &members(n)), "one epoch");
            for (place, member) in order.iter().enumerate() {
                assert_eq!(rank(&order, *member), place);
            }
            assert_eq!(rank(&order, Address::ZERO), usize::from(n));
            order.sort_unstable();
            assert_eq!(order, members(n));
        }
    }

    #[test]
    fn everybody_comes_first_about_as_often() {
        let mut first = [0_u32; 3];
        for epoch in 0..3_000 {
            let order = order(1, epoch * EPOCH, &members(3));
            first[usize::from(order[0][0]) - 1] += 1;
        }
        assert!(
            first.iter().all(|times| (900..1_100).contains(times)),
            "{first:?}"
        );
    }
}
